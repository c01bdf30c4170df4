package simulation

import (
	"crypto/sha1"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// reckonVotes holds who wins a conflict for now against the votes on it in the replica's log of them, counted in the plainest way. What the original decides about
// several properties at once is left to the other oracles.
func (m *member) reckonVotes(rec changeset.RecordID, c *resolution.Conflict) error {
	ballots, err := m.ballots(c.Fingerprint)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, props := range ballots {
		if props != nil {
			counts[string(changeset.EncodeRecord(props))]++
		}
	}
	best := ""
	for answer, n := range counts {
		if best == "" || n > counts[best] || n == counts[best] && hash(answer) < hash(best) {
			best = answer
		}
	}
	switch {
	case best == "":
		return nil
	case c.Why != resolution.WhyVote:
		return fail("votes", "%s of %s has the votes %v, but %q holds by %q", c.Prop, name(rec), counts, c.Value, c.Why)
	}
	answer, err := changeset.DecodeRecord([]byte(best))
	if err == nil && answer[c.Prop] != c.Value {
		return fail("votes", "%s of %s has the votes %v, but %q holds", c.Prop, name(rec), counts, c.Value)
	}
	return err
}

func hash(answer string) string {
	h := sha1.Sum([]byte(answer))
	return string(h[:])
}

// ballots returns the votes on a conflict: of each voter what its own changes come to, in the order of their numbers; nil if it took it back.
func (m *member) ballots(fingerprint string) (map[uuid.UUID]map[string]string, error) {
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
	ballots := map[uuid.UUID]map[string]string{}
	for _, c := range own {
		if ch := c.Change(changeset.RecordID{Type: voteType + fingerprint, UUID: c.ID.Origin}); ch != nil {
			cast(ballots, c.ID.Origin, ch)
		}
	}
	return ballots, nil
}

// cast applies what a voter says to what it said before.
func cast(ballots map[uuid.UUID]map[string]string, voter uuid.UUID, ch *changeset.Change) {
	if ch.Kind == changeset.Delete {
		ballots[voter] = nil
		return
	}
	if ballots[voter] == nil {
		ballots[voter] = map[string]string{}
	}
	for prop, pc := range ch.Props {
		if pc.New.Text == "" {
			delete(ballots[voter], prop)
		} else {
			ballots[voter][prop] = pc.New.Text
		}
	}
}
