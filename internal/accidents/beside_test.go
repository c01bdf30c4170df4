package accidents

import (
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/replica"
)

// A writer that begins a commit while a check looks at the files, and is done a moment later, is no damage: whatever the check has looked at by then.
func TestACheckBesideAWriterRaisesNoAlarm(t *testing.T) {
	names := map[string]bool{"decide": true, "new identity": true}
	for _, o := range append(edits(t), identities(t)[0]) {
		if !names[o.name] {
			continue
		}
		delete(names, o.name)
		ended, commits := o.diskAt(t, 0), o.committing(t)
		if len(commits) == 0 {
			t.Errorf("%s: it writes no number, and no UUID", o.name)
		}
		for _, begun := range commits {
			for k := 1; ; k += race.Step {
				w := &writing{now: o.start, at: k, begun: begun, ended: ended}
				if found := w.check(t); len(found) > 0 {
					t.Fatalf("%s, which begins at operation %d of the check, %s: %q", o.name, k, w.what, found)
				}
				if w.n < k {
					break
				}
			}
		}
	}
	if len(names) > 0 {
		t.Errorf("not tried: %v", names)
	}
}

// diskAt returns the disk as it is right before the k-th change that the operation makes to it, k from 1; once it is done for 0.
func (o *operation) diskAt(t *testing.T, k int) *crashfs.FS {
	t.Helper()
	disk := o.start.Survivor(crashfs.Kill, 0)
	disk.CrashAt(k)
	if err := o.do(&work{fs: disk}); err != nil && k == 0 {
		t.Fatalf("%s: %v", o.name, err)
	}
	return disk.Survivor(crashfs.Kill, 0)
}

// committing returns the disk as it is before each of the numbers and UUIDs that the operation writes.
func (o *operation) committing(t *testing.T) (list []*crashfs.FS) {
	t.Helper()
	disk := o.start.Survivor(crashfs.Kill, 0)
	disk.Record()
	if err := o.do(&work{fs: disk}); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	k := 0
	for _, op := range disk.Ops() {
		if !op.Changes() {
			continue
		}
		k++
		if name := path.Base(op.To); name == changeset.LatestFile || name == changeset.ReplicaUUIDFile {
			list = append(list, o.diskAt(t, k))
		}
	}
	return list
}

// writing is a disk on which a writer begins a commit at an operation of a reader, and ends it when that has looked at the latest sequence number after that.
type writing struct {
	mu           sync.Mutex
	now          *crashfs.FS
	n, at        int
	begun, ended *crashfs.FS
	what         string // the operation at which it began
}

// check returns the problems that a check finds, but for harmless ones; none if it says that it has to be made again.
func (w *writing) check(t *testing.T) (found []string) {
	t.Helper()
	err := replica.Check(t.Context(), dir(look{w.now, w}, "ann"), options("ann", march, ""), func(p replica.Problem) {
		if !p.Harmless {
			found = append(found, p.Path+": "+p.Text)
		}
	}, nil)
	if err != nil && strings.HasSuffix(err.Error(), "check it again") {
		return nil
	}
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// look returns the disk for an operation.
func (w *writing) look(name string) *crashfs.FS {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n++; w.n == w.at {
		w.now, w.what = w.begun, name
	}
	now := w.now
	if w.n > w.at && name == "ann/"+changeset.LatestFile {
		w.now = w.ended
	}
	return now
}

// look is what a reader sees of a disk that is written to.
type look struct {
	afero.Fs
	w *writing
}

func (l look) Open(name string) (afero.File, error)  { return l.w.look(name).Open(name) }
func (l look) Stat(name string) (os.FileInfo, error) { return l.w.look(name).Stat(name) }
func (l look) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	return l.w.look(name).OpenFile(name, flag, perm)
}
