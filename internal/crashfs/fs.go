package crashfs

import (
	"errors"
	iofs "io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

var _ afero.Fs = (*FS)(nil)

// clean returns the name as it is recorded: relative to the root, "." for the root itself.
func clean(name string) string {
	if isClean(name) {
		return name
	}
	return path.Clean("./" + strings.TrimPrefix(path.Clean("/"+name), "/"))
}

// isClean tells most names that are clean already: no element of theirs is empty or begins with a point.
func isClean(name string) bool {
	start := true // of an element
	for i := range len(name) {
		if start && (name[i] == '/' || name[i] == '.') {
			return false
		}
		start = name[i] == '/'
	}
	return !start
}

// find returns the node with a clean name.
func (f *FS) find(name string) (*node, error) {
	n := f.root
	if name == "." {
		return n, nil
	}
	for more := true; more; {
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		var part string
		part, name, more = strings.Cut(name, "/")
		if n = n.names[part]; n == nil {
			return nil, iofs.ErrNotExist
		}
	}
	return n, nil
}

// parent returns the directory that a clean name is in.
func (f *FS) parent(name string) (*node, error) {
	dir, err := f.find(path.Dir(name))
	if err == nil && !dir.dir {
		err = syscall.ENOTDIR
	}
	return dir, err
}

// do runs one operation on a name, under the mutex, after the plan had its say.
func (f *FS) do(kind, name string, run func(name string) error) error {
	name = clean(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.begin(Op{Kind: kind, Name: name})
	if err == nil {
		err = run(name)
	}
	return pathError(kind, name, err)
}

func pathError(kind, name string, err error) error {
	if err == nil {
		return nil
	}
	return &iofs.PathError{Op: kind, Path: name, Err: err}
}

// Name implements afero.Fs.
func (f *FS) Name() string { return "crashfs" }

// Create implements afero.Fs.
func (f *FS) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open implements afero.Fs.
func (f *FS) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile implements afero.Fs. It is recorded as "create" when it makes a file, "truncate" when it empties one, else as "open".
func (f *FS) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	name = clean(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(name)
	kind := "open"
	switch {
	case errors.Is(err, iofs.ErrNotExist) && flag&os.O_CREATE != 0:
		kind = "create"
	case err == nil && !n.dir && flag&os.O_TRUNC != 0 && flag&os.O_EXCL == 0 && len(n.data) > 0:
		kind = "truncate"
	}
	if berr := f.begin(Op{kind, name, "", flag&(os.O_WRONLY|os.O_RDWR) != 0}); berr != nil {
		return nil, pathError(kind, name, berr)
	}
	if n, err = f.open(name, n, err, flag); err != nil {
		return nil, pathError(kind, name, err)
	}
	return &file{fs: f, node: n, name: name, flag: flag}, nil
}

func (f *FS) open(name string, n *node, err error, flag int) (*node, error) {
	writes := flag&(os.O_WRONLY|os.O_RDWR) != 0
	switch {
	case err != nil && (flag&os.O_CREATE == 0 || !errors.Is(err, iofs.ErrNotExist)):
		return nil, err
	case err != nil:
		return f.create(name)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, iofs.ErrExist
	case writes && n.dir:
		return nil, syscall.EISDIR
	case writes && flag&os.O_TRUNC != 0:
		n.truncate(0)
	}
	return n, nil
}

func (f *FS) create(name string) (*node, error) {
	dir, err := f.parent(name)
	if err != nil {
		return nil, err
	}
	n := &node{modified: time.Now()}
	dir.changeNames()[path.Base(name)] = n
	return n, nil
}

// Mkdir implements afero.Fs.
func (f *FS) Mkdir(name string, _ os.FileMode) error {
	return f.do("mkdir", name, func(name string) error {
		if _, err := f.find(name); err == nil {
			return iofs.ErrExist
		}
		dir, err := f.parent(name)
		if err == nil {
			dir.changeNames()[path.Base(name)] = newDir()
		}
		return err
	})
}

// MkdirAll implements afero.Fs; it is recorded as one mkdir for each directory that is missing.
func (f *FS) MkdirAll(name string, perm os.FileMode) error {
	name = clean(name)
	info, err := f.Stat(name)
	if err == nil && !info.IsDir() {
		return pathError("mkdir", name, syscall.ENOTDIR)
	}
	if !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	if err := f.MkdirAll(path.Dir(name), perm); err != nil {
		return err
	}
	return f.Mkdir(name, perm)
}

// Remove implements afero.Fs.
func (f *FS) Remove(name string) error {
	return f.do("remove", name, func(name string) error {
		n, err := f.find(name)
		if err != nil {
			return err
		}
		if len(n.names) > 0 || n == f.root {
			return syscall.ENOTEMPTY
		}
		dir, err := f.parent(name)
		if err == nil {
			delete(dir.changeNames(), path.Base(name))
		}
		return err
	})
}

// RemoveAll implements afero.Fs; it is recorded as one remove for each file and directory, what is inside first.
func (f *FS) RemoveAll(name string) error {
	f.mu.Lock()
	n, err := f.find(clean(name))
	var inside []string
	if err == nil {
		inside = n.list()
	}
	f.mu.Unlock()
	for _, each := range inside {
		if err := f.RemoveAll(path.Join(name, each)); err != nil {
			return err
		}
	}
	if err := f.Remove(name); !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	return nil
}

// Rename implements afero.Fs.
func (f *FS) Rename(from, to string) error {
	from, to = clean(from), clean(to)
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.begin(Op{Kind: "rename", Name: from, To: to})
	if err == nil {
		err = f.rename(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func (f *FS) rename(from, to string) error {
	n, err := f.find(from)
	if err != nil {
		return err
	}
	dir, err := f.parent(to)
	if err != nil {
		return err
	}
	old := dir.names[path.Base(to)]
	switch {
	case old == n:
		return nil
	case old != nil && old.dir:
		return iofs.ErrExist
	case old != nil && n.dir:
		return syscall.ENOTDIR
	}
	source, err := f.parent(from)
	if err == nil {
		delete(source.changeNames(), path.Base(from))
		dir.changeNames()[path.Base(to)] = n
	}
	return err
}

// Stat implements afero.Fs.
func (f *FS) Stat(name string) (info os.FileInfo, err error) {
	err = f.do("stat", name, func(name string) error {
		n, err := f.find(name)
		if err == nil {
			info = n.info(name)
		}
		return err
	})
	return info, err
}

// Chmod implements afero.Fs: the mode is not kept.
func (f *FS) Chmod(name string, _ os.FileMode) error { return f.chmod(name) }

// Chown implements afero.Fs: the owner is not kept.
func (f *FS) Chown(name string, _, _ int) error { return f.chmod(name) }

// Chtimes implements afero.Fs: the times are not kept.
func (f *FS) Chtimes(name string, _, _ time.Time) error { return f.chmod(name) }

func (f *FS) chmod(name string) error {
	return f.do("chmod", name, func(name string) error {
		_, err := f.find(name)
		return err
	})
}
