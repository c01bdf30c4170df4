package replica_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// goneScratch is a scratch file system that is not there when the third file is written in which the texts are noted that parts keep.
type goneScratch struct {
	afero.Fs
	meanwhile     func() // is called then
	before, after []string
	failed        bool
}

func (s *goneScratch) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	switch {
	case !strings.HasPrefix(name, "kept"):
	case s.failed:
		s.after = append(s.after, name)
	case len(s.before) == 2:
		s.failed = true
		s.meanwhile()
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	default:
		s.before = append(s.before, name)
	}
	return s.Fs.OpenFile(name, flag, perm)
}

// manyKept makes a replica in which parts keep many texts.
func manyKept(t *testing.T) (afero.Fs, *replica.Replica) {
	replicatest.WithParts(t)
	replica.SmallParcels(t, 1<<10)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	var recs []changeset.RecordID
	for n := range 3 { // each makes a part; what exists before a part has its text there once it is changed
		inOne(t, r, 400, func(i int, e *replica.Edit) error {
			if n > 0 {
				return e.Update(recs[i], map[string]string{"x": fmt.Sprint(n)})
			}
			rec, err := e.Create("Ticket", map[string]string{"x": "z"})
			recs = append(recs, rec)
			return err
		})
	}
	return fsys, r
}

// A scratch that fails is no damage of a part.
func TestACheckWhoseScratchFailsSaysSo(t *testing.T) {
	fsys, _ := manyKept(t)
	scratch := &goneScratch{Fs: afero.NewMemMapFs(), meanwhile: func() {}}
	err := replica.Check(t.Context(), fsys, replica.Options{Scratch: scratch}, func(p replica.Problem) {
		t.Errorf("%s: %s", p.Path, p.Text)
	}, nil)
	if !scratch.failed || err == nil || !strings.Contains(err.Error(), "keep what was found so far: ") {
		t.Errorf("the scratch failed: %v; the check ends with %v", scratch.failed, err)
	}
}

// Where others changed the parts meanwhile, the check begins anew with the texts, and does not read what the first look put down.
func TestACheckThatBeginsAnewWithTextsBeginsWithNothing(t *testing.T) {
	fsys, r := manyKept(t)
	scratch := &goneScratch{Fs: afero.NewMemMapFs(), meanwhile: func() {
		if _, err := r.GC(t.Context(), replica.GCOptions{}); err != nil {
			t.Error(err)
		}
	}}
	if err := replica.Check(t.Context(), fsys, replica.Options{Scratch: scratch}, func(p replica.Problem) {
		t.Errorf("%s: %s", p.Path, p.Text)
	}, nil); err != nil {
		t.Error(err)
	}
	if !scratch.failed || len(scratch.after) == 0 {
		t.Errorf("the scratch failed: %v; then %d writes", scratch.failed, len(scratch.after))
	}
	for _, name := range scratch.after {
		if slices.Contains(scratch.before, name) {
			t.Errorf("%s is written to once more", name)
		}
	}
}
