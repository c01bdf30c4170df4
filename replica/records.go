package replica

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"syscall"

	"github.com/google/uuid"

	"prophet/changeset"
)

// Types returns the types of which there are record indexes, loose or packed, sorted. Deleted records count.
func (l *Log) Types() (types []string, err error) {
	for {
		since := l.listing()
		if types, err = l.typesOnce(); !l.relisted(since) {
			return types, err
		}
	}
}

func (l *Log) typesOnce() ([]string, error) {
	types, err := l.looseTypes()
	if err != nil {
		return nil, err
	}
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return types, err
	}
	for _, p := range packs.parts {
		more, err := p.Types()
		if err != nil {
			return nil, l.packError(p, err)
		}
		types = append(types, more...)
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// looseTypes returns the types of which there are loose record indexes.
func (l *Log) looseTypes() ([]string, error) {
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
		if isNotExist(err) {
			continue // it was empty, or is now, and went
		}
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", join(l.where, l.prefix+path.Join(changeset.RecordsDir, name)), err)
		}
		if info.IsDir() {
			types = append(types, name)
		}
	}
	return types, nil
}

// list returns the names in a directory, sorted, and none if there is no such directory, as one that gc removes while it is read, or a file in its place, which fsck names.
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
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", join(l.where, l.prefix+dir), err)
	}
	slices.Sort(names)
	return names, nil
}

// Records yields the IDs of all records of the type that have an index, loose or packed, deleted ones too, sorted by UUID.
func (l *Log) Records(typ string) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		var last changeset.RecordID
		for again := true; again; {
			again = false
			since := l.listing()
			for rec, err := range l.recordsOnce(typ, since) {
				if again = err != nil && l.relisted(since); again {
					break // goes on where it was
				}
				if err == nil && last != (changeset.RecordID{}) && rec.Compare(last) <= 0 {
					continue
				}
				if !yield(rec, err) || err != nil {
					return
				}
				last = rec
			}
		}
	}
}

// errRelisted says that the list of parts is another now: records that were to be listed as loose ones may be packed.
var errRelisted = errors.New("the list of parts is another now")

func (l *Log) recordsOnce(typ string, since int) iter.Seq2[changeset.RecordID, error] {
	packs, err := l.packs()
	if err != nil {
		return func(yield func(changeset.RecordID, error) bool) { yield(changeset.RecordID{}, err) }
	}
	if len(packs.parts) == 0 {
		return l.looseRecords(typ, since)
	}
	lists := []iter.Seq2[changeset.RecordID, error]{l.looseRecords(typ, since)}
	for _, p := range packs.parts {
		lists = append(lists, l.packedRecords(p, typ, uuid.UUID{}))
	}
	return union(lists)
}

// union yields what sorted lists have, sorted, each record once, up to the first error.
func union(lists []iter.Seq2[changeset.RecordID, error]) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		heads := make([]head, 0, len(lists))
		for _, list := range lists {
			next, stop := iter.Pull2(list)
			defer stop()
			if h := (head{next: next}); h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			least := 0
			for i := range heads {
				if heads[i].err != nil || heads[i].rec.Compare(heads[least].rec) < 0 {
					least = i
				}
				if heads[i].err != nil {
					break
				}
			}
			rec, err := heads[least].rec, heads[least].err
			if !yield(rec, err) || err != nil {
				return
			}
			left := heads[:0]
			for _, h := range heads {
				if h.rec != rec || h.err != nil || h.advance() {
					left = append(left, h)
				}
			}
			heads = left
		}
	}
}

// head is a list of records, and the first that is not yielded yet.
type head struct {
	next func() (changeset.RecordID, error, bool)
	rec  changeset.RecordID
	err  error
}

// advance goes to the next record, and reports whether there is one, or an error.
func (h *head) advance() (ok bool) {
	h.rec, h.err, ok = h.next()
	return ok
}

// looseRecords yields those that have a loose index, and errRelisted where the list of parts is another than the listing that was known.
func (l *Log) looseRecords(typ string, since int) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		l.walk(path.Join(changeset.RecordsDir, typ), 2, since, func(file string) bool {
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
func (l *Log) walk(dir string, depth, since int, visit func(file string) bool, fail func(error)) bool {
	names, err := l.list(dir)
	if err == nil && l.relisted(since) {
		err = errRelisted
	}
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
		case len(name) == 1 && !l.walk(file, depth-1, since, visit, fail):
			return false
		}
	}
	return true
}
