package sync

import "fmt"

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

// endsWithKnown reports whether the last row of the source is known here, with the same bytes. A log without rows ends with nothing else.
func (s *side) endsWithKnown() (bool, error) {
	if s.from.Latest() == 0 {
		return true, nil
	}
	last, err := s.from.Row(s.from.Latest())
	if err != nil {
		return false, err
	}
	seq, known, err := s.lookup(s.peer.Moved.ID(s.peer.Stretches.ID(last.ID)))
	if err != nil || !known {
		return false, err
	}
	mine, err := s.to().Row(seq)
	return mine.Key == last.Key, err
}
