package replica

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
)

// hungBefore notes that the records are to be merged anew of which something hung on what came back: what was made again of that counts beside it from now on.
func (x *lostRepair) hungBefore() error {
	if x.l.prefix != "" || len(x.back) == 0 {
		return nil
	}
	h, err := x.l.hangingOn(x.back)
	if err != nil {
		return err
	}
	recs, err := x.l.touchedBy(h)
	if err != nil {
		return err
	}
	twice := 0
	for _, rec := range sorted(recs) {
		x.p.mergeOne(x.l, rec)
		again, err := x.l.madeAgain(h, rec)
		if err != nil {
			return err
		}
		if again {
			twice++
		}
	}
	if twice > 0 {
		x.p.tell(x.l.prefix+LostFile, IsFetched, "in %s what had built on that was made again: both count there, as edits that have not seen each other", recordsWord(twice))
	}
	if x.p.how.Twice != nil {
		x.p.how.Twice(twice)
	}
	return nil
}

// madeAgain reports whether what hangs of a record was made again: a later change that was made here does not hang.
func (l *Log) madeAgain(h *hanging, rec changeset.RecordID) (bool, error) {
	rows, err := l.rowsOf(rec)
	if err != nil {
		return false, err
	}
	hung := false
	for _, seq := range rows {
		c, err := l.at(seq)
		if err != nil {
			return false, err
		}
		if c.Bookkeeping() {
			continue
		}
		wrote, err := l.Wrote(c.ID)
		if err != nil {
			return false, err
		}
		hangs, err := h.has(c.ID)
		if err != nil {
			return false, err
		}
		if hung && wrote && !hangs {
			return true, nil
		}
		hung = hung || hangs
	}
	return false, nil
}

func recordsWord(n int) string {
	if n == 1 {
		return "a record"
	}
	return fmt.Sprintf("%d records", n)
}

// hangsNow notes that the records are to be merged anew of which something hangs on what is found to be lost now: what was made again of it before counts in its place.
func (x *lostRepair) hangsNow() error {
	if x.l.prefix != "" {
		return nil
	}
	var news []changeset.Row
	for _, seq := range slices.Sorted(maps.Keys(x.lost)) {
		if _, listed := x.listed[seq]; !listed {
			news = append(news, x.lost[seq])
		}
	}
	if len(news) == 0 {
		return nil
	}
	h, err := x.l.hangingOn(news)
	if err != nil {
		return err
	}
	return x.mergeTouched(h)
}

func (x *lostRepair) mergeTouched(h *hanging) error {
	recs, err := x.l.touchedBy(h)
	for rec := range recs {
		x.p.mergeOne(x.l, rec)
	}
	return err
}
