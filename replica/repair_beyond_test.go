package replica_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// grownTwice is a replica of four creates, and the same after a fifth and an edit of the first; in parts, if packed.
func grownTwice(t *testing.T, packed bool) (old, now *crashfs.FS) {
	t.Helper()
	if packed {
		replicatest.OnFormat2(t)
	} else {
		replicatest.OnFormat1(t)
	}
	now = crashfs.New()
	r := replicatest.Init(t, now, counted(0))
	for range 4 {
		grow(t, r, 1)
	}
	old = now.Survivor(crashfs.Kill, 0)
	grow(t, r, 1)
	row, err := r.Log().Row(1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Log().Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(c.Changes[0].Record, map[string]string{"status": "open"}) })
	if packed {
		if _, err := r.GC(t.Context(), replica.GCOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return old, now
}

// putBackFrom gives files of a replica the content that they have in an older one; those that it has not go.
func putBackFrom(t *testing.T, fsys, old afero.Fs, names ...string) {
	t.Helper()
	for _, name := range names {
		b, err := afero.ReadFile(old, name)
		if os.IsNotExist(err) {
			err = fsys.Remove(name)
		} else if err == nil {
			err = afero.WriteFile(fsys, name, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRowsAreTakenUpWhateverElseWasSetBack(t *testing.T) {
	for _, packed := range []bool{false, true} {
		old, now := grownTwice(t, packed)
		want := dumped(t, now)
		for _, also := range []string{"", "prophet/digests", "prophet/rows", "prophet/rows prophet/digests", "prophet/rows prophet/digests prophet/ids prophet/identity"} {
			fsys := now.Survivor(crashfs.Kill, 0)
			putBackFrom(t, fsys, old, append(strings.Fields(also), changeset.IndexFile, changeset.LatestFile)...)
			if harmful(t, fsys) == "" {
				t.Errorf("packed %v, also %q: fsck says\n%s", packed, also, problems(t, fsys))
			}
			did := repaired(t, fsys)
			if strings.Contains(did, "lost") || dumped(t, fsys) != want {
				t.Errorf("packed %v, also %q: the repair says\n%s", packed, also, did)
			}
			sound(t, fsys)
			if again := repaired(t, fsys); again != "" {
				t.Errorf("packed %v, also %q: a second repair says\n%s", packed, also, again)
			}
		}
	}
}

// What is set back with the notes is as many files as say otherwise, and more: nothing of what holds is cut off for that.
func TestRowsThatHoldAreTakenUpWhateverMostFilesCount(t *testing.T) {
	const number, index, notes = changeset.LatestFile, changeset.IndexFile, " prophet/rows prophet/digests"
	for _, tt := range []struct {
		back         string
		packed, half bool // half: to before the last edit alone
	}{{back: number + notes}, {back: index + notes}, {back: number + notes + " records prophet/ids"}, {back: number + notes, half: true}, {back: index + notes, half: true}, {back: number + notes, packed: true}, {back: index + notes, packed: true}} {
		old, now := grownTwice(t, tt.packed)
		want := dumped(t, now)
		if tt.half {
			old = now.Survivor(crashfs.Kill, 0)
			r := replicatest.Open(t, now, replica.Options{})
			replicatest.Edit(t, r, func(e *replica.Edit) error {
				return e.Update(allRecords(t, r)[1], map[string]string{"status": "closed"})
			})
			want = dumped(t, now)
		}
		names, records := strings.CutSuffix(tt.back, " records prophet/ids")
		back := strings.Fields(names)
		for name := range filesIn(t, now) {
			if records && (strings.HasPrefix(name, changeset.RecordsDir+"/") || name == "prophet/ids") {
				back = append(back, name)
			}
		}
		putBackFrom(t, now, old, back...)
		did := repaired(t, now)
		if strings.Contains(did, "lost") || dumped(t, now) != want {
			t.Errorf("%+v: the repair says\n%s", tt, did)
		}
		sound(t, now)
		if again := repaired(t, now); again != "" {
			t.Errorf("%+v: a second repair says\n%s", tt, again)
		}
	}
}

// Nobody but us writes a replica of format 2, and nothing of an edit of ours that was cut off stays in an index of a record. So what these name was committed, if it is here.
func TestRowsOfWhichOnlyIndexesOfRecordsTellAreTakenUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, r *replica.Replica, rec changeset.RecordID) // the edit
	}{
		{"one edit", func(*testing.T, *replica.Replica, changeset.RecordID) {}},
		{"an edit behind somebody else's", func(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
			integrate(t, r, rec, nil, map[string]string{"owner": "bob"}, headsOf(t, r, rec))
		}},
		{"an edit behind parts", func(t *testing.T, r *replica.Replica, rec changeset.RecordID) {
			update(t, r, rec, "status", "open")
			gc(t, r)
		}},
	} {
		replicatest.OnFormat2(t)
		now := crashfs.New()
		r := replicatest.Init(t, now, counted(0))
		grow(t, r, 2)
		recs := allRecords(t, r)
		old := now.Survivor(crashfs.Kill, 0)
		tt.before(t, r, recs[0])
		update(t, r, recs[1], "status", "closed")
		want := dumped(t, now)
		putBackFrom(t, now, old, changeset.IndexFile, changeset.LatestFile, "prophet/rows", "prophet/digests")
		if dumped(t, now) == want {
			t.Errorf("%s: nothing was set back", tt.name)
		}
		if did := repaired(t, now); strings.Contains(did, "lost") || dumped(t, now) != want {
			t.Errorf("%s: the repair says\n%s", tt.name, did)
		}
		sound(t, now)
	}
}

// Of objects alone nothing tells that they were committed, but that somebody else has them; and that they were not, that somebody has others.
func TestObjectsBeyondTheLogAreTakenUpIfSomebodyHasThem(t *testing.T) {
	old, now := grownTwice(t, false)
	twin := old.Survivor(crashfs.Kill, 0)
	grow(t, replicatest.Open(t, twin, replica.Options{}), 2)
	for _, tt := range []struct {
		name   string
		others []afero.Fs
		want   uint32
	}{
		{"alone", nil, 4}, {"with a copy", []afero.Fs{now}, 6}, {"with an older copy", []afero.Fs{old}, 4}, {"with a copy that was edited meanwhile", []afero.Fs{twin}, 4},
	} {
		fsys := now.Survivor(crashfs.Kill, 0)
		for name := range filesIn(t, now) {
			if !strings.HasPrefix(name, "cas/") {
				putBackFrom(t, fsys, old, name)
			}
		}
		did := repairedFrom(t, fsys, tt.others...)
		if n := replicatest.Open(t, fsys, replica.Options{}).Latest(); n != tt.want || strings.Contains(did, "lost") {
			t.Errorf("%s: the log has %d rows: %s", tt.name, n, did)
		}
	}
}

// Two edits under one number: the copy says nothing of the rows that were set back here. A pull brings both together.
func TestRowsThatACopyHasOtherwiseAreTakenUp(t *testing.T) {
	old, now := grownTwice(t, false)
	twin := old.Survivor(crashfs.Kill, 0)
	grow(t, replicatest.Open(t, twin, replica.Options{}), 2)
	unread := replicatest.Clone(t, replicatest.Open(t, twin, replica.Options{}), counted(9)).FS()
	if err := unread.RemoveAll("cas/changesets"); err != nil {
		t.Fatal(err)
	}
	notes := []string{"prophet/rows", "prophet/digests", "prophet/ids", "prophet/identity"}
	for _, tt := range []struct {
		name   string
		also   []string
		others []afero.Fs
		want   uint32
	}{
		{"counted", nil, []afero.Fs{twin}, 6}, {"counted, alone", nil, nil, 6}, {"not counted", notes, []afero.Fs{twin}, 6}, {"not counted, alone", notes, nil, 6}, {"not counted, and what a peer has of the copy cannot be read", notes, []afero.Fs{unread}, 6},
	} {
		fsys := now.Survivor(crashfs.Kill, 0)
		putBackFrom(t, fsys, old, append(tt.also, changeset.IndexFile, changeset.LatestFile)...)
		did := repairedFrom(t, fsys, tt.others...)
		if n := replicatest.Open(t, fsys, replica.Options{}).Latest(); n != tt.want {
			t.Errorf("%s: the log has %d rows: %s", tt.name, n, did)
		}
		sound(t, fsys)
	}
}

func TestARepairSaysWhereSomebodyTellsOfMoreRowsThanItCanMake(t *testing.T) {
	old, now := grownTwice(t, false)
	r := replicatest.Open(t, now, replica.Options{})
	peer := replicatest.Clone(t, r, counted(9))
	change(t, peer.FS(), changeset.IndexFile, func(b []byte) []byte {
		at := len(b) - changeset.RowSize
		row, err := changeset.ParseRow(b[at:])
		if err != nil || row.Seq != peer.Latest() {
			t.Fatal(row, err)
		}
		row.ID = changeset.ID{Origin: r.UUID(), Seq: 1 << 30}
		return changeset.AppendRow(b[:at], row)
	})
	fsys := now.Survivor(crashfs.Kill, 0)
	putBackFrom(t, fsys, old, changeset.IndexFile, changeset.LatestFile)
	did := repairedFrom(t, fsys, peer.FS())
	if n := replicatest.Open(t, fsys, replica.Options{}).Latest(); n != 4 || !strings.Contains(did, changeset.LatestFile+": left: something tells of row 1073741824, more than a repair can make again; else the log has 4 rows\n") {
		t.Errorf("the log has %d rows: %s", n, did)
	}
}

// A program of the original that is cut off leaves one changeset, and what its record became, without a row.
func TestOneChangesetOfWhichOnlyARecordTellsIsNotTakenUp(t *testing.T) {
	old, now := grownTwice(t, false)
	fsys := now.Survivor(crashfs.Kill, 0)
	for name, b := range filesIn(t, now) {
		if was, err := afero.ReadFile(old, name); strings.HasPrefix(name, changeset.RecordsDir+"/") && err == nil && len(was) < len(b) {
			putBackFrom(t, fsys, old, name) // of the update nothing is left but its object
		}
	}
	putBackFrom(t, fsys, old, changeset.IndexFile, changeset.LatestFile, "prophet/rows", "prophet/digests", "prophet/ids", "prophet/identity")
	alone := fsys.Survivor(crashfs.Kill, 0)
	if did := repaired(t, alone); replicatest.Open(t, alone, replica.Options{}).Latest() != 4 {
		t.Errorf("it was taken up: %s", did)
	}
	if did := repairedFrom(t, fsys, now); replicatest.Open(t, fsys, replica.Options{}).Latest() != 6 {
		t.Errorf("a copy has it, and it was not: %s", did)
	}
}

func TestUnpackLeavesWhatTellsOfRowsThatWereSetBack(t *testing.T) {
	for _, also := range []string{"", "prophet/rows prophet/digests"} {
		old, now := grownTwice(t, true)
		want := dumped(t, now)
		putBackFrom(t, now, old, append(strings.Fields(also), changeset.IndexFile, changeset.LatestFile)...)
		before := files(t, now)
		err := replicatest.Open(t, now, replica.Options{}).Unpack(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), "--repair") {
			t.Errorf("also %q: unpack says %v", also, err)
		}
		if after := files(t, now); after != before {
			t.Errorf("also %q: unpack changed\n%s", also, otherLines(before, after))
		}
		did := repaired(t, now)
		if err := replicatest.Open(t, now, replica.Options{}).Unpack(t.Context(), nil); err != nil || dumped(t, now) != want {
			t.Errorf("also %q: unpack says %v after a repair that says\n%s", also, err, did)
		}
		sound(t, now)
	}
}

// Where nothing was ever written into a log, its number is what is damaged.
func TestANumberThatNothingSupportsIsSetBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		grow int
	}{{"resolutions/" + changeset.LatestFile, 1}, {changeset.LatestFile, 0}} {
		for _, says := range []string{"1", "8"} {
			fsys := afero.NewMemMapFs()
			r := replicatest.Init(t, fsys, replica.Options{})
			grow(t, r, tt.grow)
			want := dumped(t, fsys)
			change(t, fsys, tt.name, func([]byte) []byte { return []byte(says) })
			did := repaired(t, fsys)
			if did != fmt.Sprintf("rebuilt %s: the log has 0 rows\n", tt.name) || dumped(t, fsys) != want {
				t.Errorf("%s says %s: the repair says\n%s", tt.name, says, did)
			}
			sound(t, fsys)
			if was, err := afero.ReadFile(fsys, replica.SetAsideDir+"/"+tt.name); string(was) != says {
				t.Errorf("%s was not set aside: %v", tt.name, err)
			}
		}
	}
}

// Where parts are lost, the loose index of a record begins where they ended: that says nothing against what others have of the rows before.
func TestALooseIndexSaysNothingOfRowsThatLostPartsHad(t *testing.T) {
	_, now := grownTwice(t, true)
	r := replicatest.Open(t, now, replica.Options{})
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		return e.Update(allRecords(t, r)[0], map[string]string{"status": "closed"})
	})
	grow(t, r, 1)
	want := dumped(t, now)
	for _, damage := range []struct {
		rows int
		list string // what is left of the list of parts
	}{{2, ""}, {3, ""}, {3, "as it was"}, {2, "none"}} {
		rows, fsys := damage.rows, now.Survivor(crashfs.Kill, 0)
		list, err := afero.ReadFile(fsys, parts.ListFile)
		if err == nil {
			err = errors.Join(fsys.RemoveAll(parts.Dir), fsys.MkdirAll(parts.Dir, 0o777))
		}
		switch damage.list {
		case "as it was":
			err = errors.Join(err, afero.WriteFile(fsys, parts.ListFile, list, 0o666))
		case "none":
			err = errors.Join(err, afero.WriteFile(fsys, parts.ListFile, []byte(parts.List{}.Encode()), 0o666))
		}
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, changeset.IndexFile, func(b []byte) []byte { return b[:rows*changeset.RowSize] })
		for _, asked := range [][]afero.Fs{{now}, {nil, now}} { // at once, or after a repair that had nobody to ask
			work, told := fsys.Survivor(crashfs.Kill, 0), ""
			for _, other := range asked {
				if other == nil {
					told += repairedFrom(t, work)
				} else {
					told += repairedFrom(t, work, other)
				}
			}
			if found := harmful(t, work); found != "" || dumped(t, work) != want {
				t.Errorf("with %d rows, list %q, asked %d times: the repair says\n%sfsck says\n%s", rows, damage.list, len(asked), told, found)
			}
		}
	}
}
