package sync_test

import (
	"fmt"
	"maps"
	"testing"

	"prophet/replica"
	psync "prophet/sync"
)

// Replicas of ours agree whatever those of the original among them make of the changesets that they pass on. The larger
// simulation has more of ours and all that people do with them; here is more of what only the original does.
func TestReplicasAgreeWithThoseOfTheOriginalAmongThem(t *testing.T) {
	for _, links := range []links{all, far, door} {
		t.Run(string(links), func(t *testing.T) {
			for n := range max(1, *histories/20) {
				m := newMixed(t, *seed+uint64(n), 2+n%2, 1+n/2%2, links)
				for range 40 {
					m.step()
				}
				m.check()
				m.gossip(m.size())
				m.gossip(m.ours())
				m.check()
				m.checkNothingLost()
				m.checkAgreement()
			}
		})
	}
}

// check holds every replica against fsck.
func (m *mixed) check() {
	for i := range m.size() {
		m.must(replica.Check(m.t.Context(), m.fs(i), replica.Options{}, func(p replica.Problem) {
			m.fatal("replica %d: %s: %s", i, p.Path, p.Text)
		}, nil))
	}
}

// gossip lets the first n, those that meet, pull from each other until nothing comes any more.
func (m *mixed) gossip(n int) {
	for range 10 {
		quiet := true
		for i := range n {
			for j := range n {
				if m.links.meet(i, j, m.ours()) {
					quiet = !m.pull(i, j, psync.PreferNone) && quiet
				}
			}
		}
		if quiet {
			return
		}
	}
	m.fatal("still not quiet after ten rounds")
}

// checkNothingLost looks in every replica of ours for every edit that stands in any log.
func (m *mixed) checkNothingLost() {
	for i := range m.size() {
		from := m.open(i)
		for row, err := range from.Log().Rows(1, from.Latest()) {
			m.must(err)
			c, err := from.Log().Changeset(row)
			m.must(err)
			for k, r := range m.replicas {
				_, known, err := r.Lookup(row.ID)
				m.must(err)
				if !known && !c.Bookkeeping() {
					m.fatal("replica %d has not %s, which is in the log of %d", k, row.ID, i)
				}
			}
		}
	}
}

// checkAgreement holds the replicas of ours against each other.
func (m *mixed) checkAgreement() {
	want, open := shown(m.t, m.replicas[0]), m.conflicts(m.replicas[0])
	for i, r := range m.replicas[1:] {
		got := shown(m.t, r)
		for typ := range want {
			if !maps.EqualFunc(got[typ], want[typ], maps.Equal[map[string]string, map[string]string]) {
				m.fatal("replica %d shows %v, replica 0 %v", i+1, got, want)
			}
		}
		if other := m.conflicts(r); len(got) != len(want) || fmt.Sprint(other) != fmt.Sprint(open) {
			m.fatal("replica %d has open %v, replica 0 %v", i+1, other, open)
		}
	}
}

// conflicts describes what is open in a replica.
func (m *mixed) conflicts(r *replica.Replica) (all []string) {
	open, err := r.Conflicts()
	m.must(err)
	for _, o := range open {
		all = append(all, fmt.Sprint(o.Record, " existence ", o.Existence != nil))
		for _, p := range o.Conflicts {
			all = append(all, fmt.Sprint(p.Prop, p.Value, p.Why, p.Fingerprint))
			for _, rival := range p.Rivals {
				all = append(all, fmt.Sprint(rival.ID, rival.Value))
			}
		}
	}
	return all
}
