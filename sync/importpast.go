package sync

import (
	"fmt"
	"math"

	"github.com/google/uuid"

	"prophet/changeset"
)

// past is what the lines of a source so far come to: a few bytes for each record, so that it fits in memory whatever the source holds.
type past struct {
	origin  uuid.UUID
	records map[uuid.UUID]pastRecord
	types   []string
	typeOf  map[string]uint32 // places in types
	exact   map[uuid.UUID]*propSizes
	doubt   map[uuid.UUID]bool // records of lines that may be too large
}

// pastRecord is what is kept of a record.
type pastRecord struct {
	last  uint32 // the line that touched it last
	typ   uint32 // place in types
	bytes uint32 // of the lines that touched it, and a little: no fewer than its properties take
	lives bool
}

// propSizes are how many bytes the values of a record's properties take in canonical JSON, and all of the record.
type propSizes struct {
	props map[string]int
	total int
}

// newPast begins a reading of the source. The sizes of the records in exact are to be known exactly.
func newPast(origin uuid.UUID, exact map[uuid.UUID]bool) *past {
	p := &past{origin: origin, records: map[uuid.UUID]pastRecord{}, typeOf: map[string]uint32{},
		exact: make(map[uuid.UUID]*propSizes, len(exact)), doubt: map[uuid.UUID]bool{}}
	for rec := range exact {
		p.exact[rec] = &propSizes{props: map[string]int{}}
	}
	return p
}

// add checks a line, of so many bytes, against the earlier ones, and gives each of its changes its parents: the source's own previous change
// to the record. An error is a [*fieldError].
func (p *past) add(c *changeset.Changeset, bytes int) error {
	olds, exactly := 0, true
	for i := range c.Changes {
		ch := &c.Changes[i]
		before, known := p.records[ch.Record.UUID]
		if field, err := p.follows(ch, before, known, c.ID.Seq); err != nil {
			return &fieldError{fmt.Sprintf("changes[%d].%s", i, field), err}
		}
		ch.Parents = []changeset.ID{}
		if known {
			ch.Parents = append(ch.Parents, changeset.ID{Origin: p.origin, Seq: before.last})
		}
		p.records[ch.Record.UUID] = p.next(ch, before, c.ID.Seq, bytes+aroundProp*len(ch.Props))
		old, known := p.oldSize(ch, before)
		olds, exactly = olds+old, exactly && known
	}
	return p.checkSize(c, bytes, olds, exactly)
}

// follows reports why the change cannot come after what the earlier lines made of the record, and which field says so.
func (p *past) follows(ch *changeset.Change, before pastRecord, known bool, line uint32) (field string, err error) {
	switch {
	case known && before.last == line:
		return "uuid", fmt.Errorf("the line changes record %s twice", ch.Record.UUID)
	case known && p.types[before.typ] != ch.Record.Type:
		return "type", fmt.Errorf("record %s is of type %s in earlier lines", ch.Record.UUID, p.types[before.typ])
	case ch.Kind == changeset.Create && before.lives:
		return "uuid", fmt.Errorf("%s is there already; line %d was the last to change it", ch.Record, before.last)
	case ch.Kind != changeset.Create && !known:
		return "uuid", fmt.Errorf("no earlier line creates %s", ch.Record)
	case ch.Kind != changeset.Create && !before.lives:
		return "uuid", fmt.Errorf("%s was deleted by line %d", ch.Record, before.last)
	}
	return "", nil
}

// next is what the record comes to with the change.
func (p *past) next(ch *changeset.Change, before pastRecord, line uint32, bytes int) pastRecord {
	typ, ok := p.typeOf[ch.Record.Type]
	if !ok {
		typ = uint32(len(p.types))
		p.types = append(p.types, ch.Record.Type)
		p.typeOf[ch.Record.Type] = typ
	}
	return pastRecord{last: line, typ: typ, lives: ch.Kind != changeset.Delete,
		bytes: uint32(min(uint64(before.bytes)+uint64(bytes), math.MaxUint32))}
}

// oldSize returns how many bytes more the old values of the change take than nulls do, or no fewer than that if it is not known exactly. It notes the
// new values.
func (p *past) oldSize(ch *changeset.Change, before pastRecord) (size int, exactly bool) {
	e := p.exact[ch.Record.UUID]
	if e == nil {
		if len(ch.Props) > 0 && before.lives {
			size = int(before.bytes)
		}
		return size, false
	}
	if !before.lives {
		*e = propSizes{props: map[string]int{}}
	}
	for name, pc := range ch.Props {
		if old, was := e.props[name]; was {
			size += old - len("null")
		}
		e.set(name, pc.New.Text)
	}
	return size, true
}

// set notes the new value of a property.
func (e *propSizes) set(name, value string) {
	around := len(`"":,`) + len(name)
	if old, was := e.props[name]; was {
		e.total -= old + around
		delete(e.props, name)
	}
	if value != "" {
		size := len(changeset.AppendJSONString(nil, value))
		e.props[name] = size
		e.total += size + around
	}
}

// What a change and a property take in a changeset beside what the line says of them, in bytes at most.
const (
	aroundChange = 300
	aroundProp   = 40
)

// checkSize reports that the changeset of a line, or a record with it, is too large. Few lines come near: for them the sizes are
// found exactly when the source is read once more.
func (p *past) checkSize(c *changeset.Changeset, bytes, olds int, exactly bool) error {
	around := aroundChange // a changeset
	for i := range c.Changes {
		around += aroundChange + aroundProp*len(c.Changes[i].Props)
	}
	large := bytes+olds+around > changeset.MaxSize
	if !exactly {
		for i := 0; large && i < len(c.Changes); i++ {
			p.doubt[c.Changes[i].Record.UUID] = true
		}
		return nil
	}
	if large {
		if err := changeset.CheckSize(len(c.Changes), len(c.Encode())+olds); err != nil {
			return &fieldError{"", fmt.Errorf("with the values that it replaces it makes %w", err)}
		}
	}
	for i := range c.Changes {
		e := p.exact[c.Changes[i].Record.UUID]
		if err := changeset.CheckRecordSize(len(e.props), e.total+len("{}")); err != nil {
			return &fieldError{fmt.Sprintf("changes[%d]", i), fmt.Errorf("it makes %w", err)}
		}
	}
	return nil
}
