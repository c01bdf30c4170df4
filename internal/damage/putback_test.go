package damage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// backedUp are the kinds of files of a log that a backup may bring back one without the other; of a directory all that is below it, but for kinds that are named before.
var backedUp = []string{changeset.LatestFile, changeset.IndexFile, "prophet/rows", replica.DigestsFile, "records/", "cas/changesets/", "cas/records/", parts.ListFile, parts.Dir + "/"}

// become is what happens to the files of a kind.
type become string

const (
	stay    become = "stay"
	putBack become = "put back" // they are what they were
	overlay become = "put back over those that are there"
	gone    become = "gone"
)

// backup is a replica, and what it was some edits before, with a mirror that has all.
type backup struct {
	whole *damage.Scene
	shows string    // what it shows
	were  []earlier // what it was some edits before, and when parts were folded last, if that is another thing
	rec   changeset.RecordID
}

// kinds are those of files that are another thing since the copy.
func (b *backup) kinds() []string { return b.were[0].kinds }

// earlier is what a replica was.
type earlier struct {
	files map[string]string
	shows string
	kinds []string // of files, those that are another thing since
	grown []string // of these, those of which there are files that there were not
}

// newBackup makes one. Each state is folded into parts where packs says so. Since the copy there were edits and, where it is met, something that somebody else did came between them, and none made a record.
func newBackup(t *testing.T, packs, met bool) *backup {
	t.Helper()
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, damage.AnnOptions(21))
	fold := func() {
		if packs {
			if _, err := r.GC(ctx, replica.GCOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var recs []changeset.RecordID
	create := func() {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"n": fmt.Sprint(len(recs)), "status": "new"})
			recs = append(recs, rec)
			return err
		})
	}
	set := func(i int, value string) {
		if err := update(r, recs[i], "status", value); err != nil {
			t.Fatal(err)
		}
	}
	create()
	create()
	set(0, "open")
	fold()
	states := []*damage.Scene{{Replica: fsys.Survivor(crashfs.Kill, 0)}}
	if met {
		set(0, "closed")
		fold()
		if packs {
			states = append(states, &damage.Scene{Replica: fsys.Survivor(crashfs.Kill, 0)})
		}
		take(t, r, recs[1])
		set(1, "open")
		set(0, "open")
	} else {
		create()
		set(0, "closed")
		set(2, "open")
		fold()
	}
	b := &backup{whole: &damage.Scene{Replica: fsys, Mirror: crashfs.New(), Peer: crashfs.New(), Database: r.Database()}}
	b.shows = shows(b.whole)
	if _, err := psync.Publish(ctx, r, b.whole.Mirror, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, s := range states {
		was := earlier{files: contents(t, s.Replica), shows: shows(s)}
		for _, kind := range backedUp {
			before, now := filesOf(t, s.Replica, kind), filesOf(t, fsys, kind)
			if fmt.Sprint(before) != fmt.Sprint(now) {
				was.kinds = append(was.kinds, kind)
			}
			if len(before) < len(now) {
				was.grown = append(was.grown, kind)
			}
		}
		b.were = append(b.were, was)
	}
	b.rec = recs[0]
	return b
}

// take takes up what somebody else did to a record.
func take(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	merged, err := r.Merged(rec)
	if err == nil {
		err = r.Update(ctx, func(tx *replica.Tx) error {
			_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: uuid.New(), Seq: 1}, Created: "2026-03-03 03:03:03", Creator: changeset.Text("bob@example.com"),
				Changes: []changeset.Change{{Record: rec, Kind: changeset.Update, Parents: merged.Heads, Props: map[string]changeset.PropChange{"owner": {New: changeset.Text("bob")}}}}})
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kindOf is the kind of a file, "" if it is of none.
func kindOf(name string) string {
	for _, kind := range backedUp {
		if name == kind || strings.HasSuffix(kind, "/") && strings.HasPrefix(name, kind) {
			return kind
		}
	}
	return ""
}

// filesOf are the files of a kind.
func filesOf(t *testing.T, fsys afero.Fs, kind string) map[string]string {
	t.Helper()
	all := contents(t, fsys)
	for name := range all {
		if kindOf(name) != kind {
			delete(all, name)
		}
	}
	return all
}

// choices are what may happen to the kinds at once: every combination, of which the first is that nothing does.
func (b *backup) choices() (list []map[string]become) {
	list = []map[string]become{{}}
	for _, kind := range b.kinds() {
		also := []become{putBack, gone}
		if strings.HasSuffix(kind, "/") {
			also = append(also, overlay)
		}
		for _, c := range list[:len(list):len(list)] {
			for _, how := range also {
				with := maps.Clone(c)
				with[kind] = how
				list = append(list, with)
			}
		}
	}
	return list
}

// uncounted is the choice by which nothing that counts rows is left, but the list of parts as it was.
func (b *backup) uncounted() map[string]become {
	choice := map[string]become{}
	for _, kind := range b.kinds() {
		switch kind {
		case "cas/changesets/", "cas/records/", parts.Dir + "/":
		case parts.ListFile:
			choice[kind] = putBack
		default:
			choice[kind] = gone
		}
	}
	return choice
}

// after is the replica once that has happened.
func (b *backup) after(t *testing.T, choice map[string]become) *damage.Scene {
	t.Helper()
	s := b.whole.Copy()
	for name := range contents(t, s.Replica) {
		if how := choice[kindOf(name)]; how == putBack || how == gone {
			remove(t, s.Replica, name)
		}
	}
	for name, text := range b.were[0].files {
		if how := choice[kindOf(name)]; how == putBack || how == overlay {
			write(t, s.Replica, name, []byte(text))
		}
	}
	return s
}

// lacks reports whether changesets of the last edits are gone.
func (b *backup) lacks(choice map[string]become) bool {
	return slices.ContainsFunc([]string{"cas/changesets/", parts.Dir + "/"}, func(kind string) bool { return choice[kind] == putBack || choice[kind] == gone })
}

// mayShow are what the replica may show after a repair that says nothing: what it showed, or what it was earlier if no file that counts rows tells of the edits since. Then it is that one, as after any backup that is put back whole, and what
// it had since comes by a pull. Files of objects are no witness where nothing names them; and where loose changesets are gone, one file alone that says that there were some is none either.
func (b *backup) mayShow(choice map[string]become) []string {
	may, most := []string{b.shows}, 0
	if how := choice["cas/changesets/"]; how == putBack || how == gone {
		most = 1
	}
	for _, was := range b.were {
		tell := 0
		for _, kind := range was.kinds {
			if how := choice[kind]; !was.isOfObjects(kind) && (how == "" || how == overlay && slices.Contains(was.grown, kind)) {
				tell++
			}
		}
		if tell <= most {
			may = append(may, was.shows)
		}
	}
	return may
}

// isOfObjects reports whether files of a kind tell nothing that no other names.
func (was earlier) isOfObjects(kind string) bool {
	return strings.HasPrefix(kind, "cas/")
}

// shows is what a replica shows, or why it does not.
func shows(s *damage.Scene) string {
	r, err := replica.Open(s.Replica, damage.AnnOptions(9))
	if err != nil {
		return err.Error()
	}
	view, err := replicatest.Look(r, changeset.RecordID.String)
	if err != nil {
		return err.Error()
	}
	return view.Records + view.Conflicts
}

// TestWhateverABackupBringsBackNothingIsLost puts files back that a replica had before its last edits, or loses them, in every combination. A repair that may ask a mirror leads to what the replica showed. One that asks nobody leads
// there too, or, where changesets are gone, says that something is lost or wrong; then the mirror brings it, by a repair and a pull.
func TestWhateverABackupBringsBackNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		on      func(t testing.TB)
		gc, met bool
		kinds   int // that the last edits changed
		every   int // so many choices one is tried, a number that has nothing in common with the numbers of what may become of a kind
	}{{"format 1", replicatest.OnFormat1, false, false, 7, 43}, {"format 2, loose", replicatest.OnFormat2, false, false, 7, 43}, {"format 2, in parts", replicatest.OnFormat2, true, false, 6, 43},
		{"format 1, met", replicatest.OnFormat1, false, true, 7, 83}, {"format 2, loose, met", replicatest.OnFormat2, false, true, 7, 83},
		{"format 2, in parts and behind them, met", replicatest.OnFormat2, true, true, 9, 883}} {
		t.Run(c.name, func(t *testing.T) {
			c.on(t)
			b := newBackup(t, c.gc, c.met)
			if len(b.kinds()) != c.kinds {
				t.Fatalf("the last edits changed files of %q, want %d kinds", b.kinds(), c.kinds)
			}
			choices, n, step := b.choices(), 0, race.Every(c.every)
			if *all {
				step = 1
			}
			for i := 1; i < len(choices); i += step {
				b.isHealed(t, choices[i])
				n++
			}
			b.isHealed(t, b.uncounted())
			if t.Logf("%d of %d choices", n, len(choices)); n == 0 {
				t.Error("nothing was put back")
			}
		})
	}
}

func (b *backup) isHealed(t *testing.T, choice map[string]become) {
	t.Helper()
	want, may := b.shows, b.mayShow(choice)
	s := b.after(t, choice)
	_, err := repair(s, true)
	got, list := shows(s), problems(t, s.Replica)
	if err != nil || !slices.Contains(may, got) || len(list) > 0 {
		t.Errorf("%v: a repair with the mirror: %v, %q, it shows\n%s", choice, err, list, got)
	}
	s = b.after(t, choice)
	mended, err := repair(s, false)
	told := b.lacks(choice) && (len(problems(t, s.Replica)) > 0 || slices.ContainsFunc(mended, func(m replica.Mended) bool { return m.Outcome == replica.IsLost }))
	if got := shows(s); err != nil || !told && !slices.Contains(may, got) {
		t.Errorf("%v: a repair without others: %v, %v, it shows\n%s", choice, err, mended, got)
	}
	if _, err = repair(s, true); err == nil {
		err = pullFromMirror(s)
	}
	if got, list := shows(s), problems(t, s.Replica); err != nil || got != want || len(list) > 0 {
		t.Errorf("%v: a repair without others, then one with the mirror, and a pull: %v, %q, it shows\n%s", choice, err, list, got)
	}
}

func pullFromMirror(s *damage.Scene) error {
	r, err := replica.Open(s.Replica, damage.AnnOptions(9))
	if err != nil {
		return err
	}
	mirror, err := replica.Open(s.MirrorTree(), replica.Options{Where: "/scene/mirror"})
	if err != nil {
		return err
	}
	_, err = psync.Pull(ctx, r, mirror, psync.Options{})
	return err
}

// TestAMirrorOfWhatWasGoneIsPulledAndNotMissed puts a backup back, but for the objects, and edits then, under the number of what somebody else did since. The mirror that has that tells of no rows here: nothing is told as lost, and a pull brings all.
func TestAMirrorOfWhatWasGoneIsPulledAndNotMissed(t *testing.T) {
	for _, c := range []struct {
		name string
		on   func(testing.TB)
		gc   bool // then the backup is one of after an edit more: somebody else's is the first that it lacks
	}{{"format 1", replicatest.OnFormat1, false}, {"format 2", replicatest.OnFormat2, false}, {"format 2, in parts", replicatest.OnFormat2, true}} {
		t.Run(c.name, func(t *testing.T) {
			c.on(t)
			b := newBackup(t, c.gc, true)
			s := b.whole.Copy()
			for name := range contents(t, s.Replica) {
				if !strings.HasPrefix(name, "cas/") {
					remove(t, s.Replica, name)
				}
			}
			for name, text := range b.were[len(b.were)-1].files {
				write(t, s.Replica, name, []byte(text))
			}
			r, err := replica.Open(s.Replica, damage.AnnOptions(9))
			if err == nil {
				err = update(r, b.rec, "note", "since then")
			}
			if err != nil {
				t.Fatal(err)
			}
			was := shows(s)
			mended, err := repair(s, true)
			if got, list := shows(s), problems(t, s.Replica); err != nil || got != was || len(list) > 0 || slices.ContainsFunc(mended, func(m replica.Mended) bool { return m.Outcome == replica.IsLost }) {
				t.Errorf("a repair with the mirror: %v, %v, %q, it shows\n%s", err, mended, list, got)
			}
			if err := pullFromMirror(s); err != nil {
				t.Fatal(err)
			}
			if got := shows(s); !strings.Contains(got, "since then") || !strings.Contains(got, "bob") {
				t.Errorf("after a pull it shows\n%s", got)
			}
		})
	}
}
