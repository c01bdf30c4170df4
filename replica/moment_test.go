package replica_test

import (
	"sync"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// stopping is a file system that stops a rename, and one that says when a file is opened.
type stopping struct {
	afero.Fs
	opens, renames func(name string)
}

func (s stopping) Open(name string) (afero.File, error) {
	if s.opens != nil {
		s.opens(name)
	}
	return s.Fs.Open(name)
}

func (s stopping) Rename(from, to string) error {
	if s.renames != nil {
		s.renames(to)
	}
	return s.Fs.Rename(from, to)
}

// A commit writes the number of the resolutions, then that of the log. A reader who comes between the two sees neither.
func TestAReaderSeesBothLogsOfOneMoment(t *testing.T) {
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	votedTwice(t, r)
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	rec := rivalsOf(t, r, "Note", one("1"), one("2"), one("3"))
	before := replicatest.Open(t, fsys, replica.Options{})

	between, goOn := make(chan struct{}), make(chan struct{})
	slow := stopping{Fs: fsys, renames: func(to string) {
		if to == changeset.LatestFile {
			close(between)
			<-goOn
		}
	}}
	writer := replicatest.Open(t, slow, replica.Options{})
	var writing sync.WaitGroup
	begin := sync.OnceFunc(func() {
		writing.Go(func() { update(t, writer, rec, "m", "3") })
		<-between
	})
	watched := stopping{Fs: fsys, opens: func(name string) {
		if name == "resolutions/latest-sequence-no" {
			begin()
		}
	}}
	r, err := replica.Open(watched, replica.Options{})
	close(goOn)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if r.Latest() != before.Latest() || r.Resolutions().Latest() != before.Resolutions().Latest() {
		t.Errorf("a reader in the middle of a commit sees %d changesets and %d of the resolutions; before it there were %d and %d",
			r.Latest(), r.Resolutions().Latest(), before.Latest(), before.Resolutions().Latest())
	}
}
