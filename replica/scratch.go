package replica

import (
	"context"
	"os"

	"github.com/spf13/afero"

	"prophet/internal/durable"
)

// Scratch opens the replica once more, as it is now, so that what is written to it stays in memory: a rehearsal of what would happen here. It
// holds in memory what is written, and whole each file that grows. A commit that was cut off is finished or taken back first, here and not in memory: to take
// it back is to remove files.
func (r *Replica) Scratch(ctx context.Context) (*Replica, error) {
	if v, err := durable.Uncommitted(r.fs); err != nil || len(v.Lengths)+len(v.Points)+len(v.Replaced) > 0 {
		unlock, err := r.lock(ctx)
		if err == nil {
			err = unlock()
		}
		if err != nil {
			return nil, err
		}
	}
	return Open(afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(r.fs), memory{afero.NewMemMapFs()}), r.opts)
}

// memory is a file system in memory that renames a file at the cost of its size. The one that it is made of looks at all files that it has.
type memory struct{ afero.Fs }

// Rename makes the file anew under its other name. There is nobody who could see both.
func (m memory) Rename(from, to string) error {
	text, err := afero.ReadFile(m.Fs, from)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err := afero.WriteFile(m.Fs, to, text, 0o666); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return m.Remove(from)
}
