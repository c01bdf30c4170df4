package replicatest

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/replica"
)

// CheckHaving asks for the records that have a value, for each value that the last so many records have, and returns an error unless that finds the same as
// reading all.
func CheckHaving(r *replica.Replica, last int) error {
	all, order := map[replica.Having][]changeset.RecordID{}, []map[string]string{}
	for rec, err := range r.All("") {
		if err != nil {
			return err
		}
		for name, value := range rec.Props {
			h := replica.Having{Property: name, Value: value}
			all[h] = append(all[h], rec.ID)
		}
		order = append(order, rec.Props)
	}
	asked := map[replica.Having]bool{}
	for _, props := range order[max(0, len(order)-last):] {
		for _, name := range slices.Sorted(maps.Keys(props)) {
			h := replica.Having{Property: name, Value: props[name]}
			if asked[h] {
				continue
			}
			asked[h] = true
			found, err := having(r, h)
			if err == nil && !slices.Equal(found, all[h]) {
				err = fmt.Errorf("%d records are found whose %q is %q, there are %d", len(found), h.Property, h.Value, len(all[h]))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// having returns the records that have the value, of those found by asking for it.
func having(r *replica.Replica, h replica.Having) (found []changeset.RecordID, err error) {
	for rec, err := range r.AllHaving("", h) {
		if err != nil {
			return nil, err
		}
		if rec.Props[h.Property] == h.Value {
			found = append(found, rec.ID)
		}
	}
	return found, nil
}
