package durable

import (
	"errors"
	"flag"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestCommitWritesWhatWasCollected(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		tx := Begin(fs)
		tx.Put("cas/1/a", []byte("object"))
		tx.Put("cas/1/a", []byte("object"))
		tx.Append("rows", 0, []byte("one."))
		tx.Append("rows", 4, []byte("two."))
		tx.Replace("marks/m", []byte("not this"))
		tx.Replace("marks/m", []byte("mark"))
		if got, want := tx.Size(), len("object"+"one.two."+"mark"); got != want {
			t.Errorf("size %d, want %d", got, want)
		}
		commit(t, tx, Point{"sub/latest", "", "0"}, Point{"latest", "", "2"})
		tx = Begin(fs)
		tx.Append("rows", 8, []byte("three."))
		commit(t, tx, Point{"sub/latest", "0", "0"}, Point{"latest", "2", "3"})
		wantFiles(t, afterPowerCut(fs), tree{"cas/1/a": "object", "rows": "one.two.three.", "marks/m": "mark", "sub/latest": "0", "latest": "3"})
	})
}

func TestAppendCutsLeftovers(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		put(t, fs, "rows", "one.leftover")
		put(t, fs, "begun", "leftover")
		tx := Begin(fs)
		tx.Append("rows", 4, []byte("two."))
		tx.Append("begun", 0, []byte("1"))
		commit(t, tx, Point{"latest", "", "2"})
		wantFiles(t, afterPowerCut(fs), tree{"rows": "one.two.", "begun": "1", "latest": "2"})
	})
}

func TestPutLeavesAloneWhatIsThereAndMendsWhatIsDamaged(t *testing.T) {
	disk := crashfs.New()
	put(t, disk, "whole", "object")
	put(t, disk, "longer", "object and more")
	put(t, disk, "shorter", "obj")
	disk.Record()
	tx := Begin(disk)
	for _, name := range []string{"whole", "longer", "shorter"} {
		tx.Put(name, []byte("object"))
	}
	commit(t, tx)
	wantFiles(t, disk.Survivor(crashfs.PowerCut, 0), tree{"whole": "object", "longer": "object", "shorter": "object"})
	for _, op := range disk.Ops() {
		if op.To == "whole" || op.Kind == "write" && strings.Contains(op.Name, "whole") {
			t.Errorf("%v on an object that was there", op)
		}
	}
}

// The original flushes nothing, and a copy of a replica may not be on the disk yet.
func TestPutFlushesWhatAnotherProgramWrote(t *testing.T) {
	disk := crashfs.New()
	if err := MkdirAll(disk, "cas"); err != nil {
		t.Fatal(err)
	}
	afero.WriteFile(disk, "cas/a", []byte("object"), 0o666)
	tx := Begin(disk)
	tx.Put("cas/a", []byte("object"))
	commit(t, tx)
	wantFiles(t, disk.Survivor(crashfs.PowerCut, 0), tree{"cas/a": "object"})
}

// A journal that was emptied must not come back after a power cut: it would undo later writes.
func TestJournalOfADoneCommitDoesNotComeBack(t *testing.T) {
	disk := crashfs.New()
	tx := Begin(disk)
	tx.Replace("mark", []byte("1"))
	commit(t, tx, Point{"latest", "", "1"})
	put(t, disk, "mark", "2")
	left := disk.Survivor(crashfs.PowerCut, 0)
	if recovered, err := Recover(left); recovered || err != nil {
		t.Errorf("recovered %t, %v", recovered, err)
	}
	wantFiles(t, left, tree{"latest": "1", "mark": "2"})
}

func TestMistakesAreToldBeforeAnythingIsWritten(t *testing.T) {
	next := Point{"latest", "1", "2"}
	tests := []struct {
		name   string
		fill   func(*Tx)
		points []Point
		want   string
	}{
		{"gap after the file", func(tx *Tx) { tx.Append("rows", 5, []byte("x")) }, []Point{next}, "append to rows at byte 5: its end is at byte 4"},
		{"gap in the transaction", func(tx *Tx) { tx.Append("rows", 4, []byte("x")); tx.Append("rows", 6, nil) }, []Point{next}, "append to rows at byte 6: its end is at byte 5"},
		{"overlap", func(tx *Tx) { tx.Append("rows", 4, []byte("x")); tx.Append("rows", 4, nil) }, []Point{next}, "append to rows at byte 4: its end is at byte 5"},
		{"negative length", func(tx *Tx) { tx.Append("rows", -1, nil) }, []Point{next}, "append to rows at byte -1"},
		{"append to what is missing", func(tx *Tx) { tx.Append("more", 4, []byte("x")) }, []Point{next}, "append to more at byte 4: its end is at byte 0"},
		{"rows without a commit", func(tx *Tx) { tx.Append("rows", 4, []byte("x")) }, []Point{{"latest", "1", "1"}}, "append to rows: no commit point changes"},
		{"brought without a commit", func(tx *Tx) { tx.Bring("pack", []byte("x")) }, []Point{{"latest", "1", "1"}}, "bring pack: no commit point changes"},
		{"two contents", func(tx *Tx) { tx.Put("a", []byte("x")); tx.Put("a", []byte("y")) }, []Point{next}, "two contents"},
		{"two uses", func(tx *Tx) { tx.Put("a", nil); tx.Replace("a", nil) }, []Point{next}, "a is an object and a replaced file"},
		{"name outside", func(tx *Tx) { tx.Replace("../a", nil) }, []Point{next}, `"../a": not a name inside the root`},
		{"point outside", func(tx *Tx) {}, []Point{{"/latest", "1", "2"}}, `"/latest": not a name`},
		{"point with other text", func(tx *Tx) { tx.Append("rows", 4, nil) }, []Point{{"latest", "0", "2"}}, `latest holds "1" where "0" was expected`},
		{"point without text", func(tx *Tx) {}, []Point{{"latest", "1", ""}}, "not the text of a commit point"},
		{"point with white space", func(tx *Tx) {}, []Point{{"latest", "1", "2\n"}}, "not the text of a commit point"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fs := crashfs.New()
			put(t, fs, "rows", "one.")
			put(t, fs, "latest", "1\n") // the original may write a newline
			tx := Begin(fs)
			tx.Put("object", []byte("x"))
			test.fill(tx)
			err := tx.Commit(test.points...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			wantFiles(t, fs, tree{"rows": "one.", "latest": "1\n"})
		})
	}
}

func TestTransactionCommitsOnce(t *testing.T) {
	tx := Begin(crashfs.New())
	tx.Put("a", nil)
	commit(t, tx)
	if err := tx.Commit(); err == nil {
		t.Error("a second commit did not fail")
	}
}

func TestErrorSaysWhatWasAttemptedOnWhichFile(t *testing.T) {
	for k := 1; ; k++ {
		disk := crashfs.New()
		disk.Record()
		disk.FailAt(k, syscall.ENOSPC)
		err := smallCommit(disk)
		if !disk.Failed() {
			break
		}
		if err == nil {
			continue // a file that could not be looked at was written anew
		}
		ops := disk.Ops()
		name := ops[k-1].Name
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v failed: %v", ops[k-1], err)
		}
	}
}

// smallCommit is an edit as a replica makes it: a changeset and a record version, a new record's index, the log, a vote, a mark.
func smallCommit(fs afero.Fs) error {
	tx := Begin(fs)
	tx.Put("cas/changesets/7/7/77cf", []byte("changeset"))
	tx.Put("cas/records/d/b/db3c", []byte("record"))
	tx.Append("records/bug/a/2/a234-uuid", 0, []byte("row"))
	tx.Append("changesets.idx", 0, []byte("row"))
	tx.Append("prophet/rows", 0, []byte("row"))
	tx.Append("resolutions/changesets.idx", 0, []byte("row"))
	tx.Replace("local_metadata/last-changeset-from-10b1", []byte("3"))
	return tx.Commit(Point{"resolutions/latest-sequence-no", "0", "1"}, Point{"latest-sequence-no", "0", "1"})
}

// nextCommit changes the record that smallCommit made.
func nextCommit(fs afero.Fs) error {
	tx := Begin(fs)
	tx.Put("cas/changesets/7/7/77d0", []byte("next changeset"))
	tx.Put("cas/records/d/b/db40", []byte("next record"))
	tx.Append("records/bug/a/2/a234-uuid", 3, []byte("row"))
	tx.Append("changesets.idx", 3, []byte("row"))
	tx.Append("prophet/rows", 3, []byte("row"))
	return tx.Commit(Point{"resolutions/latest-sequence-no", "1", "1"}, Point{"latest-sequence-no", "1", "2"})
}

// TestOrderOfACommit holds the order of writes and flushes against golden files, so that a lost flush is a visible diff.
func TestOrderOfACommit(t *testing.T) {
	disk := crashfs.New()
	put(t, disk, "latest-sequence-no", "0")
	put(t, disk, "resolutions/latest-sequence-no", "0")
	crashfs.Golden(t, "testdata/first-commit.golden", opsOf(t, disk, smallCommit), *update)
	crashfs.Golden(t, "testdata/commit.golden", opsOf(t, disk, nextCommit), *update)
}

// opsOf are the operations of work.
func opsOf(t *testing.T, disk *crashfs.FS, work func(afero.Fs) error) []crashfs.Op {
	t.Helper()
	disk.Record()
	if err := work(disk); err != nil {
		t.Fatal(err)
	}
	return disk.Ops()
}

// What lies beyond the committed end of a file when a commit begins was left by somebody who died. Where the commit is cut off as well, that is no other
// program's work since.
func TestLeftoversFromBeforeACommitAreNobodysWorkSince(t *testing.T) {
	work := func(fs afero.Fs) error {
		tx := Begin(fs)
		tx.Append("rows", 4, []byte("two."))
		tx.Append("swept", 4, nil)
		return tx.Commit(Point{"latest", "1", "2"})
	}
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		for k := 1; ; k++ {
			disk := crashfs.New()
			for name, text := range map[string]string{"rows": "one.a leftover that is longer", "swept": "one.leftover", "latest": "1"} {
				if err := WriteFile(disk, name, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			disk.CrashAt(k)
			err := work(disk)
			if !disk.Failed() {
				if err != nil {
					t.Fatal(err)
				}
				wantFiles(t, disk, tree{"rows": "one.two.", "swept": "one.", "latest": "2"})
				break
			}
			left := disk.Survivor(mode, int64(k))
			if _, err := Uncommitted(left); err != nil {
				t.Errorf("%s at operation %d: a reader gets %v", mode, k, err)
			}
			if _, err := Recover(left); err != nil {
				t.Errorf("%s at operation %d: %v", mode, k, err)
			}
		}
	}
}
