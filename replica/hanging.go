package replica

import (
	"cmp"
	"sync"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// What hangs on what is lost. A pull passes over lost edits, and over what builds on them, so what hangs on one goes to nobody who lacks it. See docs/adr/0020-lost.md.

// hanging tells which changesets of a log are lost edits, or build on such: by a parent, in any of the records that they touch, or because they do not say what their maker had seen of a
// record that a lost one touched.
type hanging struct {
	lost  *lostEdits
	first uint32 // no row before it is lost, or hangs
	find  func(changeset.ID) (row uint32, ok bool, err error)
	get   func(row uint32) (*changeset.Changeset, error)
	of    logState

	mu sync.Mutex
	on map[changeset.ID]changeset.ID // of those that were asked about, the lost edit that they hang on; zero if they do not
}

// logState is a log at a moment.
type logState struct {
	uuid   uuid.UUID
	latest uint32
}

// hanging returns what hangs on the lost edits of the log; nil if none is listed.
func (l *Log) hanging() (*hanging, error) {
	if l.gone == nil {
		return nil, nil
	}
	rows, err := l.lostRows()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	l.gone.mu.Lock()
	defer l.gone.mu.Unlock()
	if h := l.gone.hang; h == nil || h.of != (logState{l.uuid, l.latest}) {
		l.gone.hang = l.hangingOn(l.listedEdits(rows))
	}
	return l.gone.hang, nil
}

// hangingNow is hanging, but nil too if no edit is lost of what is listed. What is left of all is read for that.
func (l *Log) hangingNow() (*hanging, error) {
	h, err := l.hanging()
	if err != nil || h == nil {
		return nil, err
	}
	if any, err := h.lost.any(); err != nil || !any {
		return nil, err
	}
	return h, nil
}

// hangingOn returns what hangs on some edits of the log.
func (l *Log) hangingOn(lost *lostEdits) *hanging {
	h := &hanging{lost: lost, first: lost.first(), get: l.at, of: logState{l.uuid, l.latest}, on: map[changeset.ID]changeset.ID{}}
	rows := sync.OnceValues(func() (map[changeset.ID]uint32, error) {
		rows := map[changeset.ID]uint32{}
		for row, err := range l.Rows(h.first, l.latest) {
			if err != nil {
				return nil, err
			}
			rows[row.ID] = row.Seq
		}
		return rows, nil
	})
	h.find = func(id changeset.ID) (uint32, bool, error) {
		if id.Origin == l.uuid && id.Seq <= l.latest {
			if row, err := l.Row(id.Seq); err != nil || row.ID == id {
				return id.Seq, err == nil, err
			}
		}
		rows, err := rows()
		row, ok := rows[id]
		return row, ok, err
	}
	return h
}

// add takes note of one more row that is lost, or of other times and parents of a lost changeset. It reports whether that can be: rows come in their order.
func (h *hanging) add(row changeset.Row, left *changeset.Changeset) bool {
	if left.Bookkeeping() {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if row.Seq < h.first {
		return false
	}
	h.lost.add(row, left)
	h.on = map[changeset.ID]changeset.ID{}
	return true
}

// hanging is [Log.hanging] with what the transaction adds.
func (t *txLog) hanging() (*hanging, error) {
	if !t.hangKnown {
		h, err := t.Log.hanging()
		if err != nil {
			return nil, err
		}
		if h != nil {
			h = &hanging{lost: h.lost, first: h.first, find: t.lookup, get: t.changeset, on: map[changeset.ID]changeset.ID{}}
		}
		t.hang, t.hangKnown = h, true
	}
	return t.hang, nil
}

// has reports whether a changeset hangs on a lost edit, or is one. What cannot be read, and is not listed as lost, does not: somebody may have it.
func (h *hanging) has(id changeset.ID) (bool, error) {
	lost, err := h.under(id)
	return !lost.IsZero(), err
}

// under returns the lost edit that a changeset hangs on, or is; one of them, if it hangs on several; zero if [hanging.has] says that it does not.
func (h *hanging) under(id changeset.ID) (lost changeset.ID, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waits := map[changeset.ID][]changeset.ID{} // for what is known of its parents
	for rest := []changeset.ID{id}; len(rest) > 0; {
		at := rest[len(rest)-1]
		if _, known := h.on[at]; known {
			rest = rest[:len(rest)-1]
			continue
		}
		parents, again := waits[at]
		if !again {
			on, names, err := h.look(at)
			if err != nil {
				return changeset.ID{}, err
			}
			if !on.IsZero() || len(names) == 0 {
				h.on[at] = on
				continue
			}
			parents, waits[at] = names, names
		}
		more := len(rest)
		for _, p := range parents {
			_, known := h.on[p]
			if _, waiting := waits[p]; !known && !waiting { // what waits for itself is forged
				rest = append(rest, p)
			}
		}
		if again || len(rest) == more {
			for _, p := range parents {
				h.on[at] = cmp.Or(h.on[at], h.on[p])
			}
			rest = rest[:more]
		}
	}
	return h.on[id], nil
}

// look returns the lost edit that a changeset hangs on whatever its parents do, zero if there is none, and these.
func (h *hanging) look(id changeset.ID) (lost changeset.ID, parents []changeset.ID, err error) {
	if is, err := h.lost.has(id); is || err != nil {
		return id, nil, err
	}
	row, known, err := h.find(id)
	if err != nil || !known || row < h.first {
		return lost, nil, err
	}
	c, err := h.get(row)
	if isFault(err) {
		return lost, nil, nil
	}
	if err != nil || c.Bookkeeping() {
		return lost, nil, err
	}
	return h.lookAt(c)
}

// lookAt is look for an ordinary changeset that is at hand.
func (h *hanging) lookAt(c *changeset.Changeset) (lost changeset.ID, parents []changeset.ID, err error) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Parents == nil {
			if lost, err = h.lost.of(ch.Record); err != nil || !lost.IsZero() {
				return lost, nil, err
			}
		}
		parents = append(parents, ch.Parents...)
	}
	return lost, parents, nil
}

// meet takes note of an ordinary changeset that is about to come to the log.
func (h *hanging) meet(c *changeset.Changeset) error {
	lost, parents, err := h.lookAt(c)
	if err != nil {
		return err
	}
	for _, p := range parents {
		on, err := h.under(p)
		if err != nil {
			return err
		}
		lost = cmp.Or(lost, on)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.on[c.ID] = lost
	return nil
}

// mark lets the changes to a record know whether they hang: see [resolution.Entry].
func (h *hanging) mark(entries []resolution.Entry) (err error) {
	for i := range entries {
		if entries[i].Waits, err = h.has(entries[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// hangs reports whether a changeset that is about to come to the log hangs on what is lost.
func (t *txLog) hangs(c *changeset.Changeset) (bool, error) {
	if t.prefix != "" {
		return false, nil
	}
	h, err := t.hanging()
	if err != nil || h == nil {
		return false, err
	}
	if err := h.meet(c); err != nil {
		return false, err
	}
	return h.has(c.ID)
}
