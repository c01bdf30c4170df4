package simulation

import (
	"slices"

	"prophet/changeset"
)

// known is how one replica knows the edits in its log.
type known struct {
	ids  map[int][]changeset.ID // several, if copies of a replica were made and mended apart
	bare set                    // those whose makers' parents it does not know, as if they were made with the original
}

// known looks through the member's log.
func (m *member) known() (*known, error) {
	k := &known{ids: map[int][]changeset.ID{}}
	for row, err := range m.r.Log().Rows(1, m.r.Latest()) {
		if err != nil {
			return nil, err
		}
		n, err := m.edit(row)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			continue
		}
		k.ids[n] = append(k.ids[n], row.ID)
		bare, err := m.knowsBare(row)
		if err != nil {
			return nil, err
		}
		if bare {
			k.bare.add(n)
		}
	}
	return k, nil
}

// knowsBare reports whether the best that the member knows of the changeset in a row does not say what its maker had seen.
func (m *member) knowsBare(row changeset.Row) (bool, error) {
	if tells, err := m.r.Log().Tells(row); err != nil || tells {
		return false, err
	}
	log := m.r.Log()
	best, ok, err := m.r.BestRow(row.ID)
	if err != nil {
		return false, err
	}
	if ok {
		row = best
		if log, err = m.r.Representations(); err != nil {
			return false, err
		}
	}
	c, err := log.Changeset(row)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Parents == nil }), nil
}

// checkTold makes sure that nothing which was read in the log of its maker is known without what the maker had seen.
func (m *member) checkTold(by *member) error {
	if by.old == nil {
		return nil
	}
	k, err := m.known()
	if err != nil {
		return err
	}
	for n, ids := range k.ids {
		if ids[0].Origin == by.uuid() && k.bare.has(n) {
			return fail("parents", "%s read %s in the log of %s, and does not know what %s had seen", m.Name, m.w.account.edits[n], by.Name, by.Name)
		}
	}
	return nil
}

// twice reports whether an edit bears two names.
func (k *known) twice(n int) bool { return len(k.ids[n]) > 1 }

// less returns what is listed, sorted, without those edits that bear two names and that others have seen under the one: they are listed once more
// under the other.
func (k *known) less(listed, rivals []int) []int {
	listed = slices.Compact(slices.Sorted(slices.Values(listed)))
	return slices.DeleteFunc(listed, func(n int) bool { return k.twice(n) && !slices.Contains(rivals, n) })
}
