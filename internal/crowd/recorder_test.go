package crowd

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/afero"
)

// files are those of a mirror at one moment: path to content.
type files map[string]string

// recorder is a file system that keeps what it holds after every operation that changes something.
type recorder struct {
	afero.Fs
	states []files
}

func newRecorder(fsys afero.Fs) *recorder { return &recorder{Fs: fsys, states: []files{{}}} }

// note adds the state after something happened to these files.
func (r *recorder) note(err error, names ...string) error {
	if err != nil {
		return err
	}
	now := maps.Clone(r.states[len(r.states)-1])
	for _, name := range names {
		name = path.Clean(filepath.ToSlash(name))
		info, err := r.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			delete(now, name)
			continue
		}
		if err != nil || info.IsDir() {
			return err
		}
		b, err := afero.ReadFile(r.Fs, name)
		if err != nil {
			return err
		}
		now[name] = string(b)
	}
	r.states = append(r.states, now)
	return nil
}

func (r *recorder) Rename(from, to string) error { return r.note(r.Fs.Rename(from, to), from, to) }
func (r *recorder) Remove(name string) error     { return r.note(r.Fs.Remove(name), name) }
func (r *recorder) Create(name string) (afero.File, error) {
	return r.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (r *recorder) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := r.Fs.OpenFile(name, flag, perm)
	if err == nil && flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		err = r.note(nil, name)
	}
	return &recorded{f, r, name}, err
}

// recorded is a file of a recorder.
type recorded struct {
	afero.File
	r    *recorder
	name string
}

func (f *recorded) Unwrap() afero.File { return f.File }

func (f *recorded) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return n, f.r.note(err, f.name)
}

func (f *recorded) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(b, at)
	return n, f.r.note(err, f.name)
}

func (f *recorded) Truncate(n int64) error { return f.r.note(f.File.Truncate(n), f.name) }

// shown is a file system for reading, in which each file is that of a state of its own.
type shown struct {
	afero.Fs // all that writes fails
	states   []files
	choose   func(name string) int // the state of which a file is
}

func newShown(states []files, choose func(name string) int) *shown {
	return &shown{afero.NewReadOnlyFs(afero.NewMemMapFs()), states, choose}
}

func (s *shown) Open(name string) (afero.File, error) {
	name = path.Clean(filepath.ToSlash(name))
	text, ok := s.states[s.choose(name)][name]
	if !ok {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	one := afero.NewMemMapFs()
	if err := afero.WriteFile(one, name, []byte(text), 0o666); err != nil {
		return nil, err
	}
	return one.Open(name)
}

func (s *shown) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrPermission}
	}
	return s.Open(name)
}

func (s *shown) Stat(name string) (os.FileInfo, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}
