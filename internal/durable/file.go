package durable

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"strings"

	"github.com/spf13/afero"
)

// File is a new file that is written from its beginning to its end, for what is too long to have in memory. Until [File.Keep] it has a temporary name.
type File struct {
	writer
	handle
}

// Create begins a file in the directory of the named one, which need not be what it is called in the end. Who calls it calls Keep or Discard.
func Create(fs afero.Fs, name string) (*File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f := &File{writer: writer{fs: fs}}
	if err := f.makeDirs([]string{path.Dir(name)}); err != nil {
		return nil, err
	}
	temp, err := f.createTemp(name)
	if err != nil {
		return nil, err
	}
	f.handle = temp
	return f, nil
}

// Keep gives the file its name, in the directory in which it was created. When it returns nil, the file survives a power cut.
func (f *File) Keep(name string) error {
	err := flushAll(f.fs, []handle{f.handle}, nil, nil)
	if err == nil {
		err = f.fs.Rename(f.handle.name, name)
	}
	if err != nil {
		_ = f.fs.Remove(f.handle.name) // the error at hand is the one to tell
		return err
	}
	return SyncDir(f.fs, path.Dir(name))
}

// Discard removes the file, which was not kept.
func (f *File) Discard() {
	_ = f.Close()
	_ = f.fs.Remove(f.handle.name) // what stays is a temporary file that nothing names
}

// RemoveLeft removes files that nothing names anymore, and then the directories above them that are empty, and returns how many files there were. Nothing is flushed: a power cut may
// bring back any of them.
func RemoveLeft(fs afero.Fs, names []string) (removed int, err error) {
	for _, name := range names {
		if err := checkName(name); err != nil {
			return removed, fmt.Errorf("remove %w", err)
		}
		switch err := fs.Remove(name); {
		case err == nil:
			removed++
		case !errors.Is(err, iofs.ErrNotExist):
			return removed, fmt.Errorf("remove %s: %w", name, err)
		}
	}
	for _, dir := range parents(names, strings.Clone) {
		for ; dir != "."; dir = path.Dir(dir) {
			if exists, empty, err := lookAt(fs, dir); err != nil || exists && !empty {
				break
			}
			_ = fs.Remove(dir) // an empty directory harms nobody
		}
	}
	return removed, nil
}
