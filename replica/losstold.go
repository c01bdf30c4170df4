package replica

import (
	"fmt"
	"slices"
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
	mu    sync.Mutex
	told  bool           // that something is, for which other edits wait
	hold  bool           // until the transaction is made
	quiet int            // how many read the replica who say it themselves
	busy  bool           // somebody looks whether something waits
	met   []changeset.ID // what was passed over, and was not looked at yet
	old   bool           // look is of a state before
	look  *Replica       // the same replica, in which that is looked up, by whoever is busy; nil until it is opened
}

// warnLost says that a changeset was passed over, if something waits for it: once, and in a transaction after it. What nothing waits for nobody has to know; and who reads a mirror can do nothing about it.
// heard is false where somebody says it himself meanwhile.
func (r *Replica) warnLost(id changeset.ID) (heard bool) {
	if r.opts.Warn == nil || r.opts.Mirror {
		return true
	}
	r.loss.mu.Lock()
	heard = r.loss.quiet == 0
	if heard && !r.loss.told {
		r.loss.met = append(r.loss.met, id)
	}
	r.loss.mu.Unlock()
	r.tellLoss()
	return heard
}

// tellLoss looks at what was passed over. It reads the replica as whoever opens it now: what is being read when a lost changeset is met may be under any lock.
func (r *Replica) tellLoss() {
	for {
		r.loss.mu.Lock()
		if r.loss.told || r.loss.hold || r.loss.quiet > 0 || r.loss.busy || len(r.loss.met) == 0 {
			r.loss.mu.Unlock()
			return
		}
		id := r.loss.met[0]
		r.loss.met, r.loss.busy = r.loss.met[1:], true
		if r.loss.old {
			r.loss.old, r.loss.look = false, nil
		}
		r.loss.mu.Unlock()
		text := r.lossText(id)
		r.loss.mu.Lock()
		tell := text != "" && !r.loss.told
		r.loss.busy, r.loss.told = false, r.loss.told || tell
		r.loss.mu.Unlock()
		if tell {
			r.warn(text)
		}
	}
}

// lossText says that a changeset is lost, if something of the records that it touched waits; of one of which that is not known, if anything does. It is "" if nothing does, or that cannot be read.
func (r *Replica) lossText(id changeset.ID) string {
	if r.loss.look == nil {
		look, err := Open(r.fs, Options{Where: r.opts.Where, Sleep: r.opts.Sleep})
		if err != nil {
			return ""
		}
		r.loss.look = look
	}
	l := r.loss.look.log
	if !l.waitsFor(id) {
		return ""
	}
	lost, err := l.LostEdits()
	switch {
	case err != nil:
		return ""
	case len(lost) == 1:
		return fmt.Sprintf(`changeset %s of %s is lost, and what builds on it goes to nobody who lacks it; `+LossRemedies, id, r.where(), "it")
	}
	return fmt.Sprintf(`%d changesets of %s are lost, %s is one of them, and what builds on them goes to nobody who lacks them; `+LossRemedies, len(lost), r.where(), id, "them")
}

// waitsFor reports whether something waits of the records that a lost edit touched. What is no such edit nothing waits for.
func (l *Log) waitsFor(id changeset.ID) bool {
	h, err := l.hanging()
	if err != nil || h == nil {
		return false
	}
	left, err := h.lost.leftOf(id)
	if err != nil || left == nil {
		return false
	}
	if len(left.Changes) == 0 {
		recs, err := l.Waiting()
		return err == nil && len(recs) > 0
	}
	return slices.ContainsFunc(left.Changes, func(ch changeset.Change) bool {
		waits, err := l.Waits(ch.Record)
		return err == nil && waits
	})
}

// warnOfAllLost is for who lists records: what they show is read without their changesets, so that none is met that is lost.
func (r *Replica) warnOfAllLost() {
	if r.opts.Warn == nil || r.opts.Mirror {
		return
	}
	h, err := r.log.hanging()
	if err != nil || h == nil {
		return // that it cannot be read is told elsewhere
	}
	var blind changeset.ID // one is enough: all that waits is looked for
	for _, row := range h.lost.inOrder() {
		left, err := h.lost.leftOf(row.ID)
		switch {
		case err != nil || left == nil:
		case len(left.Changes) == 0:
			blind = row.ID
		default:
			r.log.gone.tell(row.ID)
		}
	}
	if !blind.IsZero() {
		r.log.gone.tell(blind)
	}
}

// WarnOfLoss is for who shows a record as it is, for which no changeset is read: it warns, as a reader of its history is warned, if something waits of it for what is lost.
func (r *Replica) WarnOfLoss(rec changeset.RecordID) error {
	lost, err := r.log.lostRows()
	if err != nil || len(lost) == 0 {
		return err
	}
	rows, err := r.log.rowsOf(rec)
	if err != nil {
		return err
	}
	for _, seq := range rows {
		if row, is := lost[seq]; is {
			r.log.gone.tell(row.ID)
		}
	}
	return nil
}

// LossRemedies says what can be done about what is lost. It has a place for "it" or "them".
const LossRemedies = `"prophet fsck --repair" looks for %s, "prophet fsck --repair --release" goes on without`

// LossIsTold keeps the replica from warning of what is lost until the function that it returns is called, because whoever reads it says so himself. What others meet meanwhile is told when they meet it again.
func (r *Replica) LossIsTold() (over func()) {
	r.loss.mu.Lock()
	r.loss.quiet++
	r.loss.mu.Unlock()
	return func() {
		r.loss.mu.Lock()
		r.loss.quiet--
		r.loss.mu.Unlock()
		r.tellLoss()
	}
}

// holdLoss keeps what is lost from being told until the function that it returns is called.
func (r *Replica) holdLoss() (tell func()) {
	r.loss.mu.Lock()
	r.loss.hold = true
	r.loss.mu.Unlock()
	return func() {
		r.loss.mu.Lock()
		r.loss.hold, r.loss.old = false, true
		r.loss.mu.Unlock()
		r.tellLoss()
	}
}

// warnCopied says of an edit that was made that what waited was copied.
func (r *Replica) warnCopied(id changeset.ID) {
	r.loss.mu.Lock()
	r.loss.told = true // which this says too
	r.loss.mu.Unlock()
	r.warn(fmt.Sprintf(`changeset %s of %s is lost: what the record became by it, and since, is copied now, so that others get it with this edit; "prophet fsck --repair" looks for what is lost`, id, r.where()))
}
