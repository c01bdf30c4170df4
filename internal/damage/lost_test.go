package damage_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// lose takes a changeset of Ann's log from the scene's replica, and repairs that without anybody to ask.
func lose(t *testing.T, s *damage.Scene, row uint32) changeset.Row {
	t.Helper()
	ann := open(t, s.Replica, damage.AnnAt)
	lost, err := ann.Log().Row(row)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replica.Remove(changeset.ObjectPath(changeset.ChangesetObjects, lost.Key)); err != nil {
		t.Fatal(err)
	}
	if _, err := repair(s, false); err != nil {
		t.Fatal(err)
	}
	return lost
}

func open(t *testing.T, fsys afero.Fs, where string) *replica.Replica {
	t.Helper()
	opts := damage.AnnOptions(77)
	opts.Where = where
	r, err := replica.Open(fsys, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lastOf returns the last row that touches a record.
func lastOf(t *testing.T, r *replica.Replica, rec changeset.RecordID) uint32 {
	t.Helper()
	events, err := r.History(rec)
	if err != nil {
		t.Fatal(err)
	}
	return events[len(events)-1].Row.Seq
}

func update(r *replica.Replica, rec changeset.RecordID, name, value string) error {
	_, err := r.Edit(ctx, func(e *replica.Edit) error { return e.Update(rec, map[string]string{name: value}) })
	return err
}

func props(t *testing.T, r *replica.Replica, rec changeset.RecordID) string {
	t.Helper()
	props, exists, err := r.Log().Props(rec)
	if err != nil {
		t.Fatal(err)
	}
	if !exists {
		return "deleted"
	}
	return replicatest.Values(props)
}

// TestAReplicaGoesOnWithoutALostChangeset: every record of the scene loses each of its changesets in turn; it shows what it showed, can be edited, and Carol can pull that.
func TestAReplicaGoesOnWithoutALostChangeset(t *testing.T) {
	whole := damage.New(t)
	ann := open(t, whole.Replica, damage.AnnAt)
	for row := uint32(1); row <= ann.Latest(); row += race.Step {
		s := whole.Copy()
		before := look(t, ann)
		c, err := ann.Log().Changeset(rowOf(t, ann, row))
		if err != nil {
			t.Fatal(err)
		}
		lost := lose(t, s, row)
		hurt := open(t, s.Replica, damage.AnnAt)
		if after := look(t, hurt); after != before {
			t.Errorf("without row %d: it shows\n%s\nand not\n%s", row, after, before)
		}
		for _, ch := range c.Changes {
			if props(t, hurt, ch.Record) == "deleted" {
				continue
			}
			if err := update(hurt, ch.Record, "after", "the loss"); err != nil {
				t.Errorf("without row %d: edit %s: %v", row, ch.Record, err)
			}
		}
		if list := problems(t, s.Replica); len(list) != 1 || !strings.Contains(list[0], lost.ID.String()+" is lost") {
			t.Errorf("without row %d: %v", row, list)
		}
		carol := open(t, s.Peer, damage.CarolAt)
		if _, err := psync.Pull(ctx, carol, hurt, psync.Options{}); err != nil {
			t.Errorf("without row %d: Carol pulls: %v", row, err)
		}
		if one, two := shown(t, hurt), shown(t, carol); one != two { // what Ann made again is a rival of what Carol has still
			t.Errorf("row %d, after Carol pulled:\n%s\n-- and --\n%s", row, one, two)
		}
		// Ann pulls from Carol, who has it.
		report, err := psync.Pull(ctx, hurt, carol, psync.Options{})
		own := c.Bookkeeping()
		if err != nil || own == (report.Restored == 1) {
			t.Errorf("without row %d: Ann pulls: %v, %+v", row, err, report)
			continue
		}
		if own {
			continue
		}
		if list := problems(t, s.Replica); len(list) != 0 {
			t.Errorf("with row %d again: %v", row, list)
		}
		same(t, row, hurt, carol, "after it came back")
	}
}

func rowOf(t *testing.T, r *replica.Replica, seq uint32) changeset.Row {
	t.Helper()
	row, err := r.Log().Row(seq)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// whoDeleted is what nobody knows any more once a deletion is lost.
var whoDeleted = regexp.MustCompile(`deleted by .*`)

func look(t *testing.T, r *replica.Replica) string {
	t.Helper()
	view, err := replicatest.Look(r, changeset.RecordID.String)
	if err != nil {
		t.Fatal(err)
	}
	return whoDeleted.ReplaceAllString(view.Records, "deleted") + view.Conflicts
}

// counted is a property of which each write counts, also one that was made again.
var counted = regexp.MustCompile(`votes="\d*"`)

// shown is [look] without conflicts.
func shown(t *testing.T, r *replica.Replica) string {
	t.Helper()
	view, err := replicatest.Look(r, changeset.RecordID.String)
	if err != nil {
		t.Fatal(err)
	}
	return counted.ReplaceAllString(whoDeleted.ReplaceAllString(view.Records, "deleted"), "votes=")
}

func same(t *testing.T, row uint32, a, b *replica.Replica, when string) {
	t.Helper()
	one, two := look(t, a), look(t, b)
	if one != two {
		t.Errorf("row %d, %s:\n%s\n-- and --\n%s", row, when, one, two)
	}
}

// TestWhoPullsFromADamagedReplicaGetsTheRestLater: a clone, by itself or by way of a mirror or an exported copy, of a replica that has lost a changeset lacks what builds on it, says so, and gets it once it is back.
func TestWhoPullsFromADamagedReplicaGetsTheRestLater(t *testing.T) {
	whole := damage.New(t)
	ann := open(t, whole.Replica, damage.AnnAt)
	for row := uint32(1); row <= ann.Latest(); row += 1 + uint32(step()/4) {
		c, err := ann.Log().Changeset(rowOf(t, ann, row))
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []string{"the replica", "a mirror", "a copy"} {
			s := whole.Copy()
			lose(t, s, row)
			source := func() *replica.Replica { return open(t, s.Replica, damage.AnnAt) }
			shown := crashfs.New()
			switch way {
			case "a mirror":
				source = func() *replica.Replica {
					if _, err := psync.Publish(ctx, open(t, s.Replica, damage.AnnAt), shown, psync.PublishOptions{Flat: true}); err != nil {
						t.Fatalf("row %d: publish: %v", row, err)
					}
					return open(t, shown, "/mirror")
				}
			case "a copy":
				source = func() *replica.Replica {
					shown = crashfs.New()
					if err := psync.Export(ctx, open(t, s.Replica, damage.AnnAt), shown, nil); err != nil {
						t.Fatalf("row %d: export: %v", row, err)
					}
					return open(t, shown, "/copy")
				}
			}
			dave := crashfs.New()
			opts := damage.AnnOptions(99)
			opts.Where = "/dave"
			r, report, err := psync.Clone(ctx, dave, source(), opts, psync.Options{Adopt: true})
			if err != nil {
				t.Errorf("row %d, %s: clone: %v", row, way, err)
				continue
			}
			known := slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return props(t, ann, ch.Record) != "deleted" }) // else it may be that nobody misses it
			if c.Bookkeeping() && report.Missed > 0 || !c.Bookkeeping() && known && report.Missed == 0 {
				t.Errorf("row %d, %s: %d missed", row, way, report.Missed)
			}
			if list := problems(t, dave); len(list) > 0 {
				t.Errorf("row %d, %s: the clone: %v", row, way, list)
			}
			if _, err := repair(s, true); err != nil {
				t.Fatal(err)
			}
			if report, err = psync.Pull(ctx, r, source(), psync.Options{}); err != nil || report.Missed > 0 {
				t.Errorf("row %d, %s: pull again: %v, %d missed", row, way, err, report.Missed)
			}
			same(t, row, open(t, s.Replica, damage.AnnAt), r, "by way of "+way)
		}
	}
}

// TestAReplicaGoesOnWithoutAnyOfItsObjects: all of cas/ is lost, and who is asked has the versions of records alone, or nothing. What is lost is listed, the rest goes on, and whoever has it brings it back.
func TestAReplicaGoesOnWithoutAnyOfItsObjects(t *testing.T) {
	whole := damage.New(t)
	for _, lacks := range []string{"cas/changesets", "cas"} {
		s := whole.Copy()
		poor := s.Peer.Survivor(crashfs.Kill, 0)
		for disk, dir := range map[*crashfs.FS]string{s.Replica: "cas", poor: lacks} {
			if err := disk.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
		err := replica.Repair(ctx, s.Replica, damage.AnnOptions(9), replica.RepairOptions{
			Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{open(t, poor, "/poor")} },
		})
		if list := problems(t, s.Replica); err != nil || !saysLost(list, len(list)) {
			t.Errorf("beside somebody without %s: %v, %v", lacks, err, list)
			continue
		}
		hurt := open(t, s.Replica, damage.AnnAt)
		if _, err := hurt.Edit(ctx, func(e *replica.Edit) error { _, err := e.Create("Note", nil); return err }); err != nil {
			t.Errorf("beside somebody without %s: edit: %v", lacks, err)
		}
		mirror := crashfs.New()
		if _, err := psync.Publish(ctx, hurt, mirror, psync.PublishOptions{Flat: true}); err != nil {
			t.Errorf("beside somebody without %s: publish: %v", lacks, err)
			continue
		}
		for _, source := range []*replica.Replica{hurt, open(t, mirror, "/mirror")} {
			if _, report, err := psync.Clone(ctx, crashfs.New(), source, damage.AnnOptions(99), psync.Options{Adopt: true}); err != nil || report.Missed == 0 {
				t.Errorf("beside somebody without %s: clone %s: %v, %d missed", lacks, source.Where(), err, report.Missed)
			}
		}
		if _, err := repair(s, true); err != nil {
			t.Errorf("beside somebody without %s: beside all: %v", lacks, err)
		}
		if list := problems(t, s.Replica); len(list) > 0 {
			t.Errorf("beside somebody without %s: in the end %v", lacks, list)
		}
	}
}
