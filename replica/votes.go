package replica

import (
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// voteType begins the type of a vote; the fingerprint of the conflict follows.
const voteType = "_prophet_resolution-"

// metaProp is the property of a vote that holds the kind of the change that was decided.
const metaProp = "_meta"

// vote writes what the changeset decides into the resolutions replica, in the form of format 1, for replicas of the original and for
// conflicts that others meet later.
func (tx *Tx) vote(c *changeset.Changeset) error {
	for i := range c.Changes {
		ch := &c.Changes[i]
		result, err := tx.Merged(ch.Record)
		if err != nil {
			return err
		}
		for _, answer := range answersIn(ch, result) {
			if err := tx.res.cast(answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// cast logs a vote of ours. All of them have the UUID of our voter, so each is a changeset of its own.
func (t *txLog) cast(a answer) error {
	vote, err := t.voteChange(a)
	if err != nil {
		return err
	}
	one := t.ownChangeset()
	one.Changes = append(one.Changes, vote)
	return t.add(one)
}

// answer is a decision on the conflict of that fingerprint.
type answer struct {
	fingerprint string
	props       map[string]string
}

// answersIn returns the votes that a change amounts to: one for each property that it decides, and for several the one that the original looks for.
func answersIn(ch *changeset.Change, result *resolution.Result) []answer {
	if ch.Kind == changeset.Delete {
		return nil
	}
	var answers []answer
	var decided []resolution.Conflict
	joint := map[string]string{metaProp: "update_file"}
	for _, c := range result.Conflicts {
		pc, writes := ch.Props[c.Prop]
		if !writes {
			continue
		}
		decided = append(decided, c)
		joint[c.Prop] = pc.New.Text
		answers = append(answers, answer{c.Fingerprint, nonEmpty(map[string]string{metaProp: "update_file", c.Prop: pc.New.Text})})
	}
	if len(decided) > 1 {
		answers = append(answers, answer{resolution.JointFingerprint(ch.Record, decided), nonEmpty(joint)})
	}
	return answers
}

// voteChange is our vote, or what changes our earlier one.
func (t *txLog) voteChange(a answer) (changeset.Change, error) {
	rec := changeset.RecordID{Type: voteType + a.fingerprint, UUID: t.self}
	s, err := t.state(rec)
	if err != nil {
		return changeset.Change{}, err
	}
	ch := difference(rec, s.exists, s.props, true, a.props)
	if ch == nil {
		ch = sameState(rec, true)
	}
	ch.Parents = s.settledHeads()
	if !s.settled && !s.wasNever() {
		result, err := t.merge(rec, s)
		if err != nil {
			return changeset.Change{}, err
		}
		ch.Parents = result.Heads
	}
	return *ch, nil
}

// votesOn returns the answers to a conflict. Of each voter only what its own replica wrote counts.
func (t *txLog) votesOn(fingerprint string) ([]map[string]string, error) {
	typ := voteType + fingerprint
	voters := map[changeset.RecordID]bool{}
	for rec, err := range t.Records(typ) {
		if err != nil {
			return nil, err
		}
		voters[rec] = true
	}
	for rec := range t.states {
		if rec.Type == typ {
			voters[rec] = true
		}
	}
	var answers []map[string]string
	for _, rec := range sorted(voters) {
		s, err := t.state(rec)
		if err != nil {
			return nil, err
		}
		if s.wasNever() {
			continue
		}
		t.tx.newVote = t.tx.newVote || len(s.rows) > 0
		entries, err := t.load(rec, s)
		if err != nil {
			return nil, err
		}
		if answer := ownVote(rec, entries); answer != nil {
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// ownVote is what the changes to a vote that the voter itself made come to, in the order of their numbers; nil if nothing is left. So it
// depends on new values alone, and not on the representations in which the changes are known.
func ownVote(rec changeset.RecordID, entries []resolution.Entry) map[string]string {
	var own []resolution.Entry
	for _, e := range entries {
		if e.ID.Origin == rec.UUID {
			own = append(own, e)
		}
	}
	slices.SortFunc(own, func(a, b resolution.Entry) int { return a.ID.Compare(b.ID) })
	exists, props := false, map[string]string(nil)
	for _, e := range own {
		exists, props = Replay(exists, props, e.Change)
	}
	if !exists {
		return nil
	}
	return props
}
