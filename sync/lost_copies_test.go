package sync_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// lostFrom loses rows from a copy of a replica, which it repairs with nobody to ask.
func lostFrom(t *testing.T, r *replica.Replica, rows ...uint32) *replica.Replica {
	t.Helper()
	return (&loss{ann: r, rows: rows}).takeAway(t)
}

// letGo edits a record and changes nothing: what waits of it is copied.
func letGo(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, nil) })
}

// copiesIn returns the changesets that touched a record and are copies.
func copiesIn(t *testing.T, r *replica.Replica, rec changeset.RecordID) (copies []*changeset.Changeset) {
	t.Helper()
	events, err := r.History(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		if !ev.Change.CopyOf.IsZero() {
			copies = append(copies, ev.Changeset)
		}
	}
	return copies
}

// TestWhatTwoHaveLostAndCopiedCountsOnce: under the rule sum too.
func TestWhatTwoHaveLostAndCopiedCountsOnce(t *testing.T) {
	ann := replicatest.Init(t, crashfs.New(), at("ann", 9))
	replicatest.Edit(t, ann, func(e *replica.Edit) error { return e.SetRule("Ticket", "n", resolution.RuleSum) })
	var rec changeset.RecordID
	replicatest.Edit(t, ann, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"n": "10"})
		return err
	})
	bob := replicatest.Clone(t, ann, at("bob", 10))
	whole := ann
	ann, bob = lostFrom(t, ann, 2), lostFrom(t, bob, 2)
	letGo(t, ann, rec)
	letGo(t, bob, rec)
	for range 2 {
		pull(t, ann, bob)
		pull(t, bob, ann)
	}
	carol := replicatest.Clone(t, ann, at("carol", 13))
	pull(t, bob, whole)
	for _, r := range []*replica.Replica{ann, bob, carol} {
		if props, _, err := r.Log().Props(rec); err != nil || props["n"] != "10" {
			t.Errorf("%s has n=%s, %v", r.Where(), props["n"], err)
		}
		if n := len(copiesIn(t, r, rec)); n != 2 {
			t.Errorf("%s has %d copies", r.Where(), n)
		}
	}
	replicatest.Meet(t, ann, bob, carol)
}

// TestACopyHasNoTimeWhereNobodyKnowsIt: it wins against nothing. And of what another replica copied no other copy is made.
func TestACopyHasNoTimeWhereNobodyKnowsIt(t *testing.T) {
	l := withBob(t, 0)
	l.recs = append(l.recs, newTicket(t, l.ann))
	rec := l.recs[0]
	pull(t, l.bob, l.ann)
	ann, bob := lostFrom(t, l.ann, 1), lostFrom(t, l.bob, 1)
	update(t, ann, rec, "status", "open")
	copies := copiesIn(t, ann, rec)
	if len(copies) != 1 || copies[0].Created != "" || copies[0].Creator.Set {
		t.Fatalf("the copies are %+v", copies)
	}
	pull(t, bob, ann)
	if waiting, err := bob.Log().Waiting(); err != nil || len(waiting) > 0 {
		t.Errorf("of %v something waits, %v", waiting, err)
	}
	before := bob.Latest()
	letGo(t, bob, rec)
	if bob.Latest() != before {
		t.Errorf("%d rows were added", bob.Latest()-before)
	}
	update(t, bob, rec, "owner", "bob")
	pull(t, ann, bob)
	if props, _, err := ann.Log().Props(rec); err != nil || props["status"] != "open" || props["owner"] != "bob" {
		t.Errorf("it shows %v, %v", props, err)
	}
	pull(t, bob, l.ann)
	replicatest.Meet(t, ann, bob)
}

// TestWhatWasDecidedStaysDecidedWhenMoreIsLost: two lost the create, and one of them an edit on top of a copy of it.
func TestWhatWasDecidedStaysDecidedWhenMoreIsLost(t *testing.T) {
	bob := replicatest.Init(t, crashfs.New(), at("bob", 9))
	var rec changeset.RecordID
	replicatest.Edit(t, bob, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", map[string]string{"n": "10"})
		return err
	})
	carol := replicatest.Clone(t, bob, at("carol", 10))
	update(t, carol, rec, "n", "-75")
	bob, carol = lostFrom(t, bob, 1), lostFrom(t, carol, 1)
	update(t, bob, rec, "t", "t7")
	pull(t, carol, bob)
	update(t, bob, rec, "t", "t8")
	last, err := bob.Log().Row(bob.Latest())
	if err != nil {
		t.Fatal(err)
	}
	pull(t, carol, bob)
	update(t, carol, rec, "n", "-27")
	before := shows(t, carol)
	row, known, err := carol.Lookup(last.ID)
	if err != nil || !known {
		t.Fatalf("Carol has Bob's last edit: %v, %v", known, err)
	}
	carol = lostFrom(t, carol, row)
	if after := shows(t, carol); after != before || strings.Contains(after, "by latest") {
		t.Errorf("Carol showed\n%s\nand now\n%s", before, after)
	}
	onlyLost(t, carol)
}

// TestWhatHangsNowGivesWayToACopy: a copy of what a new loss makes wait counts in its place at once, also one that has seen less.
func TestWhatHangsNowGivesWayToACopy(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open")
	edits(t, l.ann, "status", "closed", l.recs...)
	c := madeUp(changeset.ID{Origin: uuid.New(), Seq: 1})
	c.Changes = []changeset.Change{{Record: l.recs[1], Kind: changeset.Update, Parents: []changeset.ID{}, CopyOf: changeset.ID{Origin: l.ann.UUID(), Seq: 4},
		Props: map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("closed")}}}}
	integrate(t, l.ann, c)
	onlyLost(t, l.ann)
	ann := lostFrom(t, l.ann, 3)
	onlyLost(t, ann)
	if conflicts := shows(t, ann); !strings.Contains(conflicts, "by latest") {
		t.Errorf("the copy has not seen the create, but Ann shows\n%s", conflicts)
	}
}

func integrate(t *testing.T, r *replica.Replica, c *changeset.Changeset) {
	t.Helper()
	if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Integrate(c); return err }); err != nil {
		t.Fatal(err)
	}
}

// TestACopyOfWhatIsYetToBeMadeCountsForItself: somebody makes up a copy of one of Ann's next edits. That has seen the copy, which is an edit as any then.
func TestACopyOfWhatIsYetToBeMadeCountsForItself(t *testing.T) {
	for ahead := range uint32(3) {
		l := withBob(t, 1)
		c := madeUp(changeset.ID{Origin: uuid.New(), Seq: 1})
		c.Changes = []changeset.Change{{Record: l.recs[0], Kind: changeset.Update, Parents: []changeset.ID{{Origin: l.ann.UUID(), Seq: 1}}, CopyOf: changeset.ID{Origin: l.ann.UUID(), Seq: 3 + ahead}}}
		integrate(t, l.ann, c)
		for _, status := range []string{"stalled", "open", "closed"} {
			update(t, l.ann, l.recs[0], "status", status)
			if result, err := l.ann.Merged(l.recs[0]); err != nil || result.Open() || result.Props["status"] != status {
				t.Errorf("a copy of row %d: %s is merged to %+v, %v", 3+ahead, status, result, err)
			}
			replicatest.Faultless(t, l.ann.FS(), "Ann")
		}
		replicatest.Meet(t, l.ann, l.bob)
	}
}

// TestACopyOfWhatIsHereChangesNothing: nor where it claims to have seen all. The notes on it are made again as they were.
func TestACopyOfWhatIsHereChangesNothing(t *testing.T) {
	l := withBob(t, 1)
	update(t, l.ann, l.recs[0], "status", "open")
	update(t, l.ann, l.recs[0], "status", "closed")
	before := shows(t, l.ann)
	c := madeUp(changeset.ID{Origin: uuid.New(), Seq: 1})
	c.Changes = []changeset.Change{{Record: l.recs[0], Kind: changeset.Update, Parents: []changeset.ID{{Origin: l.ann.UUID(), Seq: 3}}, CopyOf: changeset.ID{Origin: l.ann.UUID(), Seq: 2},
		Props: map[string]changeset.PropChange{"status": {Old: changeset.Text("new"), New: changeset.Text("open")}}}}
	integrate(t, l.ann, c)
	if after := shows(t, l.ann); after != before {
		t.Errorf("it showed\n%s\nand now\n%s", before, after)
	}
	replicatest.Faultless(t, l.ann.FS(), "Ann")
	fsys := copyTree(t, l.ann.FS())
	if err := fsys.Remove("prophet/rows"); err != nil {
		t.Fatal(err)
	}
	if after := shows(t, replicatest.Open(t, copyTree(t, fsys), at("ann", 12))); after != before {
		t.Errorf("without notes it shows\n%s", after)
	}
	if err := replica.Repair(t.Context(), fsys, at("ann", 12), replica.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
	replicatest.Faultless(t, fsys, "Ann's, repaired")
}

// TestAPullWithNothingNewCostsWhatDoesNotCome: it reads the history of a record once, not once for each change to it that does not come.
func TestAPullWithNothingNewCostsWhatDoesNotCome(t *testing.T) {
	cost := map[int]int{}
	for _, changes := range []int{20, 40} {
		l := withBob(t, 1)
		for i := range changes {
			update(t, l.ann, l.recs[0], "status", strconv.Itoa(i))
		}
		l.rows = []uint32{2}
		ann := l.takeAway(t)
		letGo(t, ann, l.recs[0])
		pull(t, l.bob, ann)
		counting := replicatest.Count(l.bob.FS())
		bob := replicatest.Open(t, counting, at("bob", 10))
		counting.Reset()
		if report := pull(t, bob, ann); report.Integrated > 0 || report.Missed > 0 {
			t.Fatalf("there came %d changesets, and %d did not", report.Integrated, report.Missed)
		}
		cost[changes] = counting.Counts().Ops()
	}
	if cost[40] > 2*cost[20] {
		t.Errorf("with 20 and 40 changes it takes %d and %d operations", cost[20], cost[40])
	}
}

// TestARepairNamesWhatShowsSomethingElse: under the rule sum, where an edit was lost and then all copies of it, what is left of each may count.
func TestARepairNamesWhatShowsSomethingElse(t *testing.T) {
	named := 0
	for _, first := range []byte{1, 2} {
		opts := func(name string, hour int, is byte) replica.Options {
			o, n := at(name, hour), byte(0)
			o.NewUUID = func() uuid.UUID { n++; return uuid.UUID{is, n} }
			return o
		}
		ann := replicatest.Init(t, crashfs.New(), opts("ann", 9, first))
		replicatest.Edit(t, ann, func(e *replica.Edit) error { return e.SetRule("Ticket", "n", resolution.RuleSum) })
		var rec changeset.RecordID
		replicatest.Edit(t, ann, func(e *replica.Edit) (err error) {
			rec, err = e.Create("Ticket", map[string]string{"n": "10"})
			return err
		})
		bob := replicatest.Clone(t, ann, opts("bob", 10, 3-first))
		ann, bob = lostFrom(t, ann, 2), lostFrom(t, bob, 2)
		letGo(t, ann, rec)
		letGo(t, bob, rec)
		pull(t, ann, bob)
		update(t, ann, rec, "n", "55")
		fsys := ann.FS()
		replicatest.Loosen(t, fsys)
		for row, err := range ann.Log().Rows(3, ann.Latest()-1) {
			if err != nil {
				t.Fatal(err)
			}
			if c, err := ann.Log().Changeset(row); err != nil {
				t.Fatal(err)
			} else if ch := c.Change(rec); ch != nil && !ch.CopyOf.IsZero() {
				if err := fsys.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)); err != nil {
					t.Fatal(err)
				}
			}
		}
		told := ""
		err := replica.Repair(t.Context(), fsys, at("ann", 12), replica.RepairOptions{Report: func(m replica.Mended) {
			if m.Outcome == replica.IsOther {
				told += m.Text + "\n"
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if n := values(t, replicatest.Open(t, fsys, at("ann", 13))); !strings.Contains(n, "55") {
			want, named = "Ticket 2 shows n \"75\" now, before \"55\"\n", named+1
		}
		if told != want {
			t.Errorf("it tells %q, want %q", told, want)
		}
	}
	if named == 0 {
		t.Error("nothing shows something else")
	}
}
