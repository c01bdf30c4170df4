package simulation

import (
	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// Effects says how often what took effect in a history: the actions of its steps, by name, and what came of them.
type Effects map[string]int

// What comes of actions.
const (
	settingContested = "a setting is in conflict"
	settingVoted     = "a vote settles a setting otherwise"
	voteSettles      = "a vote settles otherwise"
	jointSettles     = "a vote on several properties settles"
	ruleSettles      = "a rule settles"
	ruleAsks         = "a rule asks"
	sumOfEquals      = "equal values are summed"
	apart            = "edits are named anew"
	joined           = "a better representation is taken up"
)

// took notes that the step took effect.
func (w *world) took() { w.note(string(w.step.Do)) }

func (w *world) note(effect string) {
	if w != nil { // a set has none
		w.did[effect]++
	}
}

// noteConflicts notes what settles the open conflicts of a member for now.
func (w *world) noteConflicts(open []replica.OpenConflict) {
	for _, o := range open {
		for i := range o.Conflicts {
			w.noteConflict(o.Record, &o.Conflicts[i])
		}
	}
}

func (w *world) noteConflict(rec changeset.RecordID, c *resolution.Conflict) {
	setting, turned := rec.Type == changeset.SettingsType, c.Value != c.Rivals[0].Value
	if setting {
		w.note(settingContested)
	}
	switch {
	case c.Why == resolution.WhyVote && turned && setting:
		w.note(settingVoted)
	case c.Why == resolution.WhyVote && turned:
		w.note(voteSettles)
	case c.Why == resolution.WhyRule:
		w.note(ruleSettles)
	case c.Why == resolution.WhyAsk:
		w.note(ruleAsks)
	}
	if c.Why == resolution.WhyRule && !disagree(c.Rivals) {
		w.note(sumOfEquals)
	}
}

// disagree reports whether rivals wrote several values.
func disagree(rivals []resolution.Rival) bool {
	for _, r := range rivals {
		if r.Value != rivals[0].Value {
			return true
		}
	}
	return false
}
