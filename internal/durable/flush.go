package durable

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/spf13/afero"
)

const (
	sequential = 32 // so many flushes are done one after another
	workers    = 8  // more are shared among so many goroutines
)

// SyncDir flushes the named directory: the names in it, not what they hold. Where
// directories cannot be flushed (in memory, on Windows) it does nothing.
func SyncDir(fs afero.Fs, name string) error {
	d, err := fs.Open(name)
	if err != nil {
		return fmt.Errorf("flush directory %s: %w", name, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !cannotSyncDirs(err) {
		return fmt.Errorf("flush directory %s: %w", name, err)
	}
	return nil
}

func cannotSyncDirs(err error) bool {
	return runtime.GOOS == "windows" || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// syncDirs flushes each of the directories once.
func syncDirs(fs afero.Fs, dirs []string) error {
	dirs = sortedSet(dirs)
	return each(len(dirs), func(i int) error { return SyncDir(fs, dirs[i]) })
}

// handle is an open file under the name that it has in the root.
type handle struct {
	name string
	afero.File
}

// flushAndClose flushes the files, unless there is an error already, and closes all of them.
func flushAndClose(files []handle, err error) error {
	if err == nil {
		err = each(len(files), func(i int) error { return files[i].flush() })
	}
	for _, f := range files {
		if cerr := f.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("close %s: %w", f.name, cerr)
		}
	}
	return err
}

func (h handle) flush() error {
	if err := h.Sync(); err != nil {
		return fmt.Errorf("flush %s: %w", h.name, err)
	}
	return nil
}

// each calls f for 0 to n-1 and waits for all: in order if they are few, else from several goroutines.
// After an error it begins no more and returns the first.
func each(n int, f func(i int) error) error {
	var next atomic.Int64
	var fault atomic.Pointer[error]
	work := func() {
		for i := next.Add(1) - 1; i < int64(n) && fault.Load() == nil; i = next.Add(1) - 1 {
			if err := f(int(i)); err != nil {
				fault.CompareAndSwap(nil, &err)
			}
		}
	}
	if n <= sequential {
		work()
	} else {
		var group sync.WaitGroup
		for range workers {
			group.Go(work)
		}
		group.Wait()
	}
	if err := fault.Load(); err != nil {
		return *err
	}
	return nil
}

// parents returns the directories of what has the names, each once, sorted.
func parents[T any](list []T, name func(T) string) []string {
	dirs := make([]string, len(list))
	for i, v := range list {
		dirs[i] = path.Dir(name(v))
	}
	return sortedSet(dirs)
}

func sortedSet(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
