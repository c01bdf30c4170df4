package durable

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/spf13/afero"
)

const (
	filePerm = 0o666 // before the umask
	dirPerm  = 0o777
	maxOpen  = 128 // files that are open at a time, waiting for their flush
	maxTemps = 100 // temporary names tried for one file
)

// WriteFile makes data the content of the named file, and makes the directories above it. When it
// returns nil, both survive a power cut. At any moment, crashes included, the file has its
// old content or the new. It needs no lock: of two at the same time, one wins.
func WriteFile(fs afero.Fs, name string, data []byte) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("write %w", err)
	}
	w := writer{fs: fs}
	if err := w.writeAll([]Content{{name, data}}); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// tempName matches the last element of the temporary names given by tempFor.
var tempName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\..+\.tmp[0-9]{1,2}$`) })

// IsTemp reports whether the last element of name is one that this package gives to a file until it is
// whole. Where no writer is at work, such a file was left by a crash: no part of the data, free to be removed.
func IsTemp(name string) bool { return tempName().MatchString(path.Base(name)) }

func tempFor(name string, n int) string {
	return path.Join(path.Dir(name), fmt.Sprintf(".%s.tmp%d", path.Base(name), n))
}

// checkName refuses a name that is not slash-separated, relative and inside the root.
func checkName(name string) error {
	if name == "." || !iofs.ValidPath(name) || !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%.200q: not a name inside the root", name)
	}
	return nil
}

// writer writes many files, and remembers the directories that it made, parents first.
type writer struct {
	fs   afero.Fs
	made []string
}

// writeAll makes or replaces every file: under a temporary name, flushed, then renamed. At last the directories are flushed.
func (w *writer) writeAll(files []Content) error {
	dirs := parents(files, nameOf)
	if err := w.makeDirs(dirs); err != nil {
		return err
	}
	for chunk := range slices.Chunk(files, maxOpen) {
		if err := w.writeChunk(chunk); err != nil {
			return err
		}
	}
	return syncDirs(w.fs, dirs)
}

// writeChunk makes or replaces files without the flush of their directories. After an error no temporary file is left.
func (w *writer) writeChunk(files []Content) (err error) {
	s, err := w.writeTemps(files)
	defer s.drop(w.fs)
	if err = flushAll(w.fs, s.temps(), nil, err); err != nil {
		return err
	}
	return s.rename(w.fs)
}

// writeBeside replaces an existing file, as writeAll does, and calls between when the new content is on the disk under its temporary name.
func (w *writer) writeBeside(f Content, between func() error) error {
	s, err := w.writeTemps([]Content{f})
	defer s.drop(w.fs)
	if err = flushAll(w.fs, s.temps(), nil, err); err == nil {
		err = between()
	}
	if err == nil {
		err = s.rename(w.fs)
	}
	if err == nil {
		return SyncDir(w.fs, path.Dir(f.Name))
	}
	return fmt.Errorf("write %s: %w", f.Name, err)
}

// createTemp creates a new file beside name. Leftovers of a crash keep their names.
func (w *writer) createTemp(name string) (handle, error) {
	for n := range maxTemps {
		temp := tempFor(name, n)
		f, err := w.fs.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
		if errors.Is(err, iofs.ErrExist) {
			continue
		}
		if err != nil {
			return handle{}, ofFile("create", name, err)
		}
		return handle{temp, f}, nil
	}
	return handle{}, fmt.Errorf("create %s: %d temporary files beside it already, left by crashes: remove them", name, maxTemps)
}

// ofFile is the error of writing a file under a temporary name, which it does not tell: that name is gone when somebody reads it. A directory above it that is at fault is told.
func ofFile(doing, name string, err error) error {
	at, ok := err.(*iofs.PathError)
	switch {
	case ok && !IsTemp(filepath.ToSlash(at.Path)):
		return err
	case ok:
		return &iofs.PathError{Op: doing, Path: filepath.Join(filepath.Dir(at.Path), path.Base(name)), Err: at.Err}
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}
