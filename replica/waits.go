package replica

import (
	"fmt"
	"math"
	"sync"

	"prophet/changeset"
)

// An edit that builds on a lost changeset goes to nobody who lacks that one: a pull passes over what is lost, and over what builds on it. So whoever makes one is told.

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

// waitsFor returns a lost changeset on which another one builds, itself or by what it names as parents, as a pull sees it; the zero ID if there is none. No row before the first lost one is read.
func (t *txLog) waitsFor(c *changeset.Changeset) (changeset.ID, error) {
	lost, err := t.LostEdits()
	if err != nil || len(lost) == 0 {
		return changeset.ID{}, err
	}
	is, seen := map[changeset.ID]bool{}, map[changeset.ID]bool{}
	for _, row := range lost {
		is[row.ID] = true
	}
	type made struct {
		*changeset.Changeset
		row uint32
	}
	for rest := []made{{c, math.MaxUint32}}; len(rest) > 0; {
		at := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		for _, ch := range at.Changes {
			if ch.Parents == nil && at.row > lost[0].Seq {
				return lost[0].ID, nil // what its maker had seen it does not say
			}
			for _, id := range ch.Parents {
				switch row, known, err := t.lookup(id); {
				case err != nil:
					return changeset.ID{}, err
				case is[id]:
					return id, nil
				case !known || seen[id] || row < lost[0].Seq:
				default:
					parent, err := t.changeset(row)
					if err != nil {
						return changeset.ID{}, err
					}
					seen[id] = true
					rest = append(rest, made{parent, row})
				}
			}
		}
	}
	return changeset.ID{}, nil
}

// noteWaits notes on which lost changeset one of our own builds.
func (tx *Tx) noteWaits(c *changeset.Changeset) (err error) {
	if tx.waits.IsZero() {
		tx.waits, err = tx.main.waitsFor(c)
	}
	return err
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

// warnWaits says of an edit that was made that others do not get it.
func (r *Replica) warnWaits(id changeset.ID) {
	r.loss.mu.Lock()
	r.loss.told = true // which this says too
	r.loss.mu.Unlock()
	r.warn(fmt.Sprintf(`changeset %s of %s is lost, and this edit builds on it: nobody who lacks it gets this edit before it is back; "prophet fsck --repair" looks for it`, id, r.where()))
}
