package changeset

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes in bytes of a row of changesets.idx and of a row of a record's index.
const (
	RowSize     = 44
	VersionSize = 24
)

// Row is a row of changesets.idx: which changeset has a sequence number in this replica, and its object.
// Row n, counted from 1, bears the sequence number n.
type Row struct {
	Seq uint32   // in this replica
	ID  ID       // the changeset
	Key [20]byte // SHA-1 of the changeset's file
}

// AppendRow appends the [RowSize] bytes of r to dst: Seq, the raw bytes of the origin,
// the sequence number there, Key. Integers are big-endian.
func AppendRow(dst []byte, r Row) []byte {
	dst = binary.BigEndian.AppendUint32(dst, r.Seq)
	dst = append(dst, r.ID.Origin[:]...)
	dst = binary.BigEndian.AppendUint32(dst, r.ID.Seq)
	return append(dst, r.Key[:]...)
}

// ParseRow reads what [AppendRow] writes: exactly one row, with sequence numbers from 1.
// Whether Seq is that of the row's place is for the caller to see.
func ParseRow(b []byte) (Row, error) {
	if len(b) != RowSize {
		return Row{}, fmt.Errorf("row of an index of changesets: %d bytes, want %d", len(b), RowSize)
	}
	r := Row{Seq: binary.BigEndian.Uint32(b)}
	copy(r.ID.Origin[:], b[4:])
	r.ID.Seq = binary.BigEndian.Uint32(b[20:])
	copy(r.Key[:], b[24:])
	if r.Seq == 0 || r.ID.Seq == 0 {
		return Row{}, errors.New("row of an index of changesets: sequence number 0")
	}
	return r, nil
}

// ParseRows reads rows that follow one another in an index, the first of which has that number there. The error names the row that is none, or bears
// another number.
func ParseRows(b []byte, first uint32) ([]Row, error) {
	rows := make([]Row, 0, len(b)/RowSize)
	for seq := first; len(b) > 0; seq++ {
		n := min(RowSize, len(b))
		r, err := ParseRow(b[:n])
		if err == nil && r.Seq != seq {
			err = fmt.Errorf("it bears the number %d", r.Seq)
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", seq, err)
		}
		rows, b = append(rows, r), b[n:]
	}
	return rows, nil
}

// Version is a row of a record's index: one version of the record's properties.
type Version struct {
	Seq uint32   // of the changeset in this replica that made it; 0 in an exported replica
	Key [20]byte // SHA-1 of the record's file; zero if the record is deleted
}

// Deleted reports whether the version says that the record does not exist.
func (v Version) Deleted() bool { return v.Key == [20]byte{} }

// AppendVersion appends the [VersionSize] bytes of v to dst: Seq, big-endian, and Key.
func AppendVersion(dst []byte, v Version) []byte {
	dst = binary.BigEndian.AppendUint32(dst, v.Seq)
	return append(dst, v.Key[:]...)
}

// ParseVersion reads what [AppendVersion] writes: exactly one row. Zeros alone are an error: a file that lost its content in a power cut may hold nothing
// else, and no replica has such a row, because an exported one has none for a deleted record.
func ParseVersion(b []byte) (Version, error) {
	if len(b) != VersionSize {
		return Version{}, fmt.Errorf("row of a record's index: %d bytes, want %d", len(b), VersionSize)
	}
	v := Version{Seq: binary.BigEndian.Uint32(b)}
	copy(v.Key[:], b[4:])
	if v == (Version{}) {
		return v, errors.New("it holds nothing but zeros, which no version is")
	}
	return v, nil
}
