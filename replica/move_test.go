package replica_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// madeBy returns an edit of the ticket by an origin.
func madeBy(origin uuid.UUID, seq uint32, rec changeset.RecordID, value string, parents ...changeset.ID) *changeset.Changeset {
	return &changeset.Changeset{ID: changeset.ID{Origin: origin, Seq: seq}, Created: "2026-02-02 02:02:02", Changes: []changeset.Change{{
		Record: rec, Kind: changeset.Update, Parents: parents, Props: map[string]changeset.PropChange{"status": {New: changeset.Text(value)}}}}}
}

// forkable makes a replica with three edits of one origin and one of another on top, which is known without parents and, in the list, with them.
func forkable(t *testing.T) (r *replica.Replica, u, x uuid.UUID, rec changeset.RecordID) {
	t.Helper()
	r = replicatest.Init(t, directory(t), replica.Options{})
	u, x = uuid.UUID{1, 6: 0x40, 8: 0x80}, uuid.UUID{2, 6: 0x40, 8: 0x80}
	rec = changeset.RecordID{Type: "Ticket", UUID: uuid.UUID{3, 6: 0x40, 8: 0x80}}
	first := madeBy(u, 1, rec, "new")
	first.Changes[0].Kind, first.Changes[0].Parents = changeset.Create, []changeset.ID{}
	bare := madeBy(x, 1, rec, "closed")
	bare.Changes[0].Parents = nil
	list := []*changeset.Changeset{first, madeBy(u, 2, rec, "open", first.ID), madeBy(u, 3, rec, "stalled", changeset.ID{Origin: u, Seq: 2}), bare}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		for _, c := range list {
			if _, err := tx.Integrate(c); err != nil {
				return err
			}
		}
		news, err := tx.Represent(madeBy(x, 1, rec, "closed", changeset.ID{Origin: u, Seq: 3}))
		if err == nil && !news {
			t.Error("nothing was taken up")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return r, u, x, rec
}

func TestAMoveNamesChangesetsAndParentsAnewAndKeepsEverythingElse(t *testing.T) {
	r, u, x, rec := forkable(t)
	was, before := r.UUID(), r.Latest()
	second, _, err := r.Lookup(changeset.ID{Origin: u, Seq: 2})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Log().Row(second)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Log().Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	move := changeset.Move{From: c.ID.Origin, Seq: c.ID.Seq, To: changeset.MovedOrigin(c)}
	var moved replica.Moved
	if err := r.Update(t.Context(), func(tx *replica.Tx) (err error) {
		moved, err = tx.Move(changeset.Moves{move}, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if moved.Changesets[u] != 2 || moved.From != was || moved.To != r.UUID() || r.UUID() == was {
		t.Errorf("moved %+v; the replica is %s, it was %s", moved, r.UUID(), was)
	}
	if former, err := r.Log().Former(); err != nil || !slices.Equal(former, []uuid.UUID{was}) {
		t.Errorf("former UUIDs %v, %v", former, err)
	}
	if r.Latest() != before {
		t.Errorf("the log has %d rows, it had %d", r.Latest(), before)
	}
	result, err := r.Merged(rec)
	if err != nil || !slices.Equal(result.Heads, []changeset.ID{{Origin: x, Seq: 1}}) || result.Open() || result.Props["status"] != "closed" {
		t.Errorf("merged %+v, %v", result, err)
	}
	events, err := r.History(rec)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range events {
		if !e.Changeset.Bookkeeping() {
			names = append(names, e.Changeset.ID.String())
		}
	}
	want := []string{u.String() + ":1", move.To.String() + ":2", move.To.String() + ":3", x.String() + ":1"}
	if !slices.Equal(names, want) {
		t.Errorf("the log has %v, want %v", names, want)
	}
	list, err := r.Representations()
	if err != nil || list.Latest() != 2 {
		t.Fatalf("the list has %d rows, %v", list.Latest(), err)
	}
	if row, err = list.Row(2); err != nil {
		t.Fatal(err)
	}
	if c, err = list.Changeset(row); err != nil || !slices.Equal(c.Changes[0].Parents, []changeset.ID{{Origin: move.To, Seq: 3}}) {
		t.Errorf("in the list, the edit on top is %+v, %v", c, err)
	}
	if found := problems(t, r.FS()); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
}

// Where an edit stands below its old name's row under its new one, what was made on top of it stands between.
func TestAnEditThatTheLogHasUnderBothNamesStaysAboveWhatWasMadeOnIt(t *testing.T) {
	r, u, x, rec := forkable(t)
	seq, c := rowOf(t, r, changeset.ID{Origin: u, Seq: 3})
	v := changeset.MovedOrigin(c)
	again := madeBy(v, 3, rec, "stalled", changeset.ID{Origin: u, Seq: 1}) // and it tells that it had seen this too
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(again)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	second, _, err := r.Lookup(again.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Move(changeset.Moves{{From: u, Seq: 3, To: v}}, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if now, _, err := r.Lookup(again.ID); err != nil || now != seq {
		t.Errorf("%s is in row %d (%v), want the upper of its rows, %d", again.ID, now, err, seq)
	}
	row, err := r.Log().Row(second)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = r.Log().Changeset(row); err != nil || !c.Nullification || row.ID.Origin == v || row.ID.Origin == u {
		t.Errorf("row %d is %+v, %v, want bookkeeping", second, c, err)
	}
	result, err := r.Merged(rec)
	if err != nil || !slices.Equal(result.Heads, []changeset.ID{{Origin: x, Seq: 1}}) || result.Open() {
		t.Errorf("merged %+v, %v", result, err)
	}
	best, ok, err := r.BestRow(again.ID)
	if err != nil || !ok {
		t.Fatalf("the list has nothing of %s: %v", again.ID, err)
	}
	list, err := r.Representations()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = list.Changeset(best); err != nil || !slices.Equal(c.Changes[0].Parents, []changeset.ID{{Origin: u, Seq: 1}, {Origin: u, Seq: 2}}) {
		t.Errorf("the list has %+v, %v, want the parents of both", c, err)
	}
	if found := problems(t, r.FS()); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestAnOriginIsKnownByItsLowestNumberInWhateverRowThatStands(t *testing.T) {
	r, _, x, rec := forkable(t)
	other := uuid.UUID{4, 6: 0x40, 8: 0x80}
	for _, seq := range []uint32{7, 5, 6} {
		if err := r.Update(t.Context(), func(tx *replica.Tx) error {
			_, err := tx.Integrate(madeBy(other, seq, rec, "again", changeset.ID{Origin: x, Seq: 1}))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	origins, err := r.Origins()
	if first := origins[other]; err != nil || first != 5 {
		t.Errorf("it is known from number %d on (%v), want 5", first, err)
	}
}

func TestAMoveThatDoesNotFollowFromTheLogIsRefused(t *testing.T) {
	r, u, x, _ := forkable(t)
	for name, tt := range map[string]struct {
		move changeset.Move
		want string
	}{
		"another name":   {changeset.Move{From: u, Seq: 2, To: uuid.UUID{9, 6: 0x50, 8: 0x80}}, "does not follow from changeset " + u.String() + ":2"},
		"no such number": {changeset.Move{From: x, Seq: 2, To: u}, "is not in the log"},
	} {
		before := r.UUID()
		err := r.Update(t.Context(), func(tx *replica.Tx) error {
			_, err := tx.Move(changeset.Moves{tt.move}, 0)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), tt.want) || r.UUID() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReidentifyGivesBothLogsNewUUIDsAndNothingElse(t *testing.T) {
	fsys, rec := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	was, voter := r.UUID(), r.Resolutions().UUID()
	if err := r.Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	r = replicatest.Open(t, fsys, replica.Options{})
	if r.UUID() == was || r.Resolutions().UUID() == voter || r.Latest() != 4 {
		t.Errorf("replica %s, voter %s, %d rows", r.UUID(), r.Resolutions().UUID(), r.Latest())
	}
	row, err := r.Log().Row(4)
	if err != nil {
		t.Fatal(err)
	}
	if own, err := r.Log().Own(row); err != nil || !own || row.ID.Origin != was {
		t.Errorf("row 4 is %s, its own %v, %v", row.ID, own, err)
	}
	if _, err := r.Record(rec); err != nil {
		t.Error(err)
	}
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestWroteIsWhatStoodInItsRowWhenTheUUIDWasGivenUp(t *testing.T) {
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	was, other := r.UUID(), uuid.UUID{7}
	if err := r.Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := made(idOf(was, 5), 5, changeset.Create, "status=>new") // of a copy, in the row of its number
	if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(late); return err }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		former string
		want   string
	}{
		{was.String() + " 4\n", "true true false false"},
		{was.String() + "\n", "true true true false"}, // of an older version
		{was.String() + " 3\n" + was.String() + " 4\n", "true true false false"},
		{other.String() + " 4\n", "false false false false"},
		{was.String() + " four\n", "damaged"},
	} {
		notByUs(t, fsys)
		if err := afero.WriteFile(fsys, "prophet/former-uuids", []byte(tt.former), 0o600); err != nil {
			t.Fatal(err)
		}
		r := replicatest.Open(t, fsys, replica.Options{})
		var wrote []string
		for _, id := range []changeset.ID{idOf(was, 1), idOf(was, 4), idOf(was, 5), idOf(was, 6)} {
			is, err := r.Log().Wrote(id)
			if err != nil {
				wrote = []string{"damaged"}
				break
			}
			wrote = append(wrote, fmt.Sprint(is))
		}
		if got := strings.Join(wrote, " "); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.former, got, tt.want)
		}
	}
}

// rowOf returns the row of the main log that names a changeset, and the changeset.
func rowOf(t testing.TB, r *replica.Replica, id changeset.ID) (seq uint32, c *changeset.Changeset) {
	t.Helper()
	seq, _, err := r.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Log().Row(seq)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = r.Log().Changeset(row); err != nil {
		t.Fatal(err)
	}
	return seq, c
}
