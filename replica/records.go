package replica

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"syscall"

	"prophet/changeset"
)

// Types returns the types of which there are record indexes, sorted. Deleted records count.
func (l *Log) Types() ([]string, error) {
	names, err := l.list(changeset.RecordsDir)
	if err != nil {
		return nil, err
	}
	var types []string
	for _, name := range names {
		if changeset.CheckType(name) != nil {
			continue // fsck names it
		}
		info, err := l.fs.Stat(path.Join(changeset.RecordsDir, name))
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", join(l.where, l.prefix+path.Join(changeset.RecordsDir, name)), err)
		}
		if info.IsDir() {
			types = append(types, name)
		}
	}
	return types, nil
}

// list returns the names in a directory, sorted, and none if there is no such directory or a file in its place, which fsck names.
func (l *Log) list(dir string) ([]string, error) {
	f, err := l.fs.Open(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", join(l.where, l.prefix+dir), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", join(l.where, l.prefix+dir), err)
	}
	if !info.IsDir() {
		return nil, nil
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", join(l.where, l.prefix+dir), err)
	}
	slices.Sort(names)
	return names, nil
}

// Records yields the IDs of all records of the type that have an index, deleted ones too, sorted by UUID.
func (l *Log) Records(typ string) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		l.walk(path.Join(changeset.RecordsDir, typ), 2, func(file string) bool {
			rec, ok := indexed(typ, file)
			return !ok || yield(rec, nil) // fsck names others
		}, func(err error) { yield(changeset.RecordID{}, err) })
	}
}

// indexed returns the record of the type whose index is the file with that path; ok is false for a path that is no record's.
func indexed(typ, file string) (rec changeset.RecordID, ok bool) {
	u, err := changeset.ParseUUID(path.Base(file))
	rec = changeset.RecordID{Type: typ, UUID: u}
	return rec, err == nil && changeset.RecordPath(rec) == file
}

// walk visits the files that lie depth directories of one letter below dir, in order, until visit returns false.
func (l *Log) walk(dir string, depth int, visit func(file string) bool, fail func(error)) bool {
	names, err := l.list(dir)
	if err != nil {
		fail(err)
		return false
	}
	for _, name := range names {
		switch file := path.Join(dir, name); {
		case depth == 0:
			if !visit(file) {
				return false
			}
		case len(name) == 1 && !l.walk(file, depth-1, visit, fail):
			return false
		}
	}
	return true
}
