package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
)

// Entry is a row of a log, and the bytes of its changeset; nil if that is lost.
type Entry struct {
	Row changeset.Row
	Raw []byte
}

// encoder makes the content of a frame.
type encoder struct {
	book
	cols    [columns][]byte
	values  [][]byte
	rows    int
	json    int // bytes of the changesets
	text    map[string]int
	origin  map[uuid.UUID]int
	record  map[changeset.RecordID]int
	list    map[string]int
	asItIs  bool // all of them
	scratch []string
}

func newEncoder(asItIs bool) *encoder {
	return &encoder{book: book{columns: map[int]int{}}, asItIs: asItIs,
		text: map[string]int{}, origin: map[uuid.UUID]int{}, record: map[changeset.RecordID]int{}, list: map[string]int{}}
}

func (e *encoder) put(col, n int)              { e.cols[col] = binary.AppendUvarint(e.cols[col], uint64(n)) }
func (e *encoder) putSigned(col int, n int64)  { e.cols[col] = binary.AppendVarint(e.cols[col], n) }
func (e *encoder) putByte(col int, b byte)     { e.cols[col] = append(e.cols[col], b) }
func (e *encoder) putBytes(col int, b []byte)  { e.cols[col] = append(e.cols[col], b...) }
func (e *encoder) putString(col int, s string) { e.cols[col] = append(e.cols[col], s...) }

// add adds a row.
func (e *encoder) add(it Entry) {
	e.rows++
	e.json += len(it.Raw)
	if it.Raw == nil {
		e.putByte(colRows, rowLost)
		e.cols[colOdd] = appendLost(e.cols[colOdd], it.Row)
		return
	}
	if c, err := changeset.Decode(it.Raw); err == nil && !e.asItIs && inColumns(c) && bytes.Equal(c.Encode(), it.Raw) {
		e.addPlain(c)
		return
	}
	e.putByte(colRows, rowVerbatim)
	e.put(colOdd, len(it.Raw))
	e.putBytes(colOdd, it.Raw)
}

// inColumns reports whether the columns can hold a changeset: copies, which are rare, have none, and texts end with a NUL in those of values.
func inColumns(c *changeset.Changeset) bool {
	for i := range c.Changes {
		if !c.Changes[i].CopyOf.IsZero() {
			return false
		}
		for _, p := range c.Changes[i].Props {
			if strings.IndexByte(p.Old.Text, 0) >= 0 || strings.IndexByte(p.New.Text, 0) >= 0 {
				return false
			}
		}
	}
	return true
}

func (e *encoder) addPlain(c *changeset.Changeset) {
	kind := byte(rowPlain)
	if c.Nullification {
		kind |= flagNullification
	}
	if c.Resolution {
		kind |= flagResolution
	}
	e.putByte(colRows, kind)
	o := e.originOf(c.ID.Origin, colIDs)
	e.putSigned(colIDs, int64(c.ID.Seq)-int64(e.origins[o].next))
	e.origins[o].next = c.ID.Seq + 1
	e.addDate(c.Created)
	e.addText(colMakers, c.Creator.Text)
	e.put(colRecords, len(c.Changes))
	for i := range c.Changes {
		e.addChange(c.ID, &c.Changes[i])
	}
}

// addText puts the number of a text into a column.
func (e *encoder) addText(col int, s string) int {
	n, known := e.text[s]
	if !known {
		n = len(e.texts)
		e.text[s], e.texts = n, append(e.texts, s)
		e.put(colTexts, len(s))
		e.putString(colTexts, s)
	}
	e.put(col, n)
	return n
}

// originOf puts the number of an origin into a column.
func (e *encoder) originOf(u uuid.UUID, col int) int {
	n, known := e.origin[u]
	if !known {
		n = len(e.origins)
		e.origin[u], e.origins = n, append(e.origins, origin{u, 1})
		e.putBytes(colUUIDs, u[:])
	}
	e.put(col, n)
	return n
}

func (e *encoder) addDate(text string) {
	t, err := time.Parse(changeset.TimeFormat, text)
	if err != nil || t.Format(changeset.TimeFormat) != text {
		e.put(colDates, 0)
		e.addText(colDates, text)
		return
	}
	e.put(colDates, 1)
	e.putSigned(colDates, t.Unix()-e.date)
	e.date = t.Unix()
}

func (e *encoder) addChange(id changeset.ID, ch *changeset.Change) {
	n, known := e.record[ch.Record]
	if known {
		e.put(colRecords, 1+n)
	} else {
		n = len(e.records)
		e.record[ch.Record], e.records = n, append(e.records, &touched{rec: ch.Record})
		e.put(colRecords, 0)
		e.addText(colRecords, ch.Record.Type)
		e.putBytes(colUUIDs, ch.Record.UUID[:])
	}
	t := e.records[n]
	e.addParents(id, ch, t)
	t.last = id
	names := e.scratch[:0]
	for name := range ch.Props {
		names = append(names, name)
	}
	slices.Sort(names)
	e.scratch = names
	for i, name := range e.addNames(names) {
		e.addProp(t, name, ch.Props[names[i]])
	}
}

func (e *encoder) addParents(id changeset.ID, ch *changeset.Change, t *touched) {
	kind := byte(ch.Kind)
	derived := slices.Equal(ch.Parents, []changeset.ID{t.last})
	if t.last.IsZero() {
		derived = len(ch.Parents) == 0
	}
	switch {
	case ch.Parents == nil:
		e.putByte(colKinds, kind|parentsUnknown)
	case derived:
		e.putByte(colKinds, kind|parentsDerived)
	default:
		e.putByte(colKinds, kind|parentsGiven)
		e.put(colParents, len(ch.Parents))
		for _, p := range ch.Parents {
			e.originOf(p.Origin, colParents)
			e.putSigned(colParents, int64(id.Seq)-int64(p.Seq))
		}
	}
}

// addNames puts a list of names into its column, and returns their numbers.
func (e *encoder) addNames(names []string) []int {
	key := strings.Join(names, "\x00") // no name has one but among others: then the list is another one, and no harm is done
	if n, known := e.list[key]; known && slices.EqualFunc(e.lists[n], names, func(text int, name string) bool { return e.texts[text] == name }) {
		e.put(colNames, n)
		return e.lists[n]
	}
	n := len(e.lists)
	e.put(colNames, n)
	e.put(colNames, len(names))
	list := make([]int, len(names))
	for i, name := range names {
		list[i] = e.addText(colNames, name)
	}
	e.list[key], e.lists = n, append(e.lists, list)
	return list
}

func (e *encoder) addProp(t *touched, name int, p changeset.PropChange) {
	mode := byte(oldDerived)
	switch {
	case p.Old == t.values[name]:
	case !p.Old.Set:
		mode = oldNull
	default:
		mode = oldGiven
		e.addValue(name, p.Old.Text)
	}
	if p.New.Set {
		mode |= newGiven
		e.addValue(name, p.New.Text)
	}
	e.putByte(colModes, mode)
	t.set(name, p.New)
}

// addValue adds a text to the values of a name.
func (e *encoder) addValue(name int, text string) {
	n, known := e.columns[name]
	if !known {
		n = len(e.values)
		e.columns[name], e.values = n, append(e.values, nil)
	}
	e.values[n] = append(append(e.values[n], text...), 0)
}

// content returns the content of the frame: how many rows; the length of each column; how many columns of values, and the length of each; then all of them.
func (e *encoder) content() []byte {
	all := slices.Concat(e.cols[:], e.values)
	b := binary.AppendUvarint(nil, uint64(e.rows))
	b = binary.AppendUvarint(b, uint64(len(e.values)))
	for _, c := range all {
		b = binary.AppendUvarint(b, uint64(len(c)))
	}
	for _, c := range all {
		b = append(b, c...)
	}
	return b
}
