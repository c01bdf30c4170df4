package replica

import (
	"context"

	"github.com/google/uuid"
)

// TypeCount is a record type, how many living records it has, and how many of them have each property.
type TypeCount struct {
	Type    string
	Records int
	Props   map[string]int // by name
}

// CountTypes returns the types of which there are living records, sorted by name. It reads every record.
func (r *Replica) CountTypes(ctx context.Context) ([]TypeCount, error) {
	types, err := r.log.Types()
	if err != nil {
		return nil, err
	}
	ids, err := r.LocalIDs()
	if err != nil {
		return nil, err
	}
	var counts []TypeCount
	for _, typ := range types {
		c, err := r.log.countType(ctx, typ, ids)
		if err != nil {
			return nil, err
		}
		if c.Records > 0 {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

// countType counts the records that have a local id: others are left of what the log lost.
func (l *Log) countType(ctx context.Context, typ string, ids map[uuid.UUID]uint32) (TypeCount, error) {
	c := TypeCount{Type: typ, Props: map[string]int{}}
	for rec, err := range l.Records(typ) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return c, err
		}
		if ids[rec.UUID] == 0 {
			continue
		}
		props, ok, err := l.listedProps(rec)
		if err != nil {
			return c, err
		}
		if !ok {
			continue
		}
		c.Records++
		for name := range props {
			c.Props[name]++
		}
	}
	return c, nil
}

// CountRecords returns how many records live and how many are deleted, those of an exported copy excepted, which does not
// say. It reads the last row of every record's index.
func (r *Replica) CountRecords(ctx context.Context) (living, deleted int, err error) {
	ids, err := r.LocalIDs()
	if err != nil && !isDamage(err) {
		return 0, 0, err
	}
	types, err := r.log.Types()
	if err != nil {
		return 0, 0, err
	}
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
	return living, deleted, nil
}
