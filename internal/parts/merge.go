package parts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"
)

// Merge writes one part that has the rows of several, which must follow each other without gaps. Rows of theirs that do not count are left out. Whatever is read is
// handed to object: the bytes of the changeset that a part has in a row; it returns those that the log has there, which are others after a move.
//
// It has a frame and a few pages of each part in memory, and 12 bytes a row. Frames that are large enough are copied as they are.
func Merge(ctx context.Context, list []*Part, pack, table io.Writer, object func(row uint32, has []byte) ([]byte, error)) (Ref, error) {
	m := &merge{Writer: NewWriter(pack, list[0].First), parts: list}
	for i, p := range list {
		if i > 0 && p.First != list[i-1].Last+1 {
			return Ref{}, fmt.Errorf("merge parts: rows %d to %d do not follow row %d", p.First, p.Last, list[i-1].Last)
		}
		if err := m.addPart(ctx, p, object); err != nil {
			return Ref{}, err
		}
	}
	return m.close(table, m.contents)
}

// merge writes a part of others.
type merge struct {
	*Writer
	parts []*Part
}

// addPart adds the rows of the next part.
func (m *merge) addPart(ctx context.Context, p *Part, object func(row uint32, has []byte) ([]byte, error)) error {
	t, err := p.open()
	if err != nil {
		return err
	}
	for row := uint32(0); row <= p.Last-p.First; {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := t.frameOf(row)
		if err != nil {
			return err
		}
		if f.first != row {
			return damaged(t.name, "frame %d begins with row %d, not %d", f.number, f.first, row)
		}
		if row, err = m.addStored(p, f, object); err != nil {
			return p.packError(err)
		}
	}
	return m.err
}

// mergedRow is a row of a frame that is being merged.
type mergedRow struct {
	key    [20]byte
	object []byte
	texts  []byte
}

// addStored adds the rows of a frame, as far as they count, and returns the one that follows it in the part.
func (m *merge) addStored(p *Part, f frame, object func(row uint32, has []byte) ([]byte, error)) (next uint32, err error) {
	stored, err := readAt(p.fs, p.packName, f.begin, f.end-f.begin)
	if err != nil {
		return 0, err
	}
	n, raw, err := decodeFrame(stored)
	if err != nil {
		return 0, &DamageError{p.packName, fmt.Errorf("at byte %d: %w", f.begin, err)}
	}
	size := len(raw)
	same, counted := true, make([]mergedRow, 0, min(n, 1024))
	for i := range n {
		row := mergedRow{}
		if row.object, row.texts, raw, err = cutRow(raw); err != nil {
			return 0, err
		}
		seq := uint64(p.First) + uint64(f.first) + uint64(i)
		if seq > uint64(p.Last) {
			same = false
			break
		}
		is, err := object(uint32(seq), row.object)
		if err != nil {
			return 0, err
		}
		same = same && bytes.Equal(is, row.object)
		row.object, row.key = is, sha1.Sum(is)
		counted = append(counted, row)
	}
	if uint64(m.first)+uint64(m.rows)+uint64(len(counted)) > 1<<32 || uint64(m.rows)+uint64(len(counted)) > maxRows {
		return 0, errors.New("merge parts: there is no room in one for so many rows")
	}
	if whole := same && len(m.raw) == 0 && size >= frameSize/2; whole {
		for _, row := range counted {
			m.addKey(row.key)
			m.rows++
		}
		m.addFrame(stored)
	} else {
		for _, row := range counted {
			m.addRow(row)
		}
	}
	return f.first + n, m.err
}

// addRow adds a row to the frame that was begun.
func (m *merge) addRow(row mergedRow) {
	m.addKey(row.key)
	m.raw = append(binary.BigEndian.AppendUint32(m.raw, uint32(len(row.object))), row.object...)
	texts := uint32(0)
	for rest := row.texts; len(rest) > 0; texts++ {
		_, _, rest, _ = cutText(rest) // cutRow has cut them
	}
	m.raw = append(binary.BigEndian.AppendUint32(m.raw, texts), row.texts...)
	if m.rows++; len(m.raw) >= frameSize {
		m.endFrame()
	}
}

// contents goes through the tables of the parts.
func (m *merge) contents() (contents, error) {
	c := contents{}
	size, touches := 0, uint64(0)
	err := m.eachRecord(func(typ string, _ uuid.UUID, of []Touches) error {
		if n := len(c.names); n == 0 || c.names[n-1] != typ {
			c.names = append(c.names, typ)
			size += len(typ)
			c.types = appendType(c.types, size, c.records)
		}
		c.records++
		for _, t := range of {
			touches += uint64(t.n)
		}
		return nil
	})
	if err == nil && touches > 1<<31-1 {
		err = errors.New("merge parts: there is no room in one for so many touches")
	}
	c.touches = uint32(touches)
	c.eachRecord = func(entry func([]byte)) error {
		at := uint32(0)
		return m.eachRecord(func(_ string, id uuid.UUID, of []Touches) error {
			entry(appendRecord(make([]byte, 0, recordEntry), id, at))
			for _, t := range of {
				at += t.n
			}
			return nil
		})
	}
	c.eachTouch = func(entry func([]byte)) error {
		return m.eachRecord(func(_ string, _ uuid.UUID, of []Touches) error {
			for _, t := range of {
				for i := range t.Len() {
					v, text, err := t.At(i)
					if err != nil {
						return err
					}
					row := v.Seq - m.first
					if text {
						row |= hasText
					}
					entry(appendTouch(make([]byte, 0, touchEntry), row, v.Key))
				}
			}
			return nil
		})
	}
	return c, err
}

// eachRecord yields the records that the parts touch, sorted by type and UUID, each with what those parts have of it that have anything.
func (m *merge) eachRecord(use func(typ string, id uuid.UUID, of []Touches) error) error {
	var list []*cursor
	for _, p := range m.parts {
		c, err := p.cursor()
		if err != nil {
			return err
		}
		if c.left() {
			list = append(list, c)
		}
	}
	for len(list) > 0 {
		least := slices.MinFunc(list, (*cursor).compare)
		typ, id := least.typ, least.id
		var of []Touches
		left := list[:0]
		for _, c := range list {
			if c.typ == typ && c.id == id {
				of = append(of, c.touches)
				if err := c.advance(); err != nil {
					return err
				}
			}
			if c.left() {
				left = append(left, c)
			}
		}
		list = left
		if err := use(typ, id, of); err != nil {
			return err
		}
	}
	return nil
}

// cursor goes through the records of a part.
type cursor struct {
	p       *Part
	t       *table
	types   uint32 // so many were begun
	next    uint32 // record
	end     uint32 // of the present type
	typ     string
	id      uuid.UUID
	touches Touches // of the present record; none at the end
}

// cursor returns one that is at the first record.
func (p *Part) cursor() (*cursor, error) {
	t, err := p.open()
	if err != nil {
		return nil, err
	}
	c := &cursor{p: p, t: t}
	return c, c.advance()
}

// left reports whether it is at a record.
func (c *cursor) left() bool { return c.touches.n > 0 }

func (c *cursor) compare(o *cursor) int {
	return cmp.Or(cmp.Compare(c.typ, o.typ), bytes.Compare(c.id[:], o.id[:]))
}

// advance goes to the next record of which a touch counts.
func (c *cursor) advance() (err error) {
	c.touches.n = 0
	for c.touches.n == 0 {
		for c.next == c.end {
			if c.types == c.t.types {
				return nil
			}
			if c.typ, c.next, c.end, err = c.t.typeAtPlace(c.types); err != nil {
				return err
			}
			c.types++
		}
		if c.touches, c.id, err = c.p.touches(c.t, c.next); err != nil {
			return err
		}
		c.next++
	}
	return nil
}
