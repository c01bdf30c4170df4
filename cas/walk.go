package cas

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/internal/durable"
)

// Walk calls f for every object, in the order of their keys, with its path; it does not open them. A file or directory that is no
// object's is a stray: f gets it with the zero Key, and what is in a stray directory is not visited.
// Temporary files that a crash left behind are passed over. Walk stops at the first error of f and returns it as it is.
func (s *Store) Walk(f func(key Key, path string) error) error {
	return s.walk("", f)
}

// walk visits the directory of the keys that begin with the digits.
func (s *Store) walk(digits string, f func(key Key, path string) error) error {
	dir := path.Join(s.dir, strings.Join(strings.Split(digits, ""), "/"))
	entries, err := readDir(s.fs, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if durable.IsTemp(e.Name()) {
			continue
		}
		if err := s.visit(digits, dir, e, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) visit(digits, dir string, e os.FileInfo, f func(key Key, path string) error) error {
	if len(digits) < 2 && e.IsDir() && len(e.Name()) == 1 && strings.Contains("0123456789abcdef", e.Name()) {
		return s.walk(digits+e.Name(), f)
	}
	name := path.Join(dir, e.Name())
	key, err := ParseKey(e.Name())
	if err != nil || e.IsDir() || s.Path(key) != name {
		key = Key{}
	}
	return f(key, name)
}

// readDir returns the entries by name; a directory that is missing, or removed while it is read, has none.
func readDir(fs afero.Fs, dir string) ([]os.FileInfo, error) {
	d, err := fs.Open(dir)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list objects in %s: %w", dir, err)
	}
	defer d.Close()
	entries, err := d.Readdir(-1)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list objects in %s: %w", dir, err)
	}
	slices.SortFunc(entries, func(a, b os.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
