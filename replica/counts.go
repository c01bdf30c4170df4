package replica

import (
	"cmp"
	"context"
)

// TypeCount is a record type, how many living records it has, and how many of them have each property.
type TypeCount struct {
	Type    string
	Records int
	Props   map[string]int // by name
}

// CountTypes returns the types of which there are living records, sorted by name. It reads every record.
func (r *Replica) CountTypes(ctx context.Context) (counts []TypeCount, err error) {
	for rec, err := range r.All("") {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if n := len(counts); n == 0 || counts[n-1].Type != rec.ID.Type {
			counts = append(counts, TypeCount{Type: rec.ID.Type, Props: map[string]int{}})
		}
		c := &counts[len(counts)-1]
		c.Records++
		for name := range rec.Props {
			c.Props[name]++
		}
	}
	return counts, nil
}

// CountRecords returns how many records live and how many are deleted, those of an exported copy excepted, which does not
// say. It reads the last row of every record's index. Where one is damaged the others are counted all the same, and the error is that of the first.
func (r *Replica) CountRecords(ctx context.Context) (living, deleted int, err error) {
	ids, err := r.LocalIDs()
	if err != nil && !isDamage(err) {
		return 0, 0, err
	}
	types, err := r.log.Types()
	if err != nil {
		return 0, 0, err
	}
	var damaged error
	for _, typ := range types {
		for rec, err := range r.log.Records(typ) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return living, deleted, err
			}
			v, ok, err := r.log.Present(rec)
			switch {
			case isDamage(err):
				damaged = cmp.Or(damaged, err)
			case err != nil:
				return living, deleted, err
			case ids != nil && ids[rec.UUID] == 0: // left of what the log lost
			case ok && v.Deleted():
				deleted++
			case ok:
				living++
			}
		}
	}
	return living, deleted, damaged
}
