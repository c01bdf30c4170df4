package replica

import (
	"fmt"
	"sync"

	"prophet/changeset"
)

// LostEdits is [Log.Lost] without bookkeeping, which goes to nobody, so that nobody misses it.
func (l *Log) LostEdits() (edits []changeset.Row, err error) {
	lost, err := l.Lost()
	if err != nil {
		return nil, err
	}
	for _, row := range lost {
		listed, _, err := l.Left(row.Seq)
		if err != nil {
			return nil, err
		}
		if !l.left(listed).Bookkeeping() {
			edits = append(edits, row)
		}
	}
	return edits, nil
}

// lossTold is what was said of what is lost.
type lossTold struct {
	mu   sync.Mutex
	told bool         // that something is
	hold bool         // until the transaction is made
	held changeset.ID // what there is to say then; zero if nothing
}

// warnLost says that a changeset is passed over: once, and in a transaction after it.
func (r *Replica) warnLost(id changeset.ID) {
	r.loss.mu.Lock()
	told := r.loss.told || r.loss.hold
	if r.loss.hold {
		r.loss.held = id
	}
	r.loss.told = r.loss.told || !r.loss.hold
	r.loss.mu.Unlock()
	if !told {
		r.warn(fmt.Sprintf("changeset %s of %s is lost, and perhaps others: what is left of it counts until it comes back", id, r.where()))
	}
}

// holdLoss keeps what is lost from being told until the function that it returns is called.
func (r *Replica) holdLoss() (tell func()) {
	r.loss.mu.Lock()
	r.loss.hold, r.loss.held = true, changeset.ID{}
	r.loss.mu.Unlock()
	return func() {
		r.loss.mu.Lock()
		r.loss.hold = false
		held := r.loss.held
		r.loss.mu.Unlock()
		if !held.IsZero() {
			r.warnLost(held)
		}
	}
}

// warnCopied says of an edit that was made that what waited was copied.
func (r *Replica) warnCopied(id changeset.ID) {
	r.loss.mu.Lock()
	r.loss.told = true // which this says too
	r.loss.mu.Unlock()
	r.warn(fmt.Sprintf(`changeset %s of %s is lost: what the record became by it, and since, is copied now, so that others get it with this edit; "prophet fsck --repair" looks for what is lost`, id, r.where()))
}
