package sync_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/v1peer"
	"prophet/replica"
)

// outsider is the creator of what a program of the original writes into a directory of ours.
const outsider = "stranger@example.com"

// deed is what a stranger does in a replica where a commit of ours was cut off. It returns how many changesets of its own it made.
type deed struct {
	name string
	do   func(p *v1peer.Peer) (made int, err error)
	want string // of the property "stranger" of the ticket; "deleted": there is no ticket
}

func (s *scene) deeds(t *testing.T) []deed {
	carol := replicatest.Clone(t, open(t, s.disk), replica.Options{Creator: "carol@example.com"})
	update(t, carol, s.ticket, "owner", "carol")
	update(t, carol, s.ticket, "status", "hers")
	return []deed{
		{"creates", func(p *v1peer.Peer) (int, error) {
			_, err := p.Create("Ticket", map[string]string{"stranger": "created"})
			return made(err)
		}, ""},
		{"updates the same", func(p *v1peer.Peer) (int, error) {
			return made(p.Update(s.ticket, map[string]string{"stranger": "updated"}))
		}, "updated"},
		{"updates all that it sees, twice", updateAll, "updated"},
		{"deletes", func(p *v1peer.Peer) (int, error) { return made(p.Delete(s.ticket)) }, "deleted"},
		{"pulls", func(p *v1peer.Peer) (int, error) {
			_, err := p.Pull(carol.FS(), v1peer.To)
			return 0, err
		}, ""},
	}
}

func made(err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// updateAll updates all records twice.
func updateAll(p *v1peer.Peer) (n int, err error) {
	shown, err := p.State()
	if err != nil {
		return 0, err
	}
	recs := slices.SortedFunc(maps.Keys(shown), func(a, b changeset.RecordID) int { return cmp.Compare(a.String(), b.String()) })
	for _, value := range []string{"first", "updated"} {
		for _, rec := range recs {
			if err := p.Update(rec, map[string]string{"stranger": value}); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// logged are the changesets of a log, by the key of the object, and how many the stranger made.
func logged(t *testing.T, fsys afero.Fs) (keys map[[20]byte]bool, strangers int) {
	t.Helper()
	keys = map[[20]byte]bool{}
	r := replicatest.Open(t, fsys, replica.Options{})
	for row, err := range r.Log().Rows(1, r.Latest()) {
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		keys[row.Key] = true
		if c.Creator.Text == outsider && !c.Nullification && !c.Resolution {
			strangers++
		}
	}
	return keys, strangers
}

// cutOffs are accidents in one transaction, and where they happen.
func (s *scene) cutOffs(t *testing.T) map[*crashfs.FS][]accident {
	two := func(t *testing.T, r *replica.Replica) error {
		return r.Update(context.Background(), func(tx *replica.Tx) error {
			for _, value := range []string{"one", "two"} {
				if _, err := tx.Edit(func(e *replica.Edit) error { return e.Update(s.ticket, map[string]string{"owner": value}) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	decide := func(t *testing.T, r *replica.Replica) error {
		_, err := r.Edit(context.Background(), func(e *replica.Edit) error { return e.Update(s.ticket, map[string]string{"status": "decided"}) })
		return err
	}
	met := s.disk.Survivor(crashfs.Kill, 0)
	pull(t, open(t, met), s.peer)
	return map[*crashfs.FS][]accident{s.disk: append(s.accidents(), accident{"two edits", two}), met: {{"decision", decide}}}
}

// TestWhatAnotherProgramWritesAfterACrashIsKept cuts a commit of ours off at every operation; then a program of the original, which knows of no journal,
// writes to the same directory, and gives the numbers once more that ours was about to give.
func TestWhatAnotherProgramWritesAfterACrashIsKept(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	points, failed, deeds := 0, 0, s.deeds(t)
	for start, accidents := range s.cutOffs(t) {
		before, _ := logged(t, start)
		for _, a := range accidents {
			calm := start.Survivor(crashfs.Kill, 0)
			if err := a.do(t, open(t, calm)); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
			ours, _ := logged(t, calm)
			maps.DeleteFunc(ours, func(key [20]byte, _ bool) bool { return before[key] })
			seen := map[string]bool{}
			for k := 1; ; k += race.Every(7) {
				disk := start.Survivor(crashfs.Kill, 0)
				r := open(t, disk)
				disk.CrashAt(k)
				err := a.do(t, r)
				if !disk.Failed() {
					break
				}
				for i, d := range deeds {
					mode := crashfs.Mode((k/2 + i) % 2)
					v := visit{deed: d, ticket: s.ticket, left: disk.Survivor(mode, int64(k)), ours: ours, reported: err == nil,
						when: fmt.Sprintf("%s, %s at operation %d, the stranger %s", a.name, mode, k, d.name)}
					if again(seen, v.left, d.name, v.reported) {
						continue
					}
					points++
					if v.run(t); !v.did {
						failed++
					}
				}
			}
		}
	}
	t.Logf("%d points; at %d of them the stranger could not do it", points, failed)
	if points < 1000/race.Every(7) || failed > points/4 {
		t.Error("that does not test much")
	}
}

// visit is a deed of the stranger's in what a crash left.
type visit struct {
	deed
	when     string // for messages
	ticket   changeset.RecordID
	left     *crashfs.FS
	ours     map[[20]byte]bool // what the commit was to add that was cut off
	reported bool              // that it was made

	made int  // by the stranger
	did  bool // it could do it
}

// run lets the stranger write, and checks that nothing of that is lost, that ours is there as a whole or not at all, and that a reader sees what the next
// writer finds.
func (v *visit) run(t *testing.T) {
	t.Helper()
	p, err := v1peer.Open(v.left, v1peer.Options{Creator: outsider})
	if err != nil {
		t.Fatal(err)
	}
	v.made, err = v.do(p)
	v.did = err == nil && (v.made > 0 || v.want == "")
	seen := shown(t, replicatest.Open(t, v.left, replica.Options{}))
	v.check(t, ", seen by a reader")
	if err := open(t, v.left).Update(context.Background(), func(tx *replica.Tx) error { return nil }); err != nil {
		t.Fatalf("%s: the next writer: %v", v.when, err)
	}
	if got := shown(t, replicatest.Open(t, v.left, replica.Options{})); fmt.Sprint(got) != fmt.Sprint(seen) && v.name != "pulls" {
		t.Errorf("%s: a reader saw\n%s\nthe next writer made of it\n%s", v.when, seen, got)
	}
	v.check(t, "")
	replicatest.Edit(t, open(t, v.left), func(e *replica.Edit) error {
		_, err := e.Create("Note", map[string]string{"text": "life goes on"})
		return err
	})
	v.check(t, ", after the next edit")
}

// check looks at the log and at the ticket at one of these moments.
func (v *visit) check(t *testing.T, moment string) {
	t.Helper()
	when := v.when + moment
	if moment != "" { // what the next writer leaves unsound, the next edit does not mend
		sound(t, v.left, when)
	}
	there, strangers := logged(t, v.left)
	if strangers != v.made {
		t.Errorf("%s: there are %d changesets of the stranger, which made %d", when, strangers, v.made)
	}
	held := 0
	for key := range v.ours {
		if there[key] {
			held++
		}
	}
	if held != len(v.ours) && (v.reported || held > 0) {
		t.Errorf("%s: of our %d changesets, reported done: %v, there are %d", when, len(v.ours), v.reported, held)
	}
	props, exists, err := replicatest.Open(t, v.left, replica.Options{}).Log().Props(v.ticket)
	if err != nil || v.did && v.want != "" && (exists == (v.want == "deleted") || exists && props["stranger"] != v.want) {
		t.Errorf("%s: the ticket is there: %v, %v (%v)", when, exists, props, err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// TestWhatAnotherProgramWritesInTheMiddleOfAMoveIsKept is the same for an index that is written anew as a whole.
func TestWhatAnotherProgramWritesInTheMiddleOfAMoveIsKept(t *testing.T) {
	replicatest.OnFormat1(t)
	disk, ticket, twin, _ := forked(t)
	points, seen := 0, map[string]bool{}
	for k, left := range cutOffs(t, disk, func(disk *crashfs.FS) error { return takeApart(disk, twin) }) {
		if k%race.Step != 0 || again(seen, left) {
			continue
		}
		p, err := v1peer.Open(left, v1peer.Options{Creator: outsider})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Update(ticket, map[string]string{"stranger": "updated"}); err != nil {
			continue // a row is torn, which it does not know
		}
		if _, err := p.Create("Ticket", map[string]string{"stranger": "created"}); err != nil {
			t.Fatal(err)
		}
		points++
		when := fmt.Sprintf("operation %d", k)
		for _, by := range []string{"a reader", "the next writer", "the next edit"} {
			sound(t, left, when+", "+by)
			if _, n := logged(t, left); n != 2 {
				t.Fatalf("%s, %s: there are %d changesets of the stranger", when, by, n)
			}
			update(t, open(t, left), ticket, "note", by)
		}
	}
	t.Logf("%d points", points)
	if points < race.Part(40) {
		t.Error("that does not test much")
	}
}

// TestADecisionWhoseNumberTheOriginalGaveIsMade cuts a pull off that decides, and lets the original give its number to an edit that it dies in. It adds to
// both logs, and of the resolutions the original knows nothing. What a refusal says to do leads to a sound replica.
func TestADecisionWhoseNumberTheOriginalGaveIsMade(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	all := s.accidents()
	a := all[slices.IndexFunc(all, func(a accident) bool { return a.name == "pull that decides" })]
	number := replicatest.Open(t, s.disk, replica.Options{}).Latest() + 1
	made := 0
	for k := 1; ; k++ {
		disk := s.disk.Survivor(crashfs.Kill, 0)
		r := open(t, disk)
		disk.CrashAt(k)
		err := a.do(t, r)
		if !disk.Failed() {
			break
		}
		left := disk.Survivor(crashfs.Kill, 0)
		if text, jerr := afero.ReadFile(left, "prophet/journal"); jerr != nil || !bytes.Contains(text, []byte("sha256")) || err == nil {
			continue
		}
		index, _ := afero.ReadFile(left, changeset.IndexFile)
		for name, text := range map[string][]byte{changeset.LatestFile: fmt.Append(nil, number), changeset.IndexFile: append(index, "\x00\x00\x00"...)} {
			if err := afero.WriteFile(left, name, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err = replica.Open(left, replica.Options{Creator: "ann@example.com"})
		if err != nil {
			_, advice, _ := strings.Cut(err.Error(), "if not, write ")
			number, _, _ := strings.Cut(advice, " into")
			if err := afero.WriteFile(left, changeset.LatestFile, []byte(number), 0o644); err != nil {
				t.Fatal(err)
			}
			r = open(t, left)
		}
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { return nil }); err != nil {
			t.Errorf("operation %d: %v", k, err)
		}
		sound(t, left, fmt.Sprintf("operation %d", k))
		r = replicatest.Open(t, left, replica.Options{})
		if r.Latest() < number {
			continue
		}
		if made++; r.Resolutions().Latest() == 0 {
			t.Errorf("operation %d: the decision was made, and is not in the resolutions", k)
		}
	}
	if made == 0 {
		t.Error("it was never made")
	}
}

// Without the original's mark of the UUID that was given up, the original would take the replica's own changesets for somebody else's that are new.
func TestAfterANewUUIDThatWasCutOffTheOriginalTakesNothingTwice(t *testing.T) {
	replicatest.OnFormat1(t)
	s := newScene(t)
	was, renamed := open(t, s.disk).UUID(), 0
	for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
		for k := 1; ; k++ {
			disk := s.disk.Survivor(mode, 0)
			r := replicatest.Open(t, disk, replica.Options{})
			disk.CrashAt(k)
			err := r.Reidentify(t.Context())
			if !disk.Failed() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			left := disk.Survivor(mode, int64(k))
			when := fmt.Sprintf("%s at operation %d", mode, k)
			sound(t, left, when)
			if open(t, left).UUID() != was {
				renamed++
			}
			p, err := v1peer.Open(left, v1peer.Options{Creator: outsider})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Pull(s.peer.FS(), v1peer.To); err != nil {
				t.Fatal(err)
			}
			sound(t, left, when+", after a pull")
		}
	}
	if renamed == 0 {
		t.Error("it never had its new UUID when it was cut off")
	}
}
