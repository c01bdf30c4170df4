package replica

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/afero"
)

// scratchTries is how often a replica is looked at without the lock, and how often with it.
const scratchTries = 3

// Scratch opens the replica once more, as it is now, so that what is written to it stays in memory: a rehearsal of what would happen here. What others
// write here later is not in it. It holds in memory what is written, the index of the log and the notes on it, about 150 bytes for each changeset in the log, and
// whole the index of each record that is written to. A commit that was cut off is finished or taken back first, here and not in memory. The lock is held
// for that, and where writers are so busy that no moment between two commits is met; never when Scratch has returned.
func (r *Replica) Scratch(ctx context.Context) (*Replica, error) {
	for n := range scratchTries {
		if f, err := r.freeze(); err == nil && f != nil && !f.ahead {
			return f.open(r.opts)
		}
		r.sleep(lookAgain[n])
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	for looks := 0; ; looks++ {
		f, err := r.freeze()
		last := looks == len(lookAgain)
		switch {
		case err != nil && (last || !errors.Is(err, errEmptyNumber)):
			return nil, fmt.Errorf("rehearse in replica %s: %w", r.where(), err)
		case f != nil && err == nil && (last || !f.ahead):
			return f.open(r.opts)
		case last:
			return nil, fmt.Errorf("rehearse in replica %s: another program writes there all the time; try again when it is done", r.where())
		}
		r.sleep(lookAgain[looks])
	}
}

// open opens the frozen replica.
func (f *frozen) open(opts Options) (*Replica, error) {
	r, err := Open(afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(f), memory{f.files}), opts)
	if err == nil {
		r.rehearsal = true
	}
	return r, err
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
