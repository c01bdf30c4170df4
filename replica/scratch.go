package replica

import "github.com/spf13/afero"

// Scratch opens the replica once more, as it is now, so that what is written to it stays in memory: a rehearsal of what would happen here. It
// holds in memory what is written, and whole each file that grows.
func (r *Replica) Scratch() (*Replica, error) {
	return Open(afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(r.fs), afero.NewMemMapFs()), r.opts)
}
