package parts

import (
	"bytes"
	"crypto/sha1"
	"fmt"

	"github.com/google/uuid"
)

// Finder finds the touches of records of one type that are asked for in the order of their UUIDs, in less time than one after another. It is for one goroutine.
type Finder struct {
	part   *Part
	table  *table
	at, to uint32 // records that were not passed yet
}

// Finder returns one for the records of a type.
func (p *Part) Finder(typ string) (*Finder, error) {
	t, err := p.open()
	if err != nil {
		return nil, err
	}
	at, to, err := t.recordsOf(typ)
	return &Finder{p, t, at, to}, err
}

// near is how many records are passed one by one before the rest is searched.
const near = 8

// Find returns what the part did to a record, as [Part.Touches] does. Its UUID must not be below the one before.
func (f *Finder) Find(id uuid.UUID) (Touches, error) {
	for passed := 0; f.at < f.to; passed++ {
		if passed == near {
			at, err := f.table.recordFrom(f.at, f.to, id)
			if err != nil {
				return Touches{}, err
			}
			if f.at = at; at == f.to {
				break
			}
		}
		e, err := f.table.entry(f.table.recordAt, f.at)
		if err != nil {
			return Touches{}, err
		}
		switch bytes.Compare(e[:16], id[:]) {
		case 0:
			touches, _, err := f.part.touches(f.table, f.at)
			return touches, err
		case 1:
			return Touches{}, nil
		}
		f.at++
	}
	return Touches{}, nil
}

// Sweep reads rows in ascending order, each frame once. It is for one goroutine.
type Sweep struct {
	part *Part
	next uint32 // the row of the log that rest begins with
	rest []byte // of the frame at hand
}

// Sweep returns one that stands before the first row.
func (p *Part) Sweep() *Sweep { return &Sweep{part: p} }

// Row returns the changeset of a row, and the texts behind it for [TextOf]; both are valid until the cache of the part drops them, and nobody changes them. The row must come after the one before.
func (s *Sweep) Row(row uint32) (object, texts []byte, err error) {
	p := s.part
	if row < p.First || row > p.Last {
		return nil, nil, fmt.Errorf("read row %d of %s: it has rows %d to %d", row, p.packName, p.First, p.Last)
	}
	for {
		for len(s.rest) > 0 && s.next <= row {
			at := s.next
			s.next++
			if object, texts, s.rest, err = cutRow(s.rest); err != nil {
				return nil, nil, p.packError(err)
			}
			if at == row {
				return object, texts, nil
			}
		}
		if err := s.enter(row); err != nil {
			return nil, nil, err
		}
	}
}

// enter goes to the frame that has a row.
func (s *Sweep) enter(row uint32) error {
	t, err := s.part.open()
	if err != nil {
		return err
	}
	f, err := t.frameOf(row - s.part.First)
	if err != nil {
		return err
	}
	if s.next > s.part.First+f.first { // all of it was passed, and the row was not there
		return damaged(t.name, "row %d is in no frame", row)
	}
	s.next = s.part.First + f.first
	s.rest, err = s.part.frame(f)
	return err
}

// TextOf returns the version with that key from the texts of a row, nil if it is not there.
func TextOf(texts []byte, key [20]byte) ([]byte, error) {
	for len(texts) > 0 {
		begins, text, rest, err := cutText(texts)
		if err != nil {
			return nil, err
		}
		if begins == [4]byte(key[:4]) && sha1.Sum(text) == key {
			return text, nil
		}
		texts = rest
	}
	return nil, nil
}
