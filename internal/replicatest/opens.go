package replicatest

import (
	"sync/atomic"

	"github.com/spf13/afero"
)

// Opens is a file system that counts how often files are opened of whose names Of reports that they are meant, if they are there.
type Opens struct {
	afero.Fs
	Of      func(name string) bool
	Missing bool // those that are not there count too
	Count   atomic.Int64
}

// Open opens a file, and counts it.
func (o *Opens) Open(name string) (afero.File, error) {
	f, err := o.Fs.Open(name)
	if (err == nil || o.Missing) && o.Of(name) {
		o.Count.Add(1)
	}
	return f, err
}
