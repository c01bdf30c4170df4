package parts

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/spf13/afero"
)

// header is the first page of a table.
type header struct {
	first, rows, frames, types, records, touches, names uint32
	packSize                                            uint64
	pack                                                Sum
}

func (h *header) encode() []byte {
	b := []byte(tableHead)
	for _, n := range []uint32{h.first, h.rows, h.frames, h.types, h.records, h.touches, h.names} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = binary.BigEndian.AppendUint64(b, h.packSize)
	return append(b, h.pack[:]...)
}

func parseHeader(b []byte) (h header, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(tableHead))
	if !ok {
		return h, fmt.Errorf("it does not begin with %q", tableHead)
	}
	for i, n := range []*uint32{&h.first, &h.rows, &h.frames, &h.types, &h.records, &h.touches, &h.names} {
		*n = binary.BigEndian.Uint32(rest[4*i:])
	}
	h.packSize = binary.BigEndian.Uint64(rest[28:])
	h.pack = Sum(rest[36:])
	if h.first == 0 || h.rows == 0 || h.rows > maxRows || uint64(h.first)+uint64(h.rows)-1 > 1<<32-1 ||
		h.frames == 0 || h.frames > h.rows || h.types > h.records || h.records > h.touches || h.touches > 1<<31-1 {
		return h, fmt.Errorf("its header counts %d rows from %d, %d frames, %d types, %d records, %d touches", h.rows, h.first, h.frames, h.types, h.records, h.touches)
	}
	return h, nil
}

// array is one of the arrays of a table.
type array struct {
	at   int64 // in the content
	n    uint32
	size int // of an entry
}

// table reads the arrays.
type table struct {
	pages
	header
	frameAt, keyAt, typeAt, recordAt, touchAt array
	nameAt                                    int64
	lastType                                  atomic.Pointer[typeRecords] // that was asked for
	absent                                    *absent                     // which records are
}

// typeRecords says which records are of a type; none if it is not there.
type typeRecords struct {
	name     string
	from, to uint32
}

// openTable reads the header, and holds what that counts against the length of the file.
func openTable(fs afero.Fs, name string, of Ref, cache *Cache) (*table, error) {
	t := &table{pages: pages{fs: fs, name: name, of: of, cache: cache}, absent: cache.absentOf(of)}
	size, err := t.begin()
	if err != nil {
		return nil, err
	}
	first, err := t.page(0)
	if err != nil {
		return nil, err
	}
	if t.header, err = parseHeader(first); err != nil {
		return nil, &DamageError{name, err}
	}
	at := int64(pageContent)
	for _, a := range []struct {
		into *array
		n    uint32
		size int
	}{{&t.frameAt, t.frames, frameEntry}, {&t.keyAt, t.rows, keyEntry}, {&t.typeAt, t.types, typeEntry}, {&t.recordAt, t.records, recordEntry},
		{&t.touchAt, t.touches, touchEntry}} {
		*a.into = array{at, a.n, a.size}
		at += int64(a.n) * int64(a.size)
	}
	t.nameAt = at
	at += int64(t.names)
	if want := (at + pageContent - 1) / pageContent * pageSize; size != want {
		return nil, damaged(name, "it has %d bytes, its header says %d", size, want)
	}
	return t, nil
}

// entry returns entry i of an array.
func (t *table) entry(a array, i uint32) ([]byte, error) {
	if i >= a.n {
		return nil, damaged(t.name, "entry %d of %d is named", i, a.n)
	}
	return t.read(a.at+int64(i)*int64(a.size), a.size)
}

// search returns the first entry from one to another, exclusive, for which found is true, else the latter; it is true for all entries after one for which it is.
func (t *table) search(a array, from, to uint32, found func(entry []byte) bool) (uint32, error) {
	var failed error
	n := sort.Search(int(to)-int(from), func(i int) bool {
		entry, err := t.entry(a, from+uint32(i))
		if err != nil {
			failed = err
			return true
		}
		return found(entry)
	})
	return from + uint32(n), failed
}

// frame is a frame of the pack as the table has it.
type frame struct {
	number     uint32
	first      uint32 // row
	begin, end int64  // in the pack
}

// frameOf returns the frame that has a row.
func (t *table) frameOf(row uint32) (f frame, err error) {
	next, err := t.search(t.frameAt, 0, t.frames, func(e []byte) bool { return binary.BigEndian.Uint32(e) > row })
	if err != nil {
		return f, err
	}
	if next == 0 {
		return f, damaged(t.name, "no frame has row %d", row)
	}
	return t.frameAtPlace(next - 1)
}

// frameAtPlace returns a frame by its place in the pack, from 0.
func (t *table) frameAtPlace(i uint32) (f frame, err error) {
	f.number, f.end = i, int64(t.packSize)
	if i+1 < t.frames {
		e, err := t.entry(t.frameAt, i+1)
		if err != nil {
			return f, err
		}
		f.end = int64(binary.BigEndian.Uint64(e[4:]))
	}
	e, err := t.entry(t.frameAt, i)
	if err != nil {
		return f, err
	}
	f.first, f.begin = binary.BigEndian.Uint32(e), int64(binary.BigEndian.Uint64(e[4:]))
	if f.begin < 0 || f.end > int64(t.packSize) || f.end-f.begin <= frameHead || f.end-f.begin > maxFrame {
		return f, damaged(t.name, "frame %d goes from byte %d to %d", f.number, f.begin, f.end)
	}
	return f, nil
}

// rowsOfKey returns the rows whose changesets may have the key: the beginnings are equal.
func (t *table) rowsOfKey(key [20]byte) (rows []uint32, err error) {
	at, err := t.search(t.keyAt, 0, t.rows, func(e []byte) bool { return bytes.Compare(e[:8], key[:8]) >= 0 })
	for ; err == nil && at < t.rows; at++ {
		var e []byte
		if e, err = t.entry(t.keyAt, at); err != nil || !bytes.Equal(e[:8], key[:8]) {
			break
		}
		rows = append(rows, binary.BigEndian.Uint32(e[8:]))
	}
	return rows, err
}

// typeAtPlace returns a type by its place among the sorted ones, and which records are of it.
func (t *table) typeAtPlace(i uint32) (name string, from, to uint32, err error) {
	var begin uint32
	if i > 0 {
		e, err := t.entry(t.typeAt, i-1)
		if err != nil {
			return "", 0, 0, err
		}
		begin = binary.BigEndian.Uint32(e)
	}
	e, err := t.entry(t.typeAt, i)
	if err != nil {
		return "", 0, 0, err
	}
	end, from := binary.BigEndian.Uint32(e), binary.BigEndian.Uint32(e[4:])
	to = t.records
	if i+1 < t.types {
		if e, err = t.entry(t.typeAt, i+1); err != nil {
			return "", 0, 0, err
		}
		to = binary.BigEndian.Uint32(e[4:])
	}
	const longest = 255
	if end < begin || end > t.names || end-begin > longest || from > to || to > t.records {
		return "", 0, 0, damaged(t.name, "type %d has a name from byte %d to %d, and records %d to %d", i, begin, end, from, to)
	}
	b, err := t.read(t.nameAt+int64(begin), int(end-begin))
	return string(b), from, to, err
}

// recordsOf returns which records are of a type; none if it is not there.
func (t *table) recordsOf(typ string) (from, to uint32, err error) {
	if last := t.lastType.Load(); last != nil && last.name == typ {
		return last.from, last.to, nil
	}
	if from, to, err = t.findType(typ); err == nil {
		t.lastType.Store(&typeRecords{typ, from, to})
	}
	return from, to, err
}

func (t *table) findType(typ string) (from, to uint32, err error) {
	var failed error
	i := sort.Search(int(t.types), func(i int) bool {
		name, _, _, err := t.typeAtPlace(uint32(i))
		if err != nil {
			failed = err
		}
		return err != nil || name >= typ
	})
	if failed != nil || i == int(t.types) {
		return 0, 0, failed
	}
	name, from, to, err := t.typeAtPlace(uint32(i))
	if name != typ {
		return 0, 0, err
	}
	return from, to, err
}

// recordFrom returns the first record from one to another, exclusive, whose UUID is not below id. It looks first where that should be, and from there on in steps that double, which takes few
// pages.
func (t *table) recordFrom(from, to uint32, id uuid.UUID) (uint32, error) {
	if from >= to {
		return from, nil
	}
	at, err := t.guess(from, to, id)
	if err != nil {
		return 0, err
	}
	reached := func(e []byte) bool { return bytes.Compare(e[:16], id[:]) >= 0 }
	const least = 32
	var first bool
	for step := uint32(least); ; step *= 2 {
		e, err := t.entry(t.recordAt, at)
		if err != nil {
			return 0, err
		}
		now := reached(e)
		if step == least {
			first = now
		}
		if now {
			to = at
		} else {
			from = at + 1
		}
		if now != first || to-from <= step {
			return t.search(t.recordAt, from, to, reached)
		}
		if at = from + step - 1; now {
			at = to - step
		}
	}
}

// guess returns about where a UUID should be among records. Most UUIDs are random, and so spread evenly: the one that is where it should be tells how far it is from there.
func (t *table) guess(from, to uint32, id uuid.UUID) (uint32, error) {
	n, wanted := float64(to-from), spread(id[:])
	at := func(place float64) uint32 { return from + uint32(max(0, min(place, n-1))) }
	first := at(n * wanted)
	e, err := t.entry(t.recordAt, first)
	if err != nil {
		return 0, err
	}
	return at(float64(first-from) + n*(wanted-spread(e))), nil
}

// spread returns where among all UUIDs one stands, from 0 to 1.
func spread(id []byte) float64 { return float64(binary.BigEndian.Uint64(id)) / (1 << 64) }

// touchesOf returns which touches are of a record, and its UUID.
func (t *table) touchesOf(record uint32) (id uuid.UUID, from, to uint32, err error) {
	to = t.touches
	if record+1 < t.records {
		e, err := t.entry(t.recordAt, record+1)
		if err != nil {
			return id, 0, 0, err
		}
		to = binary.BigEndian.Uint32(e[16:])
	}
	e, err := t.entry(t.recordAt, record)
	if err != nil {
		return id, 0, 0, err
	}
	id, from = uuid.UUID(e[:16]), binary.BigEndian.Uint32(e[16:])
	if from >= to || to > t.touches {
		return id, 0, 0, damaged(t.name, "record %d has touches %d to %d of %d", record, from, to, t.touches)
	}
	return id, from, to, nil
}
