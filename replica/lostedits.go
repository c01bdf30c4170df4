package replica

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"

	"prophet/changeset"
)

// lostEdits are the edits that a log has lost. Of each it is read only when that is asked for whether it is one, and what is left of it: most edits of others do not build on it.
type lostEdits struct {
	l *Log

	mu      sync.Mutex
	listed  map[changeset.ID]changeset.Row        // what may be one, as [LostFile] has it
	known   map[changeset.ID]*changeset.Changeset // of those that were asked for, what is left; nil of what is no lost edit
	all     bool                                  // every one is known, and these are:
	touched map[changeset.RecordID]changeset.ID   // the newest that touched it
	blind   changeset.ID                          // one of which it is not known what it touched; zero if there is none
}

// listedEdits are those of rows that are listed as lost. What can be read still is not; and bookkeeping is no edit: nothing hangs on it.
func (l *Log) listedEdits(rows map[uint32]changeset.Row) *lostEdits {
	e := &lostEdits{l: l, listed: map[changeset.ID]changeset.Row{}, known: map[changeset.ID]*changeset.Changeset{}}
	for _, row := range rows {
		e.listed[row.ID] = row
	}
	return e
}

// lostBefore are edits that were lost, of which what was left is listed still.
func (l *Log) lostBefore(back []changeset.Row) (*lostEdits, error) {
	rows, err := l.lostRows()
	if err != nil {
		return nil, err
	}
	e := l.listedEdits(nil)
	for _, row := range back {
		left, err := l.readLeft(rows[row.Seq])
		if err != nil {
			return nil, err
		}
		if !left.Bookkeeping() {
			e.add(row, left)
		}
	}
	return e, nil
}

// first returns the first row that may be of one.
func (e *lostEdits) first() uint32 {
	first := uint32(math.MaxUint32)
	for _, row := range e.listed {
		first = min(first, row.Seq)
	}
	return first
}

// has reports whether a changeset is a lost edit.
func (e *lostEdits) has(id changeset.ID) (bool, error) {
	left, err := e.leftOf(id)
	return left != nil, err
}

// leftOf returns what is left of a lost edit; nil if it is none.
func (e *lostEdits) leftOf(id changeset.ID) (*changeset.Changeset, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.left(id)
}

// inOrder returns what may be one, in the order of the log.
func (e *lostEdits) inOrder() []changeset.Row {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rows()
}

func (e *lostEdits) rows() []changeset.Row {
	return slices.SortedFunc(maps.Values(e.listed), func(a, b changeset.Row) int { return cmp.Compare(a.Seq, b.Seq) })
}

func (e *lostEdits) left(id changeset.ID) (*changeset.Changeset, error) {
	listed, may := e.listed[id]
	if left, known := e.known[id]; known || !may {
		return left, nil
	}
	var left *changeset.Changeset
	if _, lost := e.l.lostNow(listed); lost {
		var err error
		if left, err = e.l.readLeft(listed); err != nil {
			return nil, err
		}
	}
	if left != nil && left.Bookkeeping() {
		left = nil
	}
	e.known[id] = left
	return left, nil
}

// of returns the newest lost edit that touched a record, or may have, because it is not known what it touched; zero if there is none. That reads what is left of all, the first time.
func (e *lostEdits) of(rec changeset.RecordID) (changeset.ID, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.load()
	return cmp.Or(e.touched[rec], e.blind), err
}

// any reports whether an edit is lost. That reads what is left of all, the first time.
func (e *lostEdits) any() (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.load()
	return len(e.touched) > 0 || !e.blind.IsZero(), err
}

// load reads what is left of all.
func (e *lostEdits) load() error {
	if e.all {
		return nil
	}
	e.touched = map[changeset.RecordID]changeset.ID{}
	for _, row := range e.rows() {
		left, err := e.left(row.ID)
		if err != nil {
			return err
		}
		if left != nil {
			e.note(row.ID, left)
		}
	}
	e.all = true
	return nil
}

// note takes note of what a lost edit touched.
func (e *lostEdits) note(id changeset.ID, left *changeset.Changeset) {
	if len(left.Changes) == 0 {
		e.blind = id
	}
	for i := range left.Changes {
		e.touched[left.Changes[i].Record] = id
	}
}

// add takes note of one more edit that is lost, after the others.
func (e *lostEdits) add(row changeset.Row, left *changeset.Changeset) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known[row.ID] != nil {
		return
	}
	e.listed[row.ID], e.known[row.ID] = row, left
	if e.all {
		e.note(row.ID, left)
	}
}
