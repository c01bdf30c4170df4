package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/afero"
)

// Within returns the file system whose root is a directory, which somebody else may have filled: of one of the operating system, it reads regular files and
// directories alone, so that a named pipe or a device makes nobody wait or read for ever, and it writes through no symbolic link below the directory. That itself may be
// one, and reading follows them.
func Within(fsys afero.Fs, dir string) afero.Fs {
	if _, real := fsys.(*afero.OsFs); real {
		fsys = &within{Fs: fsys, root: filepath.Clean(dir), plain: map[string]bool{}}
	}
	return afero.NewBasePathFs(fsys, dir)
}

// within takes whole paths.
type within struct {
	afero.Fs
	root string

	mu    sync.Mutex
	plain map[string]bool // directories that are no links
}

// writing are the flags of a file that is opened to be changed.
const writing = os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_TRUNC | os.O_APPEND

func (w *within) Open(name string) (afero.File, error) { return w.OpenFile(name, os.O_RDONLY, 0) }

func (w *within) Create(name string) (afero.File, error) {
	return w.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (w *within) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag&writing != 0 {
		if err := w.noLink("open", name); err != nil {
			return nil, err
		}
	}
	f, err := w.Fs.OpenFile(name, flag|doNotWait, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w, but %s", ErrNoFile, Kind(info.Mode()))}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// LstatIfPossible lets a walk go through no link but the root.
func (w *within) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	if filepath.Clean(name) == w.root {
		info, err := w.Stat(name)
		return info, false, err
	}
	info, err := os.Lstat(name)
	return info, true, err
}

func (w *within) Mkdir(name string, perm os.FileMode) error {
	return unless(w.noLink("mkdir", name), func() error { return w.Fs.Mkdir(name, perm) })
}

func (w *within) MkdirAll(name string, perm os.FileMode) error {
	return unless(w.noLink("mkdir", name), func() error { return w.Fs.MkdirAll(name, perm) })
}

func (w *within) Remove(name string) error {
	return unless(w.noLink("remove", filepath.Dir(name)), func() error { return w.Fs.Remove(name) })
}

func (w *within) RemoveAll(name string) error {
	return unless(w.noLink("remove", filepath.Dir(name)), func() error { return w.Fs.RemoveAll(name) })
}

// Rename replaces a link by the file, and goes through none.
func (w *within) Rename(from, to string) error {
	return unless(errors.Join(w.noLink("rename", filepath.Dir(from)), w.noLink("rename", filepath.Dir(to))), func() error { return w.Fs.Rename(from, to) })
}

// unless returns err, or what f returns where there is none.
func unless(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// ErrLink is wrapped by the error of writing through a symbolic link below the root.
var ErrLink = errors.New("it is a symbolic link, through which nothing is written")

// ErrNoFile is wrapped by the error of opening what is neither a regular file nor a directory.
var ErrNoFile = errors.New("it is no regular file")

// noLink returns an error if a file or a directory above it, below the root, is a symbolic link.
func (w *within) noLink(op, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name = filepath.Clean(name); len(name) > len(w.root) && !w.plain[name]; name = filepath.Dir(name) {
		info, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			return &fs.PathError{Op: op, Path: name, Err: ErrLink}
		case info.IsDir():
			w.plain[name] = true
		}
	}
	return nil
}

// Kind says what a file is that is no regular one.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "something else"
}
