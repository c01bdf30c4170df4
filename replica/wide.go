package replica

import (
	"hash/maphash"
	"slices"
	"sync"

	"prophet/changeset"
)

// A changeset of many records is asked for again for each of them, by lists of records and as part of their histories. What was read of those that
// have manyChanges or more is kept, as far as it is not too much.
const (
	manyChanges = 16
	maxKept     = 16 << 20 // bytes of the texts of changesets that are kept, a single one of more excepted
	maxTouched  = 4 << 20  // records of which it is kept which rows touch them, 8 bytes each
)

// A changeset of few is asked for again while one record is looked at: whether it touches the record, then as part of its history. So the last few that
// were read are kept too.
const (
	lastKept  = 16
	smallText = 16 << 10 // bytes of the text of such a changeset at most
)

// wideRows are the rows of many changes of a log that were read, and the last few others. Rows do not change.
type wideRows struct {
	mu   sync.Mutex
	last [lastKept]struct { // in turn
		seq uint32
		c   *changeset.Changeset
	}
	next       int                             // of last, to be replaced
	changesets map[uint32]*changeset.Changeset // by row
	bytes      int                             // of their texts
	touched    map[uint32][]uint64             // hashes of the records that a row touches, sorted
	records    int                             // in them
	seed       maphash.Seed
}

// kept returns the changeset of a row if it is kept, else nil.
func (w *wideRows) kept(seq uint32) *changeset.Changeset {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.last {
		if r.seq == seq {
			return r.c
		}
	}
	return w.changesets[seq]
}

// keep keeps the changeset of a row, of so many bytes; others go where it would be too much.
func (w *wideRows) keep(seq uint32, c *changeset.Changeset, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(c.Changes) < manyChanges {
		if bytes <= smallText && !c.Lost { // a repair may put back what is lost
			w.last[w.next].seq, w.last[w.next].c = seq, c
			w.next = (w.next + 1) % lastKept
		}
		return
	}
	if w.changesets == nil || w.bytes+bytes > maxKept {
		w.changesets, w.bytes = map[uint32]*changeset.Changeset{}, 0
	}
	w.changesets[seq] = c
	w.bytes += bytes
}

// touches reports whether a row touches the record; known is false if that is not kept.
func (w *wideRows) touches(seq uint32, rec changeset.RecordID) (touches, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hashes, known := w.touched[seq]
	if !known {
		return false, false
	}
	_, touches = slices.BinarySearch(hashes, maphash.Comparable(w.seed, rec))
	return touches, true
}

// keepTouched keeps which records a row touches.
func (w *wideRows) keepTouched(seq uint32, c *changeset.Changeset) {
	if len(c.Changes) < manyChanges {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.touched == nil || w.records+len(c.Changes) > maxTouched {
		w.touched, w.records, w.seed = map[uint32][]uint64{}, 0, maphash.MakeSeed()
	}
	hashes := make([]uint64, 0, len(c.Changes))
	for i := range c.Changes {
		hashes = append(hashes, maphash.Comparable(w.seed, c.Changes[i].Record))
	}
	slices.Sort(hashes)
	w.touched[seq] = hashes
	w.records += len(hashes)
}

// at reads row seq and its changeset, which is shared: nobody may change it.
func (l *Log) at(seq uint32) (*changeset.Changeset, error) {
	if c := l.wide.kept(seq); c != nil {
		return c, nil
	}
	row, err := l.Row(seq)
	if err != nil {
		return nil, err
	}
	return l.kept(row)
}

// kept is [Log.Changeset] for a changeset that is shared: nobody may change it.
func (l *Log) kept(row changeset.Row) (*changeset.Changeset, error) {
	if c := l.wide.kept(row.Seq); c != nil {
		return c, nil
	}
	raw, c, err := l.RawChangeset(row)
	if c, err = l.orLeft(row, c, err); err == nil {
		l.wide.keep(row.Seq, c, len(raw))
	}
	return c, err
}

// touches reports whether the changeset of a row touches the record. Of all records of a log, it reads each changeset of many records once.
func (l *Log) touches(seq uint32, rec changeset.RecordID) (bool, error) {
	if touches, known := l.wide.touches(seq, rec); known {
		return touches, nil
	}
	c, err := l.at(seq)
	if err != nil {
		return false, err
	}
	l.wide.keepTouched(seq, c)
	return c.Change(rec) != nil, nil
}
