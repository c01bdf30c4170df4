package replica_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// lostIndexes are ways to lose an index.
var lostIndexes = map[string]func(t *testing.T, fsys afero.Fs, name string){
	"removed": func(t *testing.T, fsys afero.Fs, name string) {
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
	},
	"emptied": func(t *testing.T, fsys afero.Fs, name string) {
		change(t, fsys, name, func([]byte) []byte { return nil })
	},
	"cut": func(t *testing.T, fsys afero.Fs, name string) {
		change(t, fsys, name, func(b []byte) []byte { return b[:20] })
	},
}

// withLater integrates a rival that writes a value an hour from now, without having seen more than the record's creation.
func withLater(t *testing.T, r *replica.Replica, rec changeset.RecordID, prop, value string) error {
	t.Helper()
	c := &changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: time.Now().Add(time.Hour).UTC().Format(changeset.TimeFormat), Changes: []changeset.Change{{
		Record: rec, Kind: changeset.Update, Parents: []changeset.ID{{Origin: r.UUID(), Seq: 1}},
		Props: map[string]changeset.PropChange{prop: {Old: changeset.Text("new"), New: changeset.Text(value)}}}}}
	return r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(c)
		return err
	})
}

// refuses makes sure that an attempt to write names a file as damaged, and changes nothing.
func refuses(t *testing.T, fsys afero.Fs, what, file string, write func(r *replica.Replica) error) {
	t.Helper()
	before := filesIn(t, fsys)
	err := write(replicatest.Open(t, fsys, replica.Options{}))
	var damage *replica.DamageError
	if !errors.As(err, &damage) || !strings.HasSuffix(damage.Path, file) {
		t.Errorf("%s: %v", what, err)
	}
	if after := filesIn(t, fsys); !maps.Equal(before, after) {
		t.Errorf("%s: it changed the replica", what)
	}
}

// A rule that cannot be read is not the same as none: the sum would become the latest value, in a resolution.
func TestNothingIsWrittenByARuleThatIsLost(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for what, lose := range lostIndexes {
		fsys, r, rec := rivals(t)
		replicatest.Edit(t, r, func(e *replica.Edit) error { return e.SetRule("Ticket", "status", resolution.RuleMax) })
		rule, err := r.Rule("Ticket", "status")
		if err != nil {
			t.Fatal(err)
		}
		file := changeset.RecordPath(rule.Record)
		lose(t, fsys, file)
		refuses(t, fsys, what+", edit", file, func(r *replica.Replica) error { return updates(t, r, rec) })
		refuses(t, fsys, what+", rival", file, func(r *replica.Replica) error { return withLater(t, r, rec, "status", "a") })
		refuses(t, fsys, what+", rule", file, func(r *replica.Replica) error {
			_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.RemoveRule("Ticket", "status") })
			return err
		})
		mend(t, fsys)
		if err := updates(t, replicatest.Open(t, fsys, replica.Options{}), rec); err != nil || problems(t, fsys) != "" {
			t.Errorf("%s: after a repair: %v\n%s", what, err, problems(t, fsys))
		}
	}
}

// updates writes a property that is in no conflict.
func updates(t *testing.T, r *replica.Replica, rec changeset.RecordID) error {
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"summary": "x"}) })
	return err
}

// decidedTwice returns a replica with a record of which a vote settles a second conflict, and the index of the vote.
func decidedTwice(t *testing.T) (fsys afero.Fs, rec changeset.RecordID, vote string) {
	t.Helper()
	fsys, r, rec := rivals(t)
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": "stalled"}) })
	for name := range filesIn(t, fsys) {
		if strings.HasPrefix(name, "resolutions/records/") {
			vote = name
		}
	}
	return fsys, rec, vote
}

func TestNothingIsWrittenWithoutAVoteThatIsLost(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for what, lose := range lostIndexes {
		fsys, rec, vote := decidedTwice(t)
		if err := withLater(t, replicatest.Open(t, fsys, replica.Options{}), rec, "status", "open"); err != nil {
			t.Fatal(err)
		}
		lose(t, fsys, vote)
		refuses(t, fsys, what+", edit", vote, func(r *replica.Replica) error { return updates(t, r, rec) })
		refuses(t, fsys, what+", another vote", vote, func(r *replica.Replica) error { return anotherVote(t, r) })
	}
}

// anotherVote integrates a vote on something else.
func anotherVote(t *testing.T, r *replica.Replica) error {
	voter := uuid.New()
	return r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.IntegrateVote(&changeset.Changeset{ID: changeset.ID{Origin: voter, Seq: 1}, Created: "2026-01-01 00:00:00", Changes: []changeset.Change{{
			Record: changeset.RecordID{Type: "_prophet_resolution-" + strings.Repeat("a", 40), UUID: voter}, Kind: changeset.Create, Parents: []changeset.ID{},
			Props: map[string]changeset.PropChange{"status": {New: changeset.Text("open")}}}}})
		return err
	})
}

// A conflict that opens while a vote on it is lost is settled without the vote: nothing here tells that there was one. So a repair has it settled anew.
func TestARepairSettlesAnewWhatWasSettledWithoutAVote(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec, vote := decidedTwice(t)
	lostIndexes["removed"](t, fsys, vote)
	r := replicatest.Open(t, fsys, replica.Options{})
	if err := withLater(t, r, rec, "status", "open"); err != nil || propsOf(t, r, rec)["status"] != "open" {
		t.Fatalf("without the vote it shows %v, %v", propsOf(t, r, rec), err)
	}
	mend(t, fsys)
	if now := propsOf(t, replicatest.Open(t, fsys, replica.Options{}), rec); now["status"] != "stalled" || problems(t, fsys) != "" {
		t.Errorf("after a repair it shows %v, and fsck says\n%s", now, problems(t, fsys))
	}
	replicatest.Edit(t, replicatest.Open(t, fsys, replica.Options{}), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"summary": "x"}) })
	sound(t, fsys)
}
