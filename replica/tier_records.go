package replica

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/parts"
)

// Which records parts have, and which of the versions of a record lie in parts, and which loose.

// packedRecords yields the records of a type that a part has, from a UUID on.
func (l *Log) packedRecords(p *parts.Part, typ string, from uuid.UUID) iter.Seq2[changeset.RecordID, error] {
	return func(yield func(changeset.RecordID, error) bool) {
		for id, err := range p.Records(typ, from) {
			if !yield(changeset.RecordID{Type: typ, UUID: id}, l.packError(p, err)) || err != nil {
				return
			}
		}
	}
}

// recordsWith returns the records of a type whose UUID begins so, with two digits at least, sorted.
func (l *Log) recordsWith(typ, prefix string) (recs []changeset.RecordID, err error) {
	for {
		since := l.listing()
		if recs, err = l.recordsWithOnce(typ, prefix); !l.relisted(since) {
			return recs, err
		}
	}
}

func (l *Log) recordsWithOnce(typ, prefix string) (recs []changeset.RecordID, err error) {
	dir := path.Join(changeset.RecordsDir, typ, prefix[:1], prefix[1:2])
	names, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if rec, ok := indexed(typ, path.Join(dir, name)); ok && strings.HasPrefix(name, prefix) { // fsck names strays
			recs = append(recs, rec)
		}
	}
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return recs, err
	}
	from, err := uuid.Parse(prefix + "00000000-0000-0000-0000-000000000000"[len(prefix):])
	if err != nil {
		return recs, nil // no UUID begins so
	}
	for _, p := range packs.parts {
		for rec, err := range l.packedRecords(p, typ, from) {
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(rec.UUID.String(), prefix) {
				break
			}
			recs = append(recs, rec)
		}
	}
	slices.SortFunc(recs, changeset.RecordID.Compare)
	return slices.Compact(recs), nil
}

// segment is a run of the versions of a record: those of a part, or some of the loose ones.
type segment struct {
	packed parts.Touches
	part   *parts.Part
	from   int64 // in the loose index, if they are of no part
	n      int64
}

// split says where the versions of a record are, in their order, if parts have some; nil if all are loose. Loose rows that a part covers are left out.
func (f *versionFile) split(l *Log, rec changeset.RecordID) error {
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return err
	}
	f.whole = packs.loose(l.latest) == 0
	at := int64(0)
	if first, err := f.looseAt(0); f.loose > 0 && (err != nil || first.Seq == 0 || first.Seq > packs.last()) {
		at = -1 // whatever the loose index has comes after the parts
	}
	total := int64(0)
	loose := func(to int64) {
		if to > at {
			f.segments = append(f.segments, segment{from: at, n: to - at})
			total += to - at
		}
	}
	for _, p := range packs.parts {
		touches, err := p.Touches(rec)
		if err != nil {
			return l.packError(p, err)
		}
		if at >= 0 && f.loose > 0 {
			begin, err := f.looseFrom(p.First)
			if err != nil {
				return l.damagedIndex(rec, err)
			}
			end, err := f.looseFrom(p.Last + 1)
			if err != nil {
				return l.damagedIndex(rec, err)
			}
			loose(begin)
			at = end
		}
		if n := int64(touches.Len()); n > 0 {
			f.segments = append(f.segments, segment{packed: touches, part: p, n: n})
			total += n
		}
	}
	at = max(at, 0)
	loose(f.loose)
	f.rows = total
	return nil
}

// looseFrom returns the first row of the loose index that is of a row of the log from seq on.
func (f *versionFile) looseFrom(seq uint32) (int64, error) {
	var failed error
	at := sort.Search(int(f.loose), func(i int) bool {
		v, err := f.looseAt(int64(i))
		failed = errors.Join(failed, err)
		return v.Seq >= seq
	})
	return int64(at), failed
}

// looseSize returns where the loose index of a record ends, in bytes, whose last version is that, in a row of the index that is counted from 0, with parts: what
// lies beyond is not committed, or nothing that the log has.
func (l *Log) looseSize(f *versionFile, rec changeset.RecordID, last changeset.Version, at int64) (size int64, err error) {
	packs, err := l.packs()
	if at < 0 || len(packs.parts) == 0 || err != nil {
		return (at + 1) * changeset.VersionSize, err
	}
	n, err := f.looseFrom(last.Seq + 1)
	if err != nil {
		return 0, l.damagedIndex(rec, err)
	}
	return n * changeset.VersionSize, nil
}

// readSplit is readVersions for a record of which parts may have versions.
func (l *Log) readSplit(rec changeset.RecordID) (index looseIndex, versions []changeset.Version, err error) {
	f, err := l.openVersions(rec)
	if err != nil {
		return index, nil, err
	}
	if f == nil {
		return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, fs.ErrNotExist)
	}
	defer f.Close()
	if f.file != nil {
		info, err := f.file.Stat()
		if err != nil {
			return index, nil, fmt.Errorf("read the versions of %s in %s: %w", rec, l.where, err)
		}
		index.size = info.Size()
	}
	if versions, err = l.committedIn(f, rec); err != nil {
		return index, nil, err
	}
	if end, err := f.looseFrom(l.latest + 1); err == nil {
		index.end = end * changeset.VersionSize
	}
	return index, versions, nil
}

// committedIn returns the committed rows of a record's index that is open.
func (l *Log) committedIn(f *versionFile, rec changeset.RecordID) (versions []changeset.Version, err error) {
	for i := range f.rows {
		v, err := f.at(i)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // somebody cuts off what is not committed
		}
		if err == nil {
			err = ascends(versions, v)
		}
		if err != nil {
			return nil, l.damagedIndex(rec, err)
		}
		if v.Seq > l.latest {
			break
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// Close closes the loose index, if there is one.
func (f *versionFile) Close() {
	if f.file != nil {
		f.file.Close()
	}
}
