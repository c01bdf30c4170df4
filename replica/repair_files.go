package replica

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/internal/durable"
)

// SetAsideDir has what repairs replaced or took away: each file under its own path, and later ones of that path with ".2", ".3" and so on after it, or after a directory where a file of that name was set aside; what was no file, as it was, with ".misplaced" after its path. The same bytes are kept once a path.
const SetAsideDir = "prophet/set-aside"

// maxAside bounds how many contents of one path are kept.
const maxAside = 10000

// setAside keeps a copy of a file that is about to be replaced or taken away. It may have any length.
func (p *repair) setAside(file string) error {
	if err := p.disturbed(); err != nil {
		return err
	}
	dir, err := p.asideDir(file)
	if err != nil {
		return fmt.Errorf("set %s aside: %w", file, err)
	}
	there := false
	name, err := p.freeName(path.Join(dir, path.Base(file)), func(info os.FileInfo) (is bool, err error) {
		if !info.IsDir() {
			is, err = durable.SameContent(p.fs, file, path.Join(dir, info.Name()))
		}
		there = is
		return is, err
	})
	if err == nil && !there {
		return durable.CopyFile(p.fs, file, name)
	}
	if err != nil {
		return fmt.Errorf("set %s aside: %w", file, err)
	}
	return nil
}

// asideDir returns the directory in which a file is kept that is set aside.
func (p *repair) asideDir(file string) (dir string, err error) {
	dir = SetAsideDir
	for part := range strings.SplitSeq(path.Dir(file), "/") {
		if dir, err = p.freeName(path.Join(dir, part), func(info os.FileInfo) (bool, error) { return info.IsDir(), nil }); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// moveAside sets aside what is no file, by one rename: nothing of it is read, or lost. Its own path there stays free for a file that is set aside.
func (p *repair) moveAside(name string) error {
	dir, err := p.asideDir(name)
	if err != nil {
		return err
	}
	to, err := p.freeName(path.Join(dir, path.Base(name)+".misplaced"), func(os.FileInfo) (bool, error) { return false, nil })
	if err != nil {
		return err
	}
	return durable.Move(p.fs, name, to)
}

// freeName returns the first of a path and those with ".2", ".3" and so on after it where nothing is, or what serves.
func (p *repair) freeName(name string, serves func(os.FileInfo) (bool, error)) (string, error) {
	for n, at := 2, name; n <= maxAside; n++ {
		info, err := lstat(p.fs, at)
		if isNotExist(err) {
			return at, nil
		}
		is := false
		if err == nil {
			is, err = serves(info)
		}
		if is || err != nil {
			return at, err
		}
		at = fmt.Sprintf("%s.%d", name, n)
	}
	return "", fmt.Errorf("there are %d of it already", maxAside-1)
}

// read returns what a file holds that tells what it must hold, nil if there is none. Bytes that cannot be read, as from a bad block, are an error, and so is a file
// that is too large to be what it should be, and may be a hole.
func (p *repair) read(file string) ([]byte, error) {
	b, err := readWhole(p.fs, file)
	p.unread(err)
	if isNotExist(err) {
		return nil, nil
	}
	if isDamage(err) {
		return nil, &DamageError{Path: file, Err: fmt.Errorf("%w, and may be nothing but a hole: move it to somewhere else, and run this again", reason(err))}
	}
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

// replace gives a file the content that it must have, unless it has it, and reports whether it did.
func (p *repair) replace(file string, want []byte) (bool, error) {
	if same, err := p.outOfTheWay(file, want); same || err != nil {
		return false, err
	}
	return true, durable.WriteFile(p.fs, file, want)
}

// outOfTheWay sets a file aside that has not the content that it must have. It reports whether it has it.
func (p *repair) outOfTheWay(file string, want []byte) (same bool, err error) {
	if err := p.disturbed(); err != nil {
		return false, err
	}
	is, err := holds(p.fs, file, want)
	switch {
	case isNotExist(err):
		return false, nil
	case is || err != nil:
		return is, err
	}
	return false, p.setAside(file)
}

// holds reports whether a file has some content. A file of another length is not read. The error wraps fs.ErrNotExist where there is none.
func holds(fsys afero.Fs, file string, want []byte) (bool, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != int64(len(want)) {
		return false, err
	}
	b, err := afero.ReadAll(f)
	return err == nil && bytes.Equal(b, want), err
}

// takeAway removes a file that nothing needs.
func (p *repair) takeAway(file string) error {
	if there, err := exists(p.fs, file); !there || err != nil {
		return err
	}
	if err := p.setAside(file); err != nil {
		return err
	}
	return durable.Remove(p.fs, file)
}

// object makes sure that an object is there with its bytes, and reports whether it was not.
func (p *repair) object(store *cas.Store, data []byte) (bool, error) {
	return p.replace(store.Path(cas.Sum(data)), data)
}
