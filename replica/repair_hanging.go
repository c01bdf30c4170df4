package replica

import "fmt"

// hungBefore notes that the records are to be merged anew of which something hung on what came back: it counts again, in the place of its copies.
func (x *lostRepair) hungBefore() error {
	if x.l.prefix != "" || len(x.back) == 0 {
		return nil
	}
	lost, err := x.l.lostBefore(x.back)
	if err != nil {
		return err
	}
	recs, err := x.l.touchedBy(x.l.hangingOn(lost))
	for rec := range recs {
		x.p.mergeOne(x.l, rec)
	}
	return err
}

func recordsWord(n int) string {
	if n == 1 {
		return "a record"
	}
	return fmt.Sprintf("%d records", n)
}
