package replica_test

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// withheldFS is a file system some files of which cannot be opened.
type withheldFS struct {
	afero.Fs
	names map[string]bool
	why   error
}

func (w withheldFS) Open(name string) (afero.File, error) {
	if w.names[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: w.why}
	}
	return w.Fs.Open(name)
}

func (w withheldFS) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	if w.names[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: w.why}
	}
	return w.Fs.OpenFile(name, flag, perm)
}

// TestWhatCannotBeReadIsNotCalledDamaged: the index, or a changeset, that may not be read, where the disk fails, or too many files are open, is one problem that says so, and a repair changes nothing.
func TestWhatCannotBeReadIsNotCalledDamaged(t *testing.T) {
	replicatest.WithLooseEdits(t)
	disk := crashfs.New()
	r := replicatest.Init(t, disk, replica.Options{Where: "ann"})
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"status": "new"})
		return err
	})
	row, err := r.Log().Row(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{changeset.IndexFile, changeset.ObjectPath(changeset.ChangesetObjects, row.Key)} {
		for why, text := range map[error]string{syscall.EACCES: "permission denied", syscall.EIO: "the disk fails", syscall.EMFILE: "too many files are open"} {
			fsys, before := withheldFS{disk, map[string]bool{name: true}, why}, files(t, disk)
			var found []replica.Problem
			if err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) { found = append(found, p) }, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if len(found) != 1 || found[0].Path != name || !found[0].Unread || !strings.Contains(found[0].Text, text) {
				t.Errorf("%s, %v: %+v", name, why, found)
			}
			err := replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{Report: func(m replica.Mended) { t.Errorf("%s: repaired %+v", name, m) }})
			if err == nil || files(t, disk) != before {
				t.Errorf("%s, %v: repaired: %v", name, why, err)
			}
		}
	}
}
