package sync

import (
	"iter"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// item is a row of the source.
type item struct {
	row   changeset.Row
	id    changeset.ID         // that its changeset has here
	mine  changeset.Row        // the row here with that ID, 0 if it is not known
	ahead *changeset.Changeset // what was fetched ahead, as the source has it
	from  *replica.Log         // where to read its changeset; nil if nothing about it is new
	read  *naming              // nil: as it is

	fromHere bool // it is the log here that it is read from
}

// naming is how a log of the source is read.
type naming struct {
	moves     changeset.Moves
	stretches changeset.Stretches
}

// id returns the name that a changeset of the source has here.
func (n *naming) id(id changeset.ID) changeset.ID {
	if n == nil {
		return id
	}
	return n.moves.ID(n.stretches.ID(id))
}

// differs reports whether the changeset is here with other bytes.
func (it item) differs() bool { return it.mine.Seq > 0 && it.mine.Key != it.row.Key }

// there returns the row that the changeset is to be read by, which is one of the log that it is read from.
func (it item) there() changeset.Row {
	if it.fromHere {
		return it.mine
	}
	return it.row
}

// apply gives the changeset of an item the names that it and its parents have here.
func (it item) apply(c *changeset.Changeset) {
	if it.read != nil {
		it.read.stretches.Apply(c)
		it.read.moves.Apply(c)
	}
}

// taken returns a copy of what was fetched ahead, to which names can be given; nil if nothing was.
func (it item) taken() *changeset.Changeset {
	if it.ahead == nil {
		return nil
	}
	c := *it.ahead
	c.Changes = slices.Clone(c.Changes)
	return &c
}

// items are rows of a log of the source that follow one another. A source may have millions that were never read, so an [entry] is kept of each, and made an item as it
// is asked for.
type items struct {
	first    uint32 // row of the source
	entries  []entry
	origins  []uuid.UUID
	numbers  map[uuid.UUID]uint32 // places in origins
	from, to *replica.Log         // the source's, and the one here
	read     *naming
	others   map[int][20]byte             // keys of the rows here, by place, where the bytes differ
	fetched  map[int]*changeset.Changeset // ahead, by place
}

// entry is what is kept of an item: 36 bytes.
type entry struct {
	origin, seq uint32 // the place of the origin, and the number there
	mine        uint32
	where       where
	key         [20]byte
}

// where is where the changeset of an item is read.
type where uint8

const (
	fromNowhere where = iota // nothing about it is new
	fromSource
	fromHere
)

// newItems returns none, with room for so many, from a row on.
func newItems(from *replica.Log, first uint32, room int) *items {
	return &items{first: first, entries: make([]entry, 0, room), numbers: map[uuid.UUID]uint32{}, from: from}
}

// add adds the next row.
func (l *items) add(row changeset.Row) {
	origin, ok := l.numbers[row.ID.Origin]
	if !ok {
		origin = uint32(len(l.origins))
		l.origins, l.numbers[row.ID.Origin] = append(l.origins, row.ID.Origin), origin
	}
	l.entries = append(l.entries, entry{origin: origin, seq: row.ID.Seq, key: row.Key, where: fromSource})
}

// dropFirst drops the first n items, and returns the rest. Nothing may have been noted of any yet: what is, is kept by place.
func (l *items) dropFirst(n int) *items {
	l.first, l.entries = l.first+uint32(n), l.entries[n:]
	return l
}

func (l *items) len() int { return len(l.entries) }

// row returns the row of the source, counted from 0.
func (l *items) row(i int) changeset.Row {
	e := &l.entries[i]
	return changeset.Row{Seq: l.first + uint32(i), ID: changeset.ID{Origin: l.origins[e.origin], Seq: e.seq}, Key: e.key}
}

// rows yields the rows from the i-th on.
func (l *items) rows(i int) iter.Seq[changeset.Row] {
	return func(yield func(changeset.Row) bool) {
		for ; i < l.len() && yield(l.row(i)); i++ {
		}
	}
}

// at returns an item, counted from 0.
func (l *items) at(i int) item {
	e := &l.entries[i]
	it := item{row: l.row(i), ahead: l.fetched[i], read: l.read}
	it.id = l.read.id(it.row.ID)
	if e.mine > 0 {
		it.mine = changeset.Row{Seq: e.mine, ID: it.id, Key: e.key}
		if key, differs := l.others[i]; differs {
			it.mine.Key = key
		}
	}
	switch e.where {
	case fromSource:
		it.from = l.from
	case fromHere:
		it.from, it.fromHere = l.to, true
	}
	return it
}

// all yields the items with their places.
func (l *items) all() iter.Seq2[int, item] {
	return func(yield func(int, item) bool) {
		for i := 0; i < l.len() && yield(i, l.at(i)); i++ {
		}
	}
}

// some yields the items of which is reports that they are meant.
func (l *items) some(is func(it item) bool) iter.Seq[item] {
	return func(yield func(item) bool) {
		for _, it := range l.all() {
			if is(it) && !yield(it) {
				return
			}
		}
	}
}

// any reports whether there is such an item.
func (l *items) any(is func(it item) bool) bool {
	for range l.some(is) {
		return true
	}
	return false
}

// span returns the items from one place on, so many at most.
func (l *items) span(from, n int) []item {
	list := make([]item, 0, min(n, l.len()-from))
	for i := from; len(list) < cap(list); i++ {
		list = append(list, l.at(i))
	}
	return list
}

// noteHere notes which row here an item is, and its key.
func (l *items) noteHere(i int, mine changeset.Row) {
	e := &l.entries[i]
	if e.mine = mine.Seq; mine.Key != e.key {
		l.others[i] = mine.Key
	}
}

// keep keeps a changeset that was fetched ahead.
func (l *items) keep(i int, c *changeset.Changeset) {
	if l.fetched == nil {
		l.fetched = map[int]*changeset.Changeset{}
	}
	l.fetched[i] = c
}
