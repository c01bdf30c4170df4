package simulation

import (
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/internal/replicatest"
)

// told is what the rows of a log tell, one after the other, to those who know nothing of the merge.
type told map[changeset.RecordID]map[string]string

// retell replays the member's log as the original does. Every ordinary changeset must find the old values that it names, for which
// nullifications stand before it, and in the end there must be what the replica shows.
func (m *member) retell() error {
	state := told{}
	for row, err := range m.r.Log().Rows(1, m.r.Latest()) {
		if err != nil {
			return err
		}
		c, err := m.r.Log().Changeset(row)
		if err != nil {
			return err
		}
		for i := range c.Changes {
			if prop, fits := state.fits(&c.Changes[i]); !fits && !c.Bookkeeping() {
				return fail("log", "%s: row %d, %s, does not find the old value of %q that it names", m.Name, row.Seq, &edit{c: c}, prop)
			}
			state.apply(&c.Changes[i])
		}
	}
	for _, rec := range m.w.account.records() {
		props, lives, err := m.r.Log().Props(rec)
		if err != nil {
			return err
		}
		if was, there := state[rec]; there != lives || !maps.Equal(was, props) {
			return fail("log", "%s: the log tells of %s%s, but it shows %v%s", m.Name, name(rec), replicatest.Values(was), lives, replicatest.Values(props))
		}
	}
	return nil
}

// fits reports whether a change finds what it names as the old values.
func (s told) fits(ch *changeset.Change) (prop string, fits bool) {
	props, lives := s[ch.Record]
	if ch.Kind == changeset.Delete {
		return "", true
	}
	if !lives && ch.Kind == changeset.Create {
		return "", true
	}
	for _, prop := range slices.Sorted(maps.Keys(ch.Props)) {
		if props[prop] != ch.Props[prop].Old.Text {
			return prop, false
		}
	}
	return "", lives
}

func (s told) apply(ch *changeset.Change) {
	if ch.Kind == changeset.Delete {
		delete(s, ch.Record)
		return
	}
	if s[ch.Record] == nil {
		s[ch.Record] = map[string]string{}
	}
	for prop, pc := range ch.Props {
		if pc.New.Text == "" {
			delete(s[ch.Record], prop)
		} else {
			s[ch.Record][prop] = pc.New.Text
		}
	}
}
