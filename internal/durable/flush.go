package durable

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/spf13/afero"
)

const (
	sequential = 32 // so many flushes are done one after another, where nothing is gained by doing them together
	workers    = 8  // goroutines that share what is done together
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
	return each(len(dirs), false, func(i int) error { return SyncDir(fs, dirs[i]) })
}

// handle is an open file under the name that it has in the root.
type handle struct {
	name string
	afero.File
}

// flushAll flushes files and directories, of which none has to be on the disk before another, unless there is an error already, and closes the files. Where they are on a disk, they
// are flushed at the same time: the system then waits once for what it would wait for as often as there are files.
func flushAll(fs afero.Fs, files []handle, dirs []string, err error) error {
	if err == nil {
		dirs = sortedSet(dirs)
		err = each(len(files)+len(dirs), onDisk(files), func(i int) error {
			if i < len(files) {
				return files[i].flush()
			}
			return SyncDir(fs, dirs[i-len(files)])
		})
	}
	for _, f := range files {
		if cerr := f.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("close %s: %w", f.name, cerr)
		}
	}
	return err
}

// onDisk reports whether the first of the files is the operating system's.
func onDisk(files []handle) bool {
	if len(files) == 0 {
		return false
	}
	f := files[0].File
	if based, ok := f.(*afero.BasePathFile); ok {
		f = based.File
	}
	_, ok := f.(*os.File)
	return ok
}

func (h handle) flush() error {
	if err := h.Sync(); err != nil {
		return fmt.Errorf("flush %s: %w", h.name, err)
	}
	return nil
}

// each calls f for 0 to n-1 and waits for all: together from several goroutines, or where they are many; else in order.
// After an error it begins no more and returns the first.
func each(n int, together bool, f func(i int) error) error {
	var next atomic.Int64
	var fault atomic.Pointer[error]
	work := func() {
		for i := next.Add(1) - 1; i < int64(n) && fault.Load() == nil; i = next.Add(1) - 1 {
			if err := f(int(i)); err != nil {
				fault.CompareAndSwap(nil, &err)
			}
		}
	}
	var group sync.WaitGroup
	if together || n > sequential {
		for range min(n, workers) - 1 {
			group.Go(work)
		}
	}
	work()
	group.Wait()
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
