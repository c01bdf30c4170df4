package simulation

import (
	"crypto/sha1"
	"strings"

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
	log := m.r.Resolutions()
	ballots := map[uuid.UUID]map[string]string{}
	last := map[uuid.UUID]uint32{}
	for row, err := range log.Rows(1, log.Latest()) {
		if err != nil {
			return nil, err
		}
		c, err := log.Changeset(row)
		if err != nil {
			return nil, err
		}
		for _, ch := range c.Changes {
			voter := c.ID.Origin
			if c.Bookkeeping() || ch.Record.UUID != voter || strings.TrimPrefix(ch.Record.Type, voteType) != fingerprint {
				continue
			}
			if c.ID.Seq < last[voter] { // a later change came first
				return nil, fail("log", "vote %s of %s stands below a later one", c.ID, voter)
			}
			last[voter] = c.ID.Seq
			apply(ballots, voter, &ch)
		}
	}
	return ballots, nil
}

func apply(ballots map[uuid.UUID]map[string]string, voter uuid.UUID, ch *changeset.Change) {
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
