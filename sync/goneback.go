package sync

import (
	"fmt"

	"prophet/changeset"
	"prophet/replica"
)

// WentBackError says that a mirror, or an exported copy, no longer has the rows that were read there: see docs/adr/0014-mirrors-that-go-back.md. Nothing was changed.
type WentBackError struct {
	Where     string // the mirror
	What      string // in words, which of its logs
	Read, Has uint32 // rows that were read before, and that it has now
	Earlier   bool   // what it has now is known here: it shows an earlier state
}

func (e *WentBackError) Error() string {
	if e.Earlier {
		return fmt.Sprintf("%s shows an earlier state than it did before: its %s ends with row %d, and was read up to %d", e.Where, e.What, e.Has, e.Read)
	}
	return fmt.Sprintf("%s went back: its %s, which ends with row %d, is not the one that was read up to %d", e.Where, e.What, e.Has, e.Read)
}

// refuseGoneBack returns a [WentBackError] if the source, of which a log no longer has what was read of it, is a mirror, and not one that is being written anew, or
// an exported copy.
func (p *pull) refuseGoneBack(s *side) error {
	if mirror, err := p.sourceIsMirror(); err != nil || !mirror {
		return err
	}
	back := &WentBackError{Where: p.from.Where(), What: s.what, Read: s.read, Has: s.from.Latest()}
	if back.Has >= back.Read {
		return back
	}
	var err error
	if back.Earlier, err = s.endsWithKnown(); err != nil {
		return err
	}
	return back
}

// sourceIsMirror reports whether nobody edits what the source is: a mirror whose mark names its last rows or states, one that
// the original made, or an exported copy.
func (p *pull) sourceIsMirror() (bool, error) {
	at, err := placeOf(p.from)
	if err != nil || !at.Copy {
		return false, err
	}
	ours, err := p.sourceIsOurs()
	if err != nil || !ours {
		return err == nil, err
	}
	_, told, err := p.from.Mark()
	return told, err
}

// endsWithKnown reports whether the last row of the source that a puller integrates is known here, with the same bytes. A log without such rows ends with nothing else.
func (s *side) endsWithKnown() (bool, error) {
	if s.from.Latest() == 0 {
		return true, nil
	}
	last, err := s.lastOrdinary()
	if err != nil || last.Seq == 0 {
		return err == nil, err
	}
	seq, known, err := s.lookup(s.peer.Moved.ID(s.peer.Stretches.ID(last.ID)))
	if err != nil || !known {
		return false, err
	}
	mine, err := s.to().Row(seq)
	return mine.Key == last.Key, err
}

// lastOrdinary returns the last row of the source that is no bookkeeping, which nobody else ever has; the zero row if there is none. Of bookkeeping it looks at no
// more than a tail, and takes the row before that.
func (s *side) lastOrdinary() (row changeset.Row, err error) {
	for seq := s.from.Latest(); seq > 0; seq-- {
		if row, err = s.from.Row(seq); err != nil || s.from.Latest()-seq >= replica.TailRows {
			return row, err
		}
		if c, err := s.from.Changeset(row); err != nil || !c.Bookkeeping() {
			return row, err
		}
	}
	return changeset.Row{}, nil
}
