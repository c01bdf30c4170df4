package simulation

import (
	"crypto/sha1"
	"maps"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// reckonVotes holds who wins a conflict for now against the votes in the replica's log of them, counted in the plainest way.
func (m *member) reckonVotes(rec changeset.RecordID, result *resolution.Result, c *resolution.Conflict) error {
	if c.Fingerprint != fingerprint(rec, c) {
		return fail("votes", "the conflict about %s of %s has the fingerprint %s", c.Prop, name(rec), c.Fingerprint)
	}
	own, err := m.ballots()
	if err != nil {
		return err
	}
	best := elect(own, c.Fingerprint)
	if best == "" {
		if best = jointly(own, rec, result.Conflicts, c.Prop); best != "" {
			m.w.note(jointSettles)
		}
	}
	switch {
	case best == "" && c.Why == resolution.WhyVote:
		return fail("votes", "%s of %s has no votes, but %q holds by one", c.Prop, name(rec), c.Value)
	case best == "":
		return nil
	case c.Why != resolution.WhyVote:
		return fail("votes", "%s of %s has the vote %s, but %q holds by %q", c.Prop, name(rec), best, c.Value, c.Why)
	}
	answer, err := changeset.DecodeRecord([]byte(best))
	if err == nil && answer[c.Prop] != c.Value {
		return fail("votes", "%s of %s has the vote %s, but %q holds", c.Prop, name(rec), best, c.Value)
	}
	return err
}

// fingerprint is that of the distinct values, null left out, and of the least of the old values that rivals name.
func fingerprint(rec changeset.RecordID, c *resolution.Conflict) string {
	values, olds := map[string]bool{}, map[string]bool{}
	for _, r := range c.Rivals {
		values[r.Value] = true
		if pc, named := r.Change.Props[c.Prop]; named {
			olds[pc.Old.Text] = true
		}
	}
	delete(values, "")
	clash := changeset.Clash{Name: c.Prop, Choices: slices.Sorted(maps.Keys(values))}
	if least := slices.Sorted(maps.Keys(olds)); len(least) > 0 {
		clash.OldValue = changeset.TextOrNull(least[0])
	}
	return changeset.Fingerprint(rec, []changeset.Clash{clash})
}

// elect returns the answer with most votes on conflicts of these fingerprints, then the one with the smallest hash; "" if there is none.
func elect(own []*changeset.Changeset, fingerprints ...string) (best string) {
	counts := map[string]int{}
	for _, fingerprint := range fingerprints {
		for _, props := range cast(own, fingerprint) {
			if props != nil {
				counts[string(changeset.EncodeRecord(props))]++
			}
		}
	}
	for answer, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && hash(answer) < hash(best) {
			best = answer
		}
	}
	return best
}

// jointly returns the answer to this and other conflicts of the record at once, of which there are no more than four: the fewest first, then by name,
// in any order.
func jointly(own []*changeset.Changeset, rec changeset.RecordID, open []resolution.Conflict, prop string) string {
	if len(open) > 4 {
		return ""
	}
	for size := 2; size <= len(open); size++ {
		for _, some := range choose(open, size) {
			if !slices.ContainsFunc(some, func(c resolution.Conflict) bool { return c.Prop == prop }) {
				continue
			}
			var prints []string
			for _, ordered := range orders(some) {
				prints = append(prints, resolution.JointFingerprint(rec, ordered))
			}
			if best := elect(own, prints...); best != "" {
				return best
			}
		}
	}
	return ""
}

// choose returns all parts of so many conflicts, in their order.
func choose(from []resolution.Conflict, size int) (parts [][]resolution.Conflict) {
	if size == 0 {
		return [][]resolution.Conflict{nil}
	}
	for i := range from {
		for _, rest := range choose(from[i+1:], size-1) {
			parts = append(parts, append([]resolution.Conflict{from[i]}, rest...))
		}
	}
	return parts
}

// orders returns conflicts in all orders.
func orders(of []resolution.Conflict) (all [][]resolution.Conflict) {
	if len(of) == 0 {
		return [][]resolution.Conflict{nil}
	}
	for i := range of {
		for _, rest := range orders(slices.Delete(slices.Clone(of), i, i+1)) {
			all = append(all, append([]resolution.Conflict{of[i]}, rest...))
		}
	}
	return all
}

func hash(answer string) string {
	h := sha1.Sum([]byte(answer))
	return string(h[:])
}

// ballots returns the changesets of votes in the member's log, in the order of their numbers.
func (m *member) ballots() ([]*changeset.Changeset, error) {
	var own []*changeset.Changeset
	log := m.r.Resolutions()
	for row, err := range log.Rows(1, log.Latest()) {
		if err != nil {
			return nil, err
		}
		c, err := log.Changeset(row)
		if err != nil {
			return nil, err
		}
		if !c.Bookkeeping() {
			own = append(own, c)
		}
	}
	slices.SortFunc(own, func(a, b *changeset.Changeset) int { return a.ID.Compare(b.ID) })
	return own, nil
}

// cast returns the votes on a conflict: of each voter what its own changes come to; nil if it took it back.
func cast(own []*changeset.Changeset, fingerprint string) map[uuid.UUID]map[string]string {
	ballots := map[uuid.UUID]map[string]string{}
	for _, c := range own {
		if ch := c.Change(changeset.RecordID{Type: voteType + fingerprint, UUID: c.ID.Origin}); ch != nil {
			ballots[c.ID.Origin] = revised(ballots[c.ID.Origin], ch)
		}
	}
	return ballots
}

// revised is a vote after what its voter says next.
func revised(vote map[string]string, ch *changeset.Change) map[string]string {
	if ch.Kind == changeset.Delete {
		return nil
	}
	if vote == nil {
		vote = map[string]string{}
	}
	for prop, pc := range ch.Props {
		if pc.New.Text == "" {
			delete(vote, prop)
		} else {
			vote[prop] = pc.New.Text
		}
	}
	return vote
}
