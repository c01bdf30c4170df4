package httpfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

var _ afero.Fs = (*FS)(nil)

// Open returns a file that is fetched when it is read. It fails only for a name that cannot be one.
func (s *FS) Open(name string) (afero.File, error) {
	full, err := s.resolve("open", name)
	if err != nil {
		return nil, err
	}
	return &file{c: s.c, asOpened: name, name: full, total: -1}, nil
}

// OpenFile is Open, and fails for a flag that would write.
func (s *FS) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return nil, s.refuse("open", name)
	}
	return s.Open(name)
}

// Stat asks for size and time of a file with HEAD. Where that does not tell the size, it fetches the file.
func (s *FS) Stat(name string) (os.FileInfo, error) {
	full, err := s.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	size, mod, ok, err := s.c.size(full)
	if err != nil {
		return nil, err
	}
	if !ok {
		body, mod, done, err := s.c.whole(full)
		if err != nil {
			return nil, err
		}
		defer done()
		return info{path.Base(full), int64(len(body)), mod}, nil
	}
	return info{path.Base(full), size, mod}, nil
}

// ReadPart reads so many bytes of a file from an offset on, with one request that is not tried again. It returns how many there are, fewer only at the end of the file. A server that would send
// all of the file is not read: the error wraps [ErrNoParts].
func (s *FS) ReadPart(name string, p []byte, off int64) (int, error) {
	full, err := s.resolve("read", name)
	if err != nil {
		return 0, err
	}
	return s.c.onlyPart(full, p, off)
}

// resolve returns the path below the base URL that a name means. A leading slash means the root of s.
func (s *FS) resolve(op, name string) (string, error) {
	full := s.dir + "/" + name
	if slices.Contains(strings.Split(full, "/"), "..") {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	clean := path.Clean(full)[1:]
	if clean == "" || path.Clean("/"+name) == "/" {
		return "", &fs.PathError{Op: op, Path: s.Name(), Err: errNoDir}
	}
	return clean, nil
}

var errNoDir = errors.New("a web server has files only, and this is a directory")

// refuse is the error of whatever would write.
func (s *FS) refuse(op, name string) error {
	if full, err := s.resolve(op, name); err == nil {
		name = join(s.c.place.origin, full).String()
	}
	return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
}

// The methods below are there because [afero.Fs] has them. All of them fail with [syscall.EROFS].

func (s *FS) Create(name string) (afero.File, error)    { return nil, s.refuse("create", name) }
func (s *FS) Mkdir(name string, _ os.FileMode) error    { return s.refuse("mkdir", name) }
func (s *FS) MkdirAll(name string, _ os.FileMode) error { return s.refuse("mkdir", name) }
func (s *FS) Remove(name string) error                  { return s.refuse("remove", name) }
func (s *FS) RemoveAll(name string) error               { return s.refuse("remove", name) }
func (s *FS) Rename(name, _ string) error               { return s.refuse("rename", name) }
func (s *FS) Chmod(name string, _ os.FileMode) error    { return s.refuse("chmod", name) }
func (s *FS) Chown(name string, _, _ int) error         { return s.refuse("chown", name) }
func (s *FS) Chtimes(name string, _, _ time.Time) error { return s.refuse("chtimes", name) }
