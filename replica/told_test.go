package replica_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestADamagedPackIsNamedOnceAndTheRecordWithIt: whoever reads a value of many is told of which record it is, and in which file.
func TestADamagedPackIsNamedOnceAndTheRecordWithIt(t *testing.T) {
	replicatest.WithParts(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(1))
	rec := create(t, r)
	packs, err := afero.Glob(fsys, parts.Dir+"/*"+parts.PackExt)
	if err != nil || len(packs) != 1 {
		t.Fatalf("%d packs, %v", len(packs), err)
	}
	change(t, fsys, packs[0], func(b []byte) []byte {
		copy(b[len(b)/2:], bytes.Repeat([]byte{'X'}, 4))
		return b
	})
	_, _, err = replicatest.Open(t, fsys, replica.Options{Where: "here"}).Log().Props(rec)
	if err == nil || strings.Count(err.Error(), packs[0]) != 1 || !strings.Contains(err.Error(), "read record "+rec.String()+" of here") {
		t.Errorf("want %s and %s named once; said %v", rec, packs[0], err)
	}
}

// TestOfALostChangesetOfWhichNothingIsLeftIsNotSaidThatWhatIsLeftCounts: neither by the repair nor by the check.
func TestOfALostChangesetOfWhichNothingIsLeftIsNotSaidThatWhatIsLeftCounts(t *testing.T) {
	replicatest.OnFormat1(t)
	for _, left := range []bool{true, false} {
		fsys := directory(t)
		r := replicatest.Init(t, fsys, counted(1))
		rec := create(t, r)
		if err := errors.Join(setStatus(r, rec, "open"), setStatus(r, rec, "closed")); err != nil {
			t.Fatal(err)
		}
		row, err := r.Log().Row(2)
		if err == nil {
			err = fsys.Remove("cas/changesets/" + objectPath(row))
		}
		if !left {
			err = errors.Join(err, fsys.RemoveAll("cas/records"), fsys.RemoveAll("records"))
		}
		if err != nil {
			t.Fatal(err)
		}
		said := repairedParts(t, fsys) + problems(t, fsys)
		for text, want := range map[string]int{"what is left of it counts until it comes back": 2, "until it comes back it counts as if it had not been there": 0} {
			if !left {
				want = 2 - want
			}
			if n := strings.Count(said, text); n != want {
				t.Errorf("something is left: %t; %q is said %d times, want %d:\n%s", left, text, n, want, said)
			}
		}
		checkLostAlike(t, fsys, left)
	}
}

// checkLostAlike holds what a check says of many such changesets at once against what it says of one.
func checkLostAlike(t *testing.T, fsys afero.Fs, left bool) {
	t.Helper()
	lost := 0
	err := replica.Check(t.Context(), fsys, replica.Options{Where: "here"}, func(p replica.Problem) {
		if p.Loss == nil || len(p.Loss.Changesets) == 0 || p.Harmless {
			return
		}
		if lost++; left != strings.Contains(p.Alike, "what is left of them counts") || left == strings.Contains(p.Alike, "count as if they had not been there") {
			t.Errorf("something is left: %t; of many it is said that %s", left, p.Alike)
		}
	}, nil)
	if lost == 0 || err != nil {
		t.Errorf("nothing is lost, %v", err)
	}
}

// TestADamagedIndexOfARecordIsNamed where the object or the parent is told to be missing that it names no more.
func TestADamagedIndexOfARecordIsNamed(t *testing.T) {
	replicatest.OnFormat1(t)
	for _, what := range []string{"a bit", "a row"} {
		fsys := directory(t)
		r := replicatest.Init(t, fsys, counted(1))
		rec := create(t, r)
		if err := setStatus(r, rec, "open"); err != nil {
			t.Fatal(err)
		}
		index := changeset.RecordPath(rec)
		change(t, fsys, index, func(b []byte) []byte {
			if what == "a row" {
				return b[:len(b)/2]
			}
			b[len(b)-1] ^= 1
			return b
		})
		row, err := r.Log().Row(2)
		if err != nil {
			t.Fatal(err)
		}
		r = replicatest.Open(t, fsys, counted(9))
		err = setStatus(r, rec, "closed")
		if what == "a row" { // somebody else's, who had seen the second
			err = tryIntegrate(r, rec, map[string]string{"status": "open"}, map[string]string{"status": "closed"}, []changeset.ID{row.ID})
		}
		if err == nil || !strings.Contains(err.Error(), index) {
			t.Errorf("%s: want %s named; said %v", what, index, err)
		}
	}
}
