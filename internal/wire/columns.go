package wire

import (
	"encoding/binary"
	"strconv"

	"github.com/google/uuid"

	"prophet/changeset"
)

// The columns of a frame. After them come those of values, one for each name of a property, in the order in which a value first comes up under it.
const (
	colRows    = iota // a byte a row: what it is, and its flags
	colIDs            // of a changeset: its origin, and how far its number is from the one after the last of that origin, signed
	colUUIDs          // 16 bytes each: origins and records that come up for the first time
	colDates          // 0 and a text; else 1, and how many seconds after the last date, signed
	colMakers         // the creator: a text
	colRecords        // how many changes; of each the record: 0 and its type, a text, if it comes up for the first time, else 1 + which it is
	colKinds          // a byte a change: what it does, and how its parents are given
	colParents        // those that are: how many, and of each the origin, and how far its number is below that of the changeset, signed
	colNames          // of a change which list of names it writes; of a new list also how many, and their texts
	colModes          // a byte a property change: how its old value is given, and the new one
	colTexts          // texts that come up for the first time: the length, and the bytes
	colOdd            // what is not in columns: bytes of changesets with their length before them, rows of lost ones without their number
	columns
)

// What a row is, in the low two bits of its byte.
const (
	rowPlain          = iota // in columns
	rowVerbatim              // its bytes
	rowLost                  // its ID and its SHA-1
	rowMask           = 3
	flagNullification = 4
	flagResolution    = 8
)

// How the parents of a change are given, in its byte, above the two bits of what it does.
const (
	parentsUnknown = iota << 2
	parentsDerived // the last changeset of the frame that touches the record; none if there is none
	parentsGiven
	kindMask = 3
)

// How an old value is given, in the byte of the property change, above the bit that says whether the new one is a text.
const (
	oldDerived = iota << 1 // what the frame wrote there last; null if it did not
	oldNull
	oldGiven
	newGiven = 1
)

// book is what encoder and decoder of a frame know alike, from the rows that went by.
type book struct {
	texts   []string
	origins []origin
	records []*touched
	lists   [][]int     // of names, each the number of a text
	columns map[int]int // of values: which one a name has
	date    int64       // the last one, in seconds
}

// origin is that of a changeset, with the number that its next one is likely to have.
type origin struct {
	uuid uuid.UUID
	next uint32
}

// touched is a record that the frame touches.
type touched struct {
	rec    changeset.RecordID
	last   changeset.ID // that touched it
	values map[int]changeset.Value
}

func (t *touched) set(name int, v changeset.Value) {
	if t.values == nil {
		t.values = map[int]changeset.Value{}
	}
	t.values[name] = v
}

// appendID appends an ID as parents are written in JSON, without quotes.
func appendID(b []byte, id changeset.ID) []byte {
	b = appendUUID(b, id.Origin)
	return strconv.AppendUint(append(b, ':'), uint64(id.Seq), 10)
}

// appendUUID appends a UUID in lower case.
func appendUUID(b []byte, u uuid.UUID) []byte {
	const digits = "0123456789abcdef"
	for i, c := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return b
}

// appendText appends a value as JSON.
func appendText(b []byte, v changeset.Value) []byte {
	if !v.Set {
		return append(b, "null"...)
	}
	return changeset.AppendJSONString(b, v.Text)
}

// appendLost appends the row of a lost changeset without its number.
func appendLost(b []byte, row changeset.Row) []byte {
	b = append(b, row.ID.Origin[:]...)
	b = binary.BigEndian.AppendUint32(b, row.ID.Seq)
	return append(b, row.Key[:]...)
}

const lostSize = changeset.RowSize - 4
