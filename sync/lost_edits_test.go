package sync_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// loss is what came about in Ann's replica before some of it was lost, and what Bob had of it before.
type loss struct {
	ann, bob *replica.Replica
	recs     []changeset.RecordID
	rows     []uint32 // that are lost
	unmissed bool     // nobody else knows the record, and it is deleted
}

// edits makes an edit of several records.
func edits(t *testing.T, r *replica.Replica, name, value string, recs ...changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for _, rec := range recs {
			if err := e.Update(rec, map[string]string{name: value}); err != nil {
				return err
			}
		}
		return nil
	})
}

func restore(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
	t.Helper()
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		_, err := e.RestoreAt(rec, changeset.ID{}, map[string]string{"status": "again"})
		return err
	})
}

// withBob is a replica with so many tickets that Bob has too.
func withBob(t *testing.T, tickets int) *loss {
	l := &loss{ann: replicatest.Init(t, crashfs.New(), at("ann", 9))}
	for range tickets {
		l.recs = append(l.recs, newTicket(t, l.ann))
	}
	l.bob = replicatest.Clone(t, l.ann, at("bob", 10))
	return l
}

// afterItsCopy lets Ann have a copy of an edit, edit the record, and then have that edit too. It returns the row of that.
func (l *loss) afterItsCopy(t *testing.T) uint32 {
	carol := &loss{ann: replicatest.Clone(t, l.ann, at("carol", 10))}
	update(t, carol.ann, l.recs[0], "status", "open")
	edit := changeset.ID{Origin: carol.ann.UUID(), Seq: carol.ann.Latest()}
	carol.rows = []uint32{edit.Seq}
	lost := carol.takeAway(t)
	letGo(t, lost, l.recs[0])
	pull(t, l.ann, lost)
	update(t, l.ann, l.recs[0], "owner", "ann")
	pull(t, l.ann, carol.ann)
	row, known, err := l.ann.Lookup(edit)
	if err != nil || !known {
		t.Fatalf("Ann has the edit: %v, %v", known, err)
	}
	return row
}

// losses are what may be lost, and what hangs on it.
var losses = []struct {
	name string
	make func(t *testing.T) *loss
}{
	{"a create", func(t *testing.T) *loss {
		l := withBob(t, 0)
		l.recs = append(l.recs, newTicket(t, l.ann))
		update(t, l.ann, l.recs[0], "owner", "ann")
		l.rows = []uint32{1}
		return l
	}},
	{"a create alone", func(t *testing.T) *loss {
		l := withBob(t, 0)
		l.recs = append(l.recs, newTicket(t, l.ann))
		l.rows = []uint32{1}
		return l
	}},
	{"one in the middle", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.ann, l.recs[0], "owner", "ann")
		l.rows = []uint32{2}
		return l
	}},
	{"one that was taken back", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.ann, l.recs[0], "status", "new")
		l.rows = []uint32{2}
		return l
	}},
	{"the last one", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		l.rows = []uint32{2}
		return l
	}},
	{"several", func(t *testing.T) *loss {
		l := withBob(t, 1)
		for i, name := range []string{"status", "owner", "status", "mood"} {
			update(t, l.ann, l.recs[0], name, fmt.Sprint(i))
		}
		l.rows = []uint32{2, 4}
		return l
	}},
	{"one that touches two records", func(t *testing.T) *loss {
		l := withBob(t, 2)
		edits(t, l.ann, "status", "open", l.recs...)
		update(t, l.ann, l.recs[0], "owner", "ann")
		l.rows = []uint32{3}
		return l
	}},
	{"one on which an edit of two records builds", func(t *testing.T) *loss {
		l := withBob(t, 2)
		update(t, l.ann, l.recs[0], "status", "open")
		edits(t, l.ann, "owner", "ann", l.recs...)
		update(t, l.ann, l.recs[1], "status", "open")
		l.rows = []uint32{3}
		return l
	}},
	{"one of two heads", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.bob, l.recs[0], "status", "closed")
		pull(t, l.ann, l.bob)
		l.rows = []uint32{2}
		return l
	}},
	{"one of two heads that agree", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.bob, l.recs[0], "status", "open")
		update(t, l.bob, l.recs[0], "owner", "bob")
		pull(t, l.ann, l.bob)
		l.rows = []uint32{2}
		return l
	}},
	{"one of two heads, and an edit that left the conflict open", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.bob, l.recs[0], "status", "closed")
		pull(t, l.ann, l.bob)
		update(t, l.ann, l.recs[0], "owner", "ann")
		l.rows = []uint32{2}
		return l
	}},
	{"one of two heads, and what decided", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		update(t, l.bob, l.recs[0], "status", "closed")
		pull(t, l.ann, l.bob)
		update(t, l.ann, l.recs[0], "status", "open")
		l.rows = []uint32{2}
		return l
	}},
	{"a deletion", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		remove(t, l.ann, l.recs[0])
		l.rows = []uint32{3}
		return l
	}},
	{"one before a deletion", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "status", "open")
		remove(t, l.ann, l.recs[0])
		l.rows = []uint32{2}
		return l
	}},
	{"the create of what is deleted", func(t *testing.T) *loss {
		l := withBob(t, 0)
		l.recs = append(l.recs, newTicket(t, l.ann))
		remove(t, l.ann, l.recs[0])
		l.rows, l.unmissed = []uint32{1}, true
		return l
	}},
	{"a deletion that was taken back", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "owner", "ann")
		remove(t, l.ann, l.recs[0])
		restore(t, l.ann, l.recs[0])
		l.rows = []uint32{3}
		return l
	}},
	{"what took a deletion back", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "owner", "ann")
		remove(t, l.ann, l.recs[0])
		restore(t, l.ann, l.recs[0])
		l.rows = []uint32{4}
		return l
	}},
	{"a deletion beside an edit", func(t *testing.T) *loss {
		l := withBob(t, 1)
		remove(t, l.ann, l.recs[0])
		update(t, l.bob, l.recs[0], "owner", "bob")
		pull(t, l.ann, l.bob)
		l.rows = []uint32{2}
		return l
	}},
	{"another's, beside one that wrote something else", func(t *testing.T) *loss {
		l := withBob(t, 1)
		carol := replicatest.Clone(t, l.ann, at("carol", 10))
		update(t, carol, l.recs[0], "status", "open")
		update(t, l.ann, l.recs[0], "owner", "ann")
		pull(t, l.ann, carol)
		l.rows = []uint32{3}
		return l
	}},
	{"one that came after what builds on a copy of it", func(t *testing.T) *loss {
		l := withBob(t, 1)
		update(t, l.ann, l.recs[0], "place", "attic")
		l.rows = []uint32{2, l.afterItsCopy(t)}
		return l
	}},
	{"a create, and one that came after what builds on a copy of it", func(t *testing.T) *loss {
		l := withBob(t, 0)
		l.recs = append(l.recs, newTicket(t, l.ann))
		l.rows = []uint32{1, l.afterItsCopy(t)}
		return l
	}},
}

// afterLoss are edits of a record after the loss; each makes what waits of it go.
var afterLoss = []struct {
	name string
	edit func(e *replica.Edit, rec changeset.RecordID, lives bool) error
}{
	{"update", func(e *replica.Edit, rec changeset.RecordID, lives bool) error {
		if !lives {
			return e.Restore(rec, map[string]string{"status": "stalled"})
		}
		return e.Update(rec, map[string]string{"status": "stalled"})
	}},
	{"update of something else", func(e *replica.Edit, rec changeset.RecordID, lives bool) error {
		if !lives {
			_, err := e.RestoreAt(rec, changeset.ID{}, nil)
			return err
		}
		return e.Update(rec, map[string]string{"place": "cellar", "owner": ""})
	}},
	{"update that changes nothing", func(e *replica.Edit, rec changeset.RecordID, lives bool) error {
		if !lives {
			return e.Delete(rec)
		}
		return e.Update(rec, nil)
	}},
	{"delete", func(e *replica.Edit, rec changeset.RecordID, lives bool) error { return e.Delete(rec) }},
	{"update if", func(e *replica.Edit, rec changeset.RecordID, lives bool) error {
		if !lives {
			return e.Delete(rec)
		}
		if err := e.Expect(rec, nil); err != nil {
			return err
		}
		return e.Update(rec, map[string]string{"owner": "worker"})
	}},
	{"decision", func(e *replica.Edit, rec changeset.RecordID, lives bool) error {
		if !lives {
			return e.Delete(rec)
		}
		props, _, err := e.Props(rec)
		if err != nil {
			return err
		}
		return e.Update(rec, map[string]string{"status": props["status"]})
	}},
}

// takeAway loses the rows from a copy of Ann's replica, which it repairs with nobody to ask.
func (l *loss) takeAway(t *testing.T) *replica.Replica {
	t.Helper()
	fsys := copyTree(t, l.ann.FS())
	replicatest.Loosen(t, fsys)
	for _, n := range l.rows {
		row, err := l.ann.Log().Row(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := fsys.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := replica.Repair(t.Context(), fsys, at("ann", 12), replica.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
	return replicatest.Open(t, fsys, at("ann", 12))
}

// deletedBy is what is not the same where a deletion was lost.
var deletedBy = regexp.MustCompile(`deleted by .*`)

func shows(t *testing.T, r *replica.Replica) string {
	t.Helper()
	view, err := replicatest.Look(r, changeset.RecordID.String)
	if err != nil {
		t.Fatal(err)
	}
	return deletedBy.ReplaceAllString(view.Records, "deleted") + view.Conflicts
}

// onlyLost fails the test if fsck finds anything else wrong than that changesets are lost.
func onlyLost(t *testing.T, r *replica.Replica) {
	t.Helper()
	err := replica.Check(t.Context(), r.FS(), replica.Options{}, func(p replica.Problem) {
		if p.Path != replica.LostFile && !p.Harmless {
			t.Errorf("%s: %s", p.Path, p.Text)
		}
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// TestEditsOfWhatHangsOnALostChangesetReachOthers: whatever of a record is lost, its next edit, of any kind, goes to everybody, and all that the record shows with it: to who had a part of it, to a clone, to a clone of a mirror.
// When what is lost is back, all are the same still.
func TestEditsOfWhatHangsOnALostChangesetReachOthers(t *testing.T) {
	for i, lost := range losses {
		for k, after := range afterLoss {
			if (i+k)%race.Every(5) != 0 { // each loss with one or two edits
				continue
			}
			t.Run(lost.name+", "+after.name, func(t *testing.T) {
				l := lost.make(t)
				before := shows(t, l.ann)
				ann := l.takeAway(t)
				if now := shows(t, ann); now != before {
					t.Fatalf("without it Ann shows\n%s\nand not\n%s", now, before)
				}
				gone := map[changeset.RecordID]bool{} // nobody else knows of it, and it is deleted
				for _, rec := range l.recs {
					_, lives, err := ann.Log().Props(rec)
					if err != nil {
						t.Fatal(err)
					}
					_, err = ann.Edit(t.Context(), func(e *replica.Edit) error { return after.edit(e, rec, lives) })
					if errors.Is(err, replica.ErrNoRecord) && !lives {
						err = nil // it is deleted, and nothing waits
					}
					if err != nil {
						t.Fatal(err)
					}
					_, lives, err = ann.Log().Props(rec)
					if err != nil {
						t.Fatal(err)
					}
					_, known, err := l.bob.Log().Props(rec)
					gone[rec] = !lives && !known
					if err != nil {
						t.Fatal(err)
					}
				}
				if waiting, err := ann.Log().Waiting(); err != nil || len(waiting) > 0 {
					t.Errorf("waiting: %v, %v", waiting, err)
				}
				onlyLost(t, ann)

				report := pull(t, l.bob, ann)
				if report.Missed > 0 && !gone[l.recs[0]] {
					t.Errorf("Bob misses %d", report.Missed)
				}
				if again := pull(t, l.bob, ann); again.Missed != report.Missed || again.Integrated > 0 {
					t.Errorf("Bob pulls again: %+v", again)
				}
				clone := replicatest.Clone(t, ann, at("carol", 13))
				mirror := crashfs.New()
				if _, err := psync.Publish(t.Context(), ann, mirror, psync.PublishOptions{Flat: true}); err != nil {
					t.Fatal(err)
				}
				dave := replicatest.Clone(t, reopen(t, mirror, "mirror"), at("dave", 14))
				for _, r := range []*replica.Replica{l.bob, clone, dave} {
					if here, there := known(shows(t, ann), gone), known(shows(t, r), gone); here != there {
						t.Errorf("Ann shows\n%s\nand %s\n%s", here, r.Where(), there)
					}
					replicatest.Faultless(t, r.FS(), r.Where())
				}

				// An edit of Bob's, and one of Ann's beside it, are what they are everywhere.
				for i, r := range []*replica.Replica{l.bob, ann} {
					for _, rec := range l.recs {
						_, lives, err := r.Log().Props(rec)
						if err != nil {
							t.Fatal(err)
						}
						if lives {
							update(t, r, rec, "status", fmt.Sprint("later ", i))
						}
					}
				}
				pull(t, l.bob, ann)
				pull(t, ann, l.bob)
				if here, there := known(shows(t, ann), gone), known(shows(t, l.bob), gone); here != there {
					t.Errorf("later Ann shows\n%s\nand Bob\n%s", here, there)
				}
				onlyLost(t, ann)

				back := pull(t, ann, replicatest.Open(t, copyTree(t, l.ann.FS()), replica.Options{Where: "backup"}))
				if back.Restored != len(l.rows) {
					t.Errorf("%d came back", back.Restored)
				}
				replicatest.Meet(t, ann, l.bob, clone, dave)
			})
		}
	}
}

// known is what a replica shows, but for records that are gone.
func known(shown string, gone map[changeset.RecordID]bool) string {
	var lines []string
	for line := range strings.Lines(shown) {
		is := false
		for rec := range gone {
			is = is || gone[rec] && strings.HasPrefix(strings.TrimSpace(line), rec.String())
		}
		if !is {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
