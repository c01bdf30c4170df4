package replica_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

var (
	xavier, yvonne = uuid.UUID{0: 1, 15: 1}, uuid.UUID{0: 2, 15: 2}
	thing          = changeset.RecordID{Type: "Ticket", UUID: uuid.UUID{0: 3}}
)

func idOf(origin uuid.UUID, seq uint32) changeset.ID { return changeset.ID{Origin: origin, Seq: seq} }

// made is a changeset of a minute, which writes properties as "name=old>new"; without parents they are not known.
func made(id changeset.ID, minute int, kind changeset.Kind, writes string, parents ...changeset.ID) *changeset.Changeset {
	ch := changeset.Change{Record: thing, Kind: kind, Props: map[string]changeset.PropChange{}, Parents: parents}
	for _, w := range strings.Fields(writes) {
		name, values, _ := strings.Cut(w, "=")
		old, value, _ := strings.Cut(values, ">")
		ch.Props[name] = changeset.PropChange{Old: changeset.TextOrNull(old), New: changeset.TextOrNull(value)}
	}
	return &changeset.Changeset{ID: id, Created: fmt.Sprintf("2026-01-01 00:%02d:00", minute), Changes: []changeset.Change{ch}}
}

func first(kind changeset.Kind, writes string) *changeset.Changeset {
	c := made(idOf(xavier, 1), 1, kind, writes)
	c.Changes[0].Parents = []changeset.ID{}
	return c
}

// holding makes a replica that has integrated changesets, one in each transaction.
func holding(t *testing.T, fsys afero.Fs, changesets ...*changeset.Changeset) *replica.Replica {
	t.Helper()
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	for _, c := range changesets {
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// seen is what a replica shows: rows of log and list, the thing and what is open about it.
type seen struct {
	rows, listed uint32
	state        string
	heads        int
	open         string
}

func look(t *testing.T, fsys afero.Fs) seen {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{})
	list, err := r.Representations()
	if err != nil {
		t.Fatal(err)
	}
	s := seen{rows: r.Latest(), listed: list.Latest(), state: "deleted"}
	props, exists, err := r.Log().Props(thing)
	if err != nil {
		t.Fatal(err)
	}
	if exists {
		s.state = fmt.Sprint(props)
	}
	result, err := r.State(thing)
	if err != nil {
		t.Fatal(err)
	}
	if s.heads = len(result.Heads); result.Exists != exists || exists && !maps.Equal(result.Props, props) {
		t.Errorf("it shows %v %v, merged it is %v %v", exists, props, result.Exists, result.Props)
	}
	conflicts, err := r.Conflicts()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conflicts {
		for _, p := range c.Conflicts {
			s.open += p.Prop
		}
	}
	return s
}

func TestABetterRepresentationChangesWhatItChanges(t *testing.T) {
	x1, x2, y1 := idOf(xavier, 1), idOf(xavier, 2), idOf(yvonne, 1)
	created := first(changeset.Create, "status=>new")
	tests := []struct {
		name          string
		log           []*changeset.Changeset
		offered       *changeset.Changeset
		before, after seen
		opened        bool
	}{
		{"the same again", []*changeset.Changeset{created, made(y1, 2, changeset.Update, "status=new>open")},
			made(y1, 2, changeset.Update, "status=new>open"),
			seen{2, 0, "map[status:open]", 2, ""}, seen{2, 0, "map[status:open]", 2, ""}, false},
		{"parents: one head less, and nothing else", []*changeset.Changeset{created, made(y1, 2, changeset.Update, "status=new>open")},
			made(y1, 2, changeset.Update, "status=new>open", x1),
			seen{2, 0, "map[status:open]", 2, ""}, seen{2, 1, "map[status:open]", 1, ""}, false},
		{"an old value that loses", []*changeset.Changeset{created, made(y1, 2, changeset.Update, "status=new>open")},
			made(y1, 2, changeset.Update, "status=>open"),
			seen{2, 0, "map[status:open]", 2, ""}, seen{2, 0, "map[status:open]", 2, ""}, false},
		{"an old value that beats another write: a row for what is undecided now", []*changeset.Changeset{created, made(y1, 2, changeset.Update, "status=>open")},
			made(y1, 2, changeset.Update, "status=new>open"),
			seen{3, 0, "map[status:open]", 2, "status"}, seen{4, 1, "map[status:open]", 2, ""}, false},
		{"parents below in the log", []*changeset.Changeset{made(y1, 2, changeset.Update, "status=>open"), created},
			made(y1, 2, changeset.Update, "status=new>open", x1),
			seen{5, 0, "map[status:open]", 2, "status"}, seen{6, 1, "map[status:open]", 1, ""}, false},
		{"a settled record that is none: a row without effect", []*changeset.Changeset{created, made(x2, 2, changeset.Update, "owner=>ann")},
			func() *changeset.Changeset {
				c := made(x2, 2, changeset.Update, "owner=>ann")
				c.Changes[0].Parents = []changeset.ID{}
				return c
			}(),
			seen{2, 0, "map[owner:ann status:new]", 1, ""}, seen{3, 1, "map[owner:ann status:new]", 2, ""}, false},
		{"parents that open a conflict", []*changeset.Changeset{created, made(x2, 3, changeset.Update, "status=new>stalled"), made(y1, 4, changeset.Update, "status=stalled>open")},
			made(y1, 4, changeset.Update, "status=new>open", x1),
			seen{3, 0, "map[status:open]", 2, ""}, seen{4, 1, "map[status:open]", 2, "status"}, true},
		{"parents that make rivals which agree", []*changeset.Changeset{created, made(x2, 3, changeset.Update, "status=new>open"), made(y1, 4, changeset.Update, "status=open>open")},
			made(y1, 4, changeset.Update, "status=open>open", x1),
			seen{3, 0, "map[status:open]", 2, ""}, seen{4, 1, "map[status:open]", 2, ""}, false},
		{"a create over a deletion: another state", []*changeset.Changeset{created, made(x2, 2, changeset.Delete, ""), made(y1, 3, changeset.Update, "owner=>bob", x2)},
			made(y1, 3, changeset.Create, "owner=>bob"),
			seen{5, 0, "map[owner:bob status:new]", 1, ""}, seen{6, 1, "map[owner:bob]", 1, ""}, false},
		{"two deletions instead of one head", []*changeset.Changeset{created, made(x2, 2, changeset.Delete, ""), made(idOf(xavier, 3), 3, changeset.Delete, "")},
			made(idOf(xavier, 3), 3, changeset.Delete, "", x1),
			seen{3, 0, "deleted", 1, ""}, seen{4, 1, "deleted", 2, ""}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fsys := directory(t)
			r := holding(t, fsys, test.log...)
			if got := look(t, fsys); got != test.before {
				t.Fatalf("before: %+v, want %+v", got, test.before)
			}
			for range 2 { // the second time it says nothing new
				if err := r.Update(t.Context(), func(tx *replica.Tx) error {
					if added, err := tx.Integrate(test.offered); added || err != nil {
						t.Errorf("added %v, %v", added, err)
					}
					if err := tx.Settle(); err != nil {
						return err
					}
					if opened := len(tx.Opened()) > 0; opened != (test.opened && tx.Represented() > 0) {
						t.Errorf("opened %v", tx.Opened())
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if got := look(t, fsys); got != test.after {
					t.Errorf("after: %+v, want %+v", got, test.after)
				}
				replicatest.Faultless(t, fsys, "after")
			}
			if err := fsys.Remove("prophet/rows"); err != nil { // it is made again, in memory and on disk
				t.Fatal(err)
			}
			if got := look(t, fsys); got != test.after {
				t.Errorf("without prophet/rows: %+v, want %+v", got, test.after)
			}
			replicatest.Edit(t, r, func(e *replica.Edit) error {
				if test.after.state == "deleted" {
					return e.Restore(thing, map[string]string{"status": "done"})
				}
				return e.Update(thing, map[string]string{"status": "done"})
			})
			replicatest.Faultless(t, fsys, "after an edit")
		})
	}
}

func TestARepresentationWithParentsThatAreNotThereIsRefused(t *testing.T) {
	y1 := idOf(yvonne, 1)
	for _, parent := range []changeset.ID{idOf(xavier, 9), y1} {
		fsys := directory(t)
		r := holding(t, fsys, first(changeset.Create, "status=>new"), made(y1, 2, changeset.Update, "status=new>open"))
		before := look(t, fsys)
		if err := r.Update(t.Context(), func(tx *replica.Tx) error {
			_, err := tx.Represent(made(y1, 2, changeset.Update, "status=new>open", parent))
			return err
		}); err == nil || !strings.Contains(err.Error(), parent.String()) {
			t.Errorf("parent %s: error %v", parent, err)
		}
		if got := look(t, fsys); got != before {
			t.Errorf("parent %s: %+v, want %+v", parent, got, before)
		}
	}
}

func TestARepresentationOfAnotherEditIsPassedOver(t *testing.T) {
	fsys := directory(t)
	r := holding(t, fsys, first(changeset.Create, "status=>new"))
	for _, c := range []*changeset.Changeset{first(changeset.Create, "status=>old"), made(idOf(yvonne, 7), 1, changeset.Create, "status=>new")} {
		if err := r.Update(t.Context(), func(tx *replica.Tx) error {
			if news, err := tx.Represent(c); news || err != nil {
				t.Errorf("%s: news %v, %v", c.ID, news, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := look(t, fsys); got.listed != 0 {
		t.Errorf("%+v", got)
	}
}

// An edit in the same transaction builds on what the representations came to.
func TestAnEditAfterARepresentationSeesItsState(t *testing.T) {
	x2, y1 := idOf(xavier, 2), idOf(yvonne, 1)
	fsys := directory(t)
	r := holding(t, fsys, first(changeset.Create, "status=>new"), made(x2, 2, changeset.Delete, ""), made(y1, 3, changeset.Update, "owner=>bob", x2))
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		if _, err := tx.Represent(made(y1, 3, changeset.Create, "owner=>bob")); err != nil {
			return err
		}
		_, err := tx.Edit(func(e *replica.Edit) error { return e.Update(thing, map[string]string{"status": "new"}) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := look(t, fsys), (seen{7, 1, "map[owner:bob status:new]", 1, ""}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	replicatest.Faultless(t, fsys, "after")
}

// A changeset of our own without parents tells them by its place in the log, unless it was lost and came back, or was made in a copy. Earlier versions did
// not note what stood there before.
func TestWhatComesUnderAUUIDOfOursIsNotTakenForOurOwn(t *testing.T) {
	for _, test := range []struct {
		seq     uint32
		earlier bool
		heads   int
		open    string
	}{{4, false, 2, "status"}, {9, false, 2, "status"}, {4, true, 1, ""}, {9, true, 2, "status"}} { // row 3 is a nullification
		fsys := directory(t)
		r := holding(t, fsys, first(changeset.Create, "status=>new"), made(idOf(xavier, 2), 3, changeset.Update, "status=new>stalled"))
		lost := made(idOf(r.UUID(), test.seq), 2, changeset.Update, "status=new>open")
		if test.earlier {
			if err := r.Reidentify(t.Context()); err != nil {
				t.Fatal(err)
			}
			notByUs(t, fsys)
			if err := afero.WriteFile(fsys, "prophet/former-uuids", []byte(lost.ID.Origin.String()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			r = replicatest.Open(t, fsys, replica.Options{})
		}
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(lost); return err }); err != nil {
			t.Fatal(err)
		}
		if got := look(t, fsys); got.heads != test.heads || got.open != test.open {
			t.Errorf("number %d in row 4, earlier version %v: %+v, want %d heads", test.seq, test.earlier, got, test.heads)
		}
		replicatest.Faultless(t, fsys, fmt.Sprint("number ", test.seq))
	}
}

func TestACrashAmongRepresentationsLeavesTheStateBeforeOrAfter(t *testing.T) {
	x1, x2, y1 := idOf(xavier, 1), idOf(xavier, 2), idOf(yvonne, 1)
	log := []*changeset.Changeset{first(changeset.Create, "status=>new"), made(x2, 3, changeset.Update, "status=new>stalled"), made(y1, 4, changeset.Update, "status=stalled>open")}
	steps := map[string][]*changeset.Changeset{
		"rows of the list alone":        {made(y1, 4, changeset.Update, "status=new>open", x1)},
		"with a row of the log":         {made(x2, 3, changeset.Update, "status=new>stalled", x1), made(idOf(yvonne, 2), 5, changeset.Update, "owner=>bob"), made(y1, 4, changeset.Update, "status=new>open", x1)},
		"the second row of the list":    {made(x2, 3, changeset.Update, "status=new>stalled", x1), made(y1, 4, changeset.Update, "status=new>open", x1)},
		"what changes nothing after it": {made(y1, 4, changeset.Update, "status=stalled>open", x2)},
	}
	points := 0
	for name, offered := range steps {
		do := func(fsys afero.Fs) error {
			r, err := replica.Open(fsys, replica.Options{Creator: "ann@example.com"})
			if err != nil {
				return err
			}
			return r.Update(context.Background(), func(tx *replica.Tx) error {
				for _, c := range offered {
					if _, err := tx.Integrate(c); err != nil {
						return err
					}
				}
				return nil
			})
		}
		start := crashfs.New()
		holding(t, start, log...)
		before, calm := look(t, start), start.Survivor(crashfs.Kill, 0)
		if err := do(calm); err != nil {
			t.Fatal(err)
		}
		after := look(t, calm)
		if after.listed == 0 {
			t.Fatalf("%s: nothing was listed", name)
		}
		for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
			for k := 1; ; k += race.Every(3) {
				disk := start.Survivor(crashfs.Kill, 0)
				disk.CrashAt(k)
				err := do(disk)
				if !disk.Failed() {
					break
				}
				points++
				left := disk.Survivor(mode, int64(k))
				when := fmt.Sprintf("%s, %s at operation %d", name, mode, k)
				if got := look(t, left); got != after && (err == nil || got != before) { // a reader, before any writer mended it
					t.Errorf("%s: %+v, want %+v or %+v", when, got, before, after)
				}
				if err := do(left); err != nil {
					t.Errorf("%s: the next try: %v", when, err)
				}
				if got := look(t, left); got != after {
					t.Errorf("%s: the next try leads to %+v, want %+v", when, got, after)
				}
				replicatest.Faultless(t, left, when)
			}
		}
	}
	t.Logf("%d crash points", points)
}
