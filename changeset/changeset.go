// Package changeset holds the words of prophet as Go types, and their canonical JSON.
//
// A changeset is one atomic edit: one or more changes, each to one record. It is
// identified everywhere by its [ID], the replica it was made in and its sequence
// number there. A change creates, updates or deletes a record and lists the
// properties it writes, each with the value before and the value after.
//
// The bytes are those of replica format 1: see [Changeset.Encode] and [Decode].
// What prophet adds rides in keys that format 1 ignores: "parents" and "copy_of" in a change.
package changeset

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// ID identifies a changeset: its origin, which is the UUID of the replica that made it, and the
// sequence number it bears there, 1 to 2³²−1. It prints as "<origin>:<seq>".
type ID struct {
	Origin uuid.UUID
	Seq    uint32
}

func (id ID) String() string {
	return id.Origin.String() + ":" + strconv.FormatUint(uint64(id.Seq), 10)
}

// Short returns the name by which people call a changeset: the first eight characters of its origin, and its number there, as "10b1e589:7".
func (id ID) Short() string {
	return id.Origin.String()[:8] + ":" + strconv.FormatUint(uint64(id.Seq), 10)
}

// IsZero reports whether id is the zero ID, which no changeset bears.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders IDs by the bytes of the origin, then by sequence number.
func (id ID) Compare(other ID) int {
	if c := bytes.Compare(id.Origin[:], other.Origin[:]); c != 0 {
		return c
	}
	return cmp.Compare(id.Seq, other.Seq)
}

// ParseID reads what [ID.String] writes. The origin may be in upper case.
func ParseID(s string) (ID, error) {
	origin, digits, ok := strings.Cut(s, ":")
	if !ok {
		return ID{}, fmt.Errorf("changeset ID %.100q: want <origin uuid>:<sequence number>", s)
	}
	u, err := ParseUUID(origin)
	if err != nil {
		return ID{}, fmt.Errorf("changeset ID %.100q: %w", s, err)
	}
	n, err := ParseSeq(digits)
	if err != nil {
		return ID{}, fmt.Errorf("changeset ID %.100q: %w", s, err)
	}
	return ID{u, n}, nil
}

// ParseSeq reads a sequence number: decimal digits without sign or leading zero, 1 to 2³²−1.
func ParseSeq(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || s[0] == '0' {
		return 0, fmt.Errorf("sequence number %.50q is not a number from 1 to 4294967295", s)
	}
	return uint32(n), nil
}

// ParseUUID reads a UUID in its usual form of 36 characters, in lower or upper case, and no other form.
func ParseUUID(s string) (uuid.UUID, error) {
	u, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.UUID{}, fmt.Errorf("%.50q is not a UUID", s)
	}
	return u, nil
}

func parseUUID(b []byte) (uuid.UUID, error) {
	u, err := uuid.ParseBytes(b)
	if err != nil || len(b) != 36 {
		return uuid.UUID{}, fmt.Errorf("%.50q is not a UUID", b)
	}
	return u, nil
}

// SettingsType is the type of the records that are the database's own settings.
const SettingsType = "__prophet_db_settings"

// RecordID identifies a record: its type and its UUID.
type RecordID struct {
	Type string
	UUID uuid.UUID
}

func (r RecordID) String() string { return r.Type + " " + r.UUID.String() }

// Compare orders record IDs by the bytes of the UUID, then by type.
func (r RecordID) Compare(other RecordID) int {
	if c := bytes.Compare(r.UUID[:], other.UUID[:]); c != 0 {
		return c
	}
	return strings.Compare(r.Type, other.Type)
}

// Kind is what a change does to its record.
type Kind uint8

const (
	Create Kind = iota + 1 // "add_file" in JSON
	Update                 // "update_file"
	Delete                 // "delete"
)

// String returns create, update or delete.
func (k Kind) String() string {
	switch k {
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Value is a property's value in a change: text, or null, which is the zero Value.
// Null, the empty text and an absent property are one value to the merge; the bytes keep them apart.
type Value struct {
	Text string
	Set  bool // false: null, and Text is empty
}

// Text returns the Value that holds s.
func Text(s string) Value { return Value{s, true} }

// TextOrNull returns null for the empty text, else the Value that holds s.
func TextOrNull(s string) Value { return Value{s, s != ""} }

// Pointer returns the text for JSON, nil for null.
func (v Value) Pointer() *string {
	if !v.Set {
		return nil
	}
	return &v.Text
}

// PropChange is a write to one property: its value before and after.
type PropChange struct{ Old, New Value }

// Change is what a changeset does to one record.
type Change struct {
	Record RecordID
	Kind   Kind
	Props  map[string]PropChange
	// Parents are the record's heads that the maker of the change had, sorted by ID.Compare.
	// Nil means that they are not known, as in whatever the original wrote;
	// empty and not nil means that the maker knew no change to this record.
	Parents []ID
	// CopyOf is the changeset whose change to the record this one copies, because others cannot get that. Zero: it is no copy.
	CopyOf ID
}

// TimeFormat is how a changeset says when it was made, in UTC: so times that are compared as bytes are in their order.
const TimeFormat = "2006-01-02 15:04:05"

// Changeset is one atomic edit.
type Changeset struct {
	ID      ID
	Created string // UTC, in [TimeFormat]; compared as bytes
	Creator Value  // usually an e-mail address; null in nullifications
	// Nullification and Resolution mark bookkeeping: rows of one replica's log, never integrated by another.
	Nullification, Resolution bool
	Changes                   []Change // sorted by Record.Compare, no UUID twice

	// Lost says that the bytes of the changeset are lost, and this is what is left of it. Nobody may take it for the changeset; it is not encoded.
	Lost bool
}

// Bookkeeping reports whether c is one replica's own bookkeeping, a nullification or a resolution.
func (c *Changeset) Bookkeeping() bool { return c.Nullification || c.Resolution }

// Change returns the change that c makes to the record, or nil.
func (c *Changeset) Change(rec RecordID) *Change {
	i, ok := slices.BinarySearchFunc(c.Changes, rec, func(ch Change, rec RecordID) int { return ch.Record.Compare(rec) })
	if !ok {
		return nil
	}
	return &c.Changes[i]
}
