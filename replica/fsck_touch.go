package replica

import (
	"encoding/binary"
	"slices"

	"prophet/changeset"
)

// touch is what a check keeps of a row of the log for one record that its changeset touches, of a local id, or of a record's index that was met.
type touch struct {
	kind  touchKind
	rec   changeset.RecordID
	row   uint32
	flags flags // noted of the row, if it is
	alone bool  // the changeset has no other change
	c     *changeset.Changeset
}

type touchKind byte

const (
	touchChange touchKind = iota // c has the change to the record, and no other
	touchID                      // it has a local id
	touchIndex                   // there is an index of it
)

// appendRecord appends what names a record.
func appendRecord(b []byte, rec changeset.RecordID) []byte {
	return append(appendText(b, rec.Type), rec.UUID[:]...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValue(b []byte, v changeset.Value) []byte {
	if !v.Set {
		return append(b, 0)
	}
	return appendText(append(b, 1), v.Text)
}

func appendID(b []byte, id changeset.ID) []byte {
	return binary.BigEndian.AppendUint32(append(b, id.Origin[:]...), id.Seq)
}

func appendFlag(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendTouch appends a touch as parseTouch reads it; it begins with its record.
func appendTouch(b []byte, t *touch, ch *changeset.Change) []byte {
	b = append(appendRecord(b, t.rec), byte(t.kind))
	if t.kind == touchIndex {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, t.row)
	if t.kind == touchID {
		return b
	}
	b = appendFlag(append(b, byte(t.flags)), t.alone)
	b = appendValue(appendText(appendID(b, t.c.ID), t.c.Created), t.c.Creator)
	b = appendFlag(appendFlag(appendFlag(b, t.c.Nullification), t.c.Resolution), t.c.Lost)
	b = append(b, byte(ch.Kind), 0)
	if ch.Parents != nil {
		b[len(b)-1] = 1
		b = binary.AppendUvarint(b, uint64(len(ch.Parents)))
		for _, p := range ch.Parents {
			b = appendID(b, p)
		}
	}
	b = appendID(b, ch.CopyOf)
	b = binary.AppendUvarint(b, uint64(len(ch.Props)))
	for name, pc := range ch.Props {
		b = appendValue(appendValue(appendText(b, name), pc.Old), pc.New)
	}
	return b
}

// touchReader reads what was appended.
type touchReader []byte

func (r *touchReader) take(n int) []byte {
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *touchReader) number() int {
	n, k := binary.Uvarint(*r)
	r.take(k)
	return int(n)
}

func (r *touchReader) text() string   { return string(r.take(r.number())) }
func (r *touchReader) flag() bool     { return r.take(1)[0] == 1 }
func (r *touchReader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }

func (r *touchReader) value() (v changeset.Value) {
	if r.flag() {
		v = changeset.Text(r.text())
	}
	return v
}

func (r *touchReader) id() (id changeset.ID) {
	copy(id.Origin[:], r.take(16))
	id.Seq = r.uint32()
	return id
}

func (r *touchReader) record() (rec changeset.RecordID) {
	rec.Type = r.text()
	copy(rec.UUID[:], r.take(16))
	return rec
}

// parseTouch reads an entry.
func parseTouch(entry []byte) *touch {
	r := touchReader(entry)
	t := &touch{rec: r.record(), kind: touchKind(r.take(1)[0])}
	if t.kind == touchIndex {
		return t
	}
	if t.row = r.uint32(); t.kind == touchID {
		return t
	}
	t.flags, t.alone = flags(r.take(1)[0]), r.flag()
	t.c = &changeset.Changeset{ID: r.id(), Created: r.text(), Creator: r.value(), Nullification: r.flag(), Resolution: r.flag(), Lost: r.flag()}
	t.c.Changes = []changeset.Change{r.change(t.rec)}
	return t
}

func (r *touchReader) change(rec changeset.RecordID) changeset.Change {
	ch := changeset.Change{Record: rec, Kind: changeset.Kind(r.take(1)[0])}
	if r.flag() {
		ch.Parents = make([]changeset.ID, r.number())
		for i := range ch.Parents {
			ch.Parents[i] = r.id()
		}
	}
	ch.CopyOf = r.id()
	n := r.number()
	ch.Props = make(map[string]changeset.PropChange, n)
	for range n {
		name := r.text()
		old := r.value()
		ch.Props[name] = changeset.PropChange{Old: old, New: r.value()}
	}
	return ch
}

// touchedRecord is all that a check knows of one record. One without changes or local ids has an index alone, which was met where all are listed.
type touchedRecord struct {
	rec     changeset.RecordID
	changes []*touch // in the order of the log
	ids     int      // local ids
}

// rows returns the numbers of the rows that touch the record.
func (t *touchedRecord) rows() (rows []uint32) {
	for _, c := range t.changes {
		rows = append(rows, c.row)
	}
	return rows
}

// at returns the changeset of a row that touches the record, with the change to it; nil for another row.
func (t *touchedRecord) at(row uint32) *touch {
	i, ok := slices.BinarySearchFunc(t.changes, row, func(c *touch, row uint32) int { return int(int64(c.row) - int64(row)) })
	if !ok {
		return nil
	}
	return t.changes[i]
}
