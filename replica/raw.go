package replica

import (
	"fmt"
	"strings"

	"prophet/changeset"
)

// RawChangeset returns the changeset of a row, and its bytes as they are stored. Its hash and its ID are checked. Of a lost one there are no bytes.
func (l *Log) RawChangeset(row changeset.Row) (raw []byte, c *changeset.Changeset, err error) {
	return l.rawChangeset(row, true)
}

// rawChangeset is RawChangeset. The bytes are kept if that is wanted: they may be many.
func (l *Log) rawChangeset(row changeset.Row, keep bool) (raw []byte, c *changeset.Changeset, err error) {
	var decoded error
	err = l.useChangeset(row, func(b []byte) error {
		if c, decoded = changeset.Decode(b); keep {
			raw = b
		}
		return nil
	})
	if err != nil {
		return nil, nil, l.faulty(fmt.Errorf("read changeset %s from %s: %w", row.ID, l.where, err))
	}
	err = decoded
	if err == nil && c.ID != row.ID {
		err = fmt.Errorf("it holds changeset %s, row %d of %s names it %s", c.ID, row.Seq, l.prefix+l.index, row.ID)
	} else if err != nil {
		err = fmt.Errorf("changeset %s: %w", row.ID, err)
	}
	if err != nil {
		return nil, nil, l.faulty(&DamageError{Where: l.where, Path: l.objects.Path(row.Key), Err: err})
	}
	return raw, c, nil
}

// Present returns the newest row of a record's index. ok is false if there is none, as for a record that never was and,
// in an exported copy, for one that is deleted.
func (l *Log) Present(rec changeset.RecordID) (v changeset.Version, ok bool, err error) {
	v, ok, err = l.last(rec)
	if isNotExist(err) { // of a web server one learns that only by reading
		return v, false, nil
	}
	return v, ok, err
}

// Confirmed is Present, but passes over versions whose row of the log does not touch the record: they are left from rows that the log lost. ok is false if
// there is no other.
func (l *Log) Confirmed(rec changeset.RecordID) (v changeset.Version, ok bool, err error) {
	v, at, err := l.confirmed(rec)
	return v, at >= 0, err
}

// DamagedIndex is the error of a record whose index is missing or has no row, though a row of the log touches the record: a [DamageError].
func (l *Log) DamagedIndex(rec changeset.RecordID, row uint32) error {
	file := changeset.RecordPath(rec)
	if _, err := l.fs.Stat(file); err == nil {
		return l.damaged(file, fmt.Errorf("it has no row, though row %d of the log touches the record", row))
	}
	return l.damaged(file, fmt.Errorf("the file is missing, though row %d of the log touches the record", row))
}

// Damaged is the [DamageError] of a file of the log that holds what it must not. The file is named within the log's directory.
func (l *Log) Damaged(name string, err error) error { return l.damaged(name, err) }

// LooksExported reports whether the replica is an exported or published copy, whose record indexes have no numbers of rows, and which has no index of a deleted record.
func (r *Replica) LooksExported() (bool, error) { return r.looksExported() }

// RawRecord returns the bytes of a version of a record, which must not be a deletion, as they are stored. Their hash is checked.
func (l *Log) RawRecord(rec changeset.RecordID, v changeset.Version) ([]byte, error) {
	b, err := l.textAt(rec, v)
	if err != nil {
		return nil, l.faulty(fmt.Errorf("read record %s of %s: %w", rec, l.where, err))
	}
	return b, nil
}

// join puts the name of a file of the replica after where that is: a path, or a URL, whose slashes must stay.
func join(where, name string) string {
	if where == "" {
		return name
	}
	return strings.TrimSuffix(where, "/") + "/" + name
}
