package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"crypto/sha1"

	"github.com/google/uuid"

	"prophet/changeset"
)

// Frame is what a frame holds: rows that follow one another, and their changesets.
type Frame struct {
	Rows  []changeset.Row
	texts [][]byte // of the changesets; those of a few hundred rows lie in one piece of memory, which is freed when none of them is needed anymore

	packed  []byte // what it was read from, if it was
	section section
}

// Raw returns the bytes of the changeset of a row, counted from 0; nil if it is lost. They are shared: nobody may change them.
func (f *Frame) Raw(i int) []byte { return f.texts[i] }

// decoder reads the content of a frame.
type decoder struct {
	book
	cols   [columns]column
	values []column
	out    []byte // JSON: the piece that was begun
	before int    // bytes of the pieces before it
	most   int    // bytes of all
	err    error  // the first one; what is read after it is zero
}

// column is what is left of one.
type column []byte

var errShort = errors.New("a column ends early")

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// bytes takes so many bytes from a column.
func (d *decoder) bytes(c *column, n uint64) []byte {
	if d.err != nil || n > uint64(len(*c)) {
		d.fail(errShort)
		return nil
	}
	b := (*c)[:n]
	*c = (*c)[n:]
	return b
}

// number takes a number that is less than the limit.
func (d *decoder) number(c *column, limit int) int {
	n, size := binary.Uvarint(*c)
	switch {
	case d.err != nil:
		return 0
	case size <= 0:
		d.fail(errShort)
		return 0
	case n >= uint64(limit):
		d.fail(fmt.Errorf("the number %d where %d is too much", n, limit))
		return 0
	}
	*c = (*c)[size:]
	return int(n)
}

func (d *decoder) signed(c *column) int64 {
	n, size := binary.Varint(*c)
	if d.err != nil || size <= 0 {
		d.fail(errShort)
		return 0
	}
	*c = (*c)[size:]
	return n
}

func (d *decoder) byte(col int) byte {
	if b := d.bytes(&d.cols[col], 1); b != nil {
		return b[0]
	}
	return 0
}

// decodeFrame reads the content of a frame whose first row has that number, and which has so many rows and so many bytes of JSON. The contents are all used up, or it is an error.
func decodeFrame(content []byte, first uint32, rows, size int) (*Frame, error) {
	d := &decoder{book: book{columns: map[int]int{}}, most: size}
	if err := d.split(content, rows); err != nil {
		return nil, err
	}
	f := &Frame{Rows: make([]changeset.Row, rows), texts: make([][]byte, rows)}
	for i := range f.Rows {
		row := &f.Rows[i]
		row.Seq = first + uint32(i)
		before := d.piece()
		d.row(row)
		if d.err != nil {
			return nil, fmt.Errorf("row %d: %w", row.Seq, d.err)
		}
		if text := d.out[before:len(d.out):len(d.out)]; len(text) > 0 {
			f.texts[i], row.Key = text, sha1.Sum(text)
		}
	}
	if got := d.before + len(d.out); got != size {
		return nil, fmt.Errorf("%d bytes of changesets, and its directory says %d", got, size)
	}
	for _, c := range d.cols {
		if len(c) > 0 {
			return nil, errors.New("a column has more than its rows")
		}
	}
	for _, c := range d.values {
		if len(c) > 0 {
			return nil, errors.New("a column of values has more than its rows")
		}
	}
	return f, nil
}

// pieceSize is how many bytes of JSON lie in one piece of memory, about.
const pieceSize = 128 << 10

// piece begins a new piece, if the one that was begun is full, and returns where the next changeset begins in it.
func (d *decoder) piece() int {
	if d.out == nil || len(d.out) >= pieceSize {
		d.before += len(d.out)
		d.out = make([]byte, 0, max(0, min(d.most-d.before, pieceSize+pieceSize/16)))
	}
	return len(d.out)
}

// split finds the columns.
func (d *decoder) split(content []byte, rows int) error {
	rest := column(content)
	if n := d.number(&rest, len(content)+1); d.err == nil && n != rows {
		return fmt.Errorf("it has %d rows, and its directory says %d", n, rows)
	}
	sizes := make([]int, columns+d.number(&rest, maxValues+1))
	for i := range sizes {
		sizes[i] = d.number(&rest, len(content)+1)
	}
	for i, n := range sizes {
		c := column(d.bytes(&rest, uint64(n)))
		if i < columns {
			d.cols[i] = c
			continue
		}
		d.values = append(d.values, c)
	}
	if d.err == nil && len(rest) > 0 {
		d.fail(errors.New("it goes on after its columns"))
	}
	return d.err
}

// row reads a row, and appends its changeset.
func (d *decoder) row(row *changeset.Row) {
	switch kind := d.byte(colRows); {
	case kind == rowLost:
		b := d.bytes(&d.cols[colOdd], lostSize)
		if b == nil {
			return
		}
		copy(row.ID.Origin[:], b)
		row.ID.Seq = binary.BigEndian.Uint32(b[16:])
		copy(row.Key[:], b[20:])
	case kind == rowVerbatim:
		raw := d.bytes(&d.cols[colOdd], uint64(d.number(&d.cols[colOdd], d.most+1)))
		c, err := changeset.Decode(raw)
		if err != nil {
			d.fail(err)
			return
		}
		row.ID = c.ID
		d.raw(raw)
	case kind&rowMask == rowPlain && kind&^(flagNullification|flagResolution) == 0:
		row.ID = d.plain(kind)
	default:
		d.fail(fmt.Errorf("a row of the unknown kind %d", kind))
	}
	if d.err == nil && (row.ID.Seq == 0 || row.ID.Origin == uuid.Nil) {
		d.fail(errors.New("a row without an ID"))
	}
}

// raw appends JSON, as long as it is not too much.
func (d *decoder) raw(b []byte) {
	if d.out = append(d.out, b...); d.before+len(d.out) > d.most {
		d.fail(fmt.Errorf("more than the %d bytes of changesets that its directory says", d.most))
	}
}

func (d *decoder) string(s string) { d.out = append(d.out, s...) }

// plain appends the canonical JSON of a changeset in columns.
func (d *decoder) plain(kind byte) changeset.ID {
	o := d.originOf(colIDs)
	if d.err != nil {
		return changeset.ID{}
	}
	seq := int64(d.origins[o].next) + d.signed(&d.cols[colIDs])
	if seq < 1 || seq > 1<<32-1 {
		d.fail(fmt.Errorf("the number %d of a changeset", seq))
		return changeset.ID{}
	}
	id := changeset.ID{Origin: d.origins[o].uuid, Seq: uint32(seq)}
	d.origins[o].next = id.Seq + 1
	created := d.dateOf()
	creator := d.textOf(colMakers)
	n := d.number(&d.cols[colRecords], changeset.MaxChanges+1)
	d.string(`{"changes":{`)
	for i := 0; i < n && d.err == nil; i++ {
		if i > 0 {
			d.string(",")
		}
		d.change(id)
	}
	d.string(`},"created":`)
	d.out = appendText(d.out, changeset.TextOrNull(created))
	d.string(`,"creator":`)
	d.out = appendText(d.out, changeset.TextOrNull(creator))
	d.flag(`,"is_nullification":`, kind&flagNullification != 0)
	d.flag(`,"is_resolution":`, kind&flagResolution != 0)
	d.string(`,"original_sequence_no":`)
	d.out = strconv.AppendUint(d.out, uint64(id.Seq), 10)
	d.string(`,"original_source_uuid":"`)
	d.out = appendUUID(d.out, id.Origin)
	d.raw([]byte(`"}`))
	return id
}

func (d *decoder) flag(key string, set bool) {
	d.string(key)
	if set {
		d.string("1")
		return
	}
	d.string("null")
}

func (d *decoder) text(n int) string {
	if n < len(d.texts) {
		return d.texts[n]
	}
	return ""
}

// textNumber takes the number of a text; the next one is new.
func (d *decoder) textNumber(col int) int {
	n := d.number(&d.cols[col], len(d.texts)+1)
	if n == len(d.texts) && d.err == nil {
		c := &d.cols[colTexts]
		d.texts = append(d.texts, string(d.bytes(c, uint64(d.number(c, len(*c)+1)))))
	}
	return n
}

func (d *decoder) textOf(col int) string { return d.text(d.textNumber(col)) }

func (d *decoder) uuid() (u uuid.UUID) {
	copy(u[:], d.bytes(&d.cols[colUUIDs], 16))
	return u
}

func (d *decoder) originOf(col int) int {
	n := d.number(&d.cols[col], len(d.origins)+1)
	if n == len(d.origins) && d.err == nil {
		d.origins = append(d.origins, origin{d.uuid(), 1})
	}
	return n
}

func (d *decoder) dateOf() string {
	if d.number(&d.cols[colDates], 2) == 0 {
		return d.textOf(colDates)
	}
	d.date += d.signed(&d.cols[colDates])
	const year9999 = 253402300800
	if d.date < -year9999 || d.date >= year9999 {
		d.fail(fmt.Errorf("a date %d seconds from 1970", d.date))
		return ""
	}
	return time.Unix(d.date, 0).UTC().Format(changeset.TimeFormat)
}

// change appends the JSON of a change.
func (d *decoder) change(id changeset.ID) {
	n := d.number(&d.cols[colRecords], len(d.records)+1) - 1
	if n < 0 && d.err == nil {
		n = len(d.records)
		typ := d.textOf(colRecords)
		d.records = append(d.records, &touched{rec: changeset.RecordID{Type: typ, UUID: d.uuid()}})
	}
	kind := d.byte(colKinds)
	if d.err != nil {
		return
	}
	t := d.records[n]
	d.string(`"`)
	d.out = appendUUID(d.out, t.rec.UUID)
	d.string(`":{"change_type":`)
	d.out = changeset.AppendJSONString(d.out, changeset.KindName(changeset.Kind(kind&kindMask)))
	d.parents(id, kind&^kindMask, t)
	t.last = id
	d.string(`,"prop_changes":{`)
	for i, name := range d.namesOf() {
		if i > 0 {
			d.string(",")
		}
		if d.prop(t, name); d.err != nil {
			return
		}
	}
	d.string(`},"record_type":`)
	d.out = changeset.AppendJSONString(d.out, t.rec.Type)
	d.raw([]byte(`}`))
}

func (d *decoder) parents(id changeset.ID, how byte, t *touched) {
	switch how {
	case parentsUnknown:
		return
	case parentsDerived:
		d.string(`,"parents":[`)
		if !t.last.IsZero() {
			d.out = append(appendID(append(d.out, '"'), t.last), '"')
		}
	case parentsGiven:
		d.string(`,"parents":[`)
		n := d.number(&d.cols[colParents], changeset.MaxParents+1)
		for i := 0; i < n && d.err == nil; i++ {
			if i > 0 {
				d.string(",")
			}
			d.parent(id)
		}
	default:
		d.fail(fmt.Errorf("parents given in the unknown way %d", how))
	}
	d.string("]")
}

func (d *decoder) parent(id changeset.ID) {
	o := d.originOf(colParents)
	seq := int64(id.Seq) - d.signed(&d.cols[colParents])
	if d.err != nil {
		return
	}
	if seq < 1 || seq > 1<<32-1 {
		d.fail(fmt.Errorf("the number %d of a parent", seq))
		return
	}
	d.out = append(appendID(append(d.out, '"'), changeset.ID{Origin: d.origins[o].uuid, Seq: uint32(seq)}), '"')
}

// namesOf takes the names that a change writes.
func (d *decoder) namesOf() []int {
	n := d.number(&d.cols[colNames], len(d.lists)+1)
	if d.err != nil {
		return nil
	}
	if n == len(d.lists) {
		list := make([]int, d.number(&d.cols[colNames], len(d.cols[colNames])+1))
		for i := range list {
			list[i] = d.textNumber(colNames)
		}
		d.lists = append(d.lists, list)
	}
	return d.lists[n]
}

// prop appends the JSON of a property change.
func (d *decoder) prop(t *touched, name int) {
	mode := d.byte(colModes)
	var p changeset.PropChange
	switch mode &^ newGiven {
	case oldDerived:
		p.Old = t.values[name]
	case oldNull:
	case oldGiven:
		p.Old = d.value(name)
	default:
		d.fail(fmt.Errorf("an old value given in the unknown way %d", mode))
	}
	if mode&newGiven != 0 {
		p.New = d.value(name)
	}
	if d.err != nil {
		return
	}
	t.set(name, p.New)
	d.out = changeset.AppendJSONString(d.out, d.text(name))
	d.string(`:{"new_value":`)
	d.out = appendText(d.out, p.New)
	d.string(`,"old_value":`)
	d.out = appendText(d.out, p.Old)
	d.raw([]byte(`}`))
}

// value takes a text of those of a name.
func (d *decoder) value(name int) changeset.Value {
	n, known := d.columns[name]
	if !known {
		n = len(d.columns)
		d.columns[name] = n
	}
	if d.err != nil || n >= len(d.values) {
		d.fail(errShort)
		return changeset.Value{}
	}
	end := bytes.IndexByte(d.values[n], 0)
	if end < 0 {
		d.fail(errShort)
		return changeset.Value{}
	}
	text := string(d.values[n][:end])
	d.values[n] = d.values[n][end+1:]
	return changeset.Text(text)
}
