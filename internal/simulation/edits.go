package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// props are the writes as a map.
func (s Step) props() map[string]string {
	props := map[string]string{}
	for _, w := range s.Writes {
		props[w.Prop] = w.Value
	}
	return props
}

// write makes an edit and checks that it came to what was asked.
func (m *member) write(s Step) error {
	var asked []changeset.RecordID
	edited, err := m.r.Edit(context.Background(), func(e *replica.Edit) (err error) {
		asked, err = m.ask(e, s)
		return err
	})
	if err != nil {
		return err
	}
	if !edited.ID.IsZero() && (s.Do != UpdateTwo || len(asked) > 1) {
		m.w.took()
	}
	for _, rec := range asked {
		if err := m.checkWritten(rec, s); err != nil {
			return err
		}
	}
	return nil
}

// records are those that the step writes.
func (s Step) records() []changeset.RecordID {
	switch s.Do {
	case UpdateTwo:
		if s.Also != s.Record {
			return []changeset.RecordID{record(s.Record), record(s.Also)}
		}
	case Set:
		return []changeset.RecordID{setting(s.Record)}
	}
	return []changeset.RecordID{record(s.Record)}
}

// can reports whether the step can be done to a record, given whether it lives.
func (s Step) can(lives bool) bool {
	return s.Do == Set || lives != (s.Do == Create || s.Do == Restore)
}

// ask does what the step says to the records for which it can be done, and returns them.
func (m *member) ask(e *replica.Edit, s Step) (asked []changeset.RecordID, err error) {
	for _, rec := range s.records() {
		_, lives, err := e.Props(rec)
		if err != nil {
			return nil, err
		}
		if !s.can(lives) {
			continue
		}
		asked = append(asked, rec)
		if err := m.askOne(e, s, rec, lives); err != nil {
			return nil, err
		}
	}
	return asked, nil
}

func (m *member) askOne(e *replica.Edit, s Step, rec changeset.RecordID, lives bool) error {
	switch {
	case s.Do == Create:
		m.next = rec.UUID
		_, err := e.Create(rec.Type, s.props())
		return err
	case s.Do == Delete:
		return e.Delete(rec)
	case lives:
		return e.Update(rec, s.props())
	case s.Do == Set:
		return e.Restore(rec, map[string]string{"label": labels[s.Record-1], "content": s.Writes[0].Value})
	}
	return e.Restore(rec, s.props())
}

// checkWritten holds what the record shows after an edit against what was asked.
func (m *member) checkWritten(rec changeset.RecordID, s Step) error {
	props, lives, err := m.r.Log().Props(rec)
	if err != nil {
		return err
	}
	if lives == (s.Do == Delete) {
		return fail("account", "%s: lives: %v", name(rec), lives)
	}
	if s.Do == Create || s.Do == Restore {
		if left := s.leftOver(props); left != "" {
			return fail("account", "%s was made anew without %s and shows %s=%s", name(rec), left, left, props[left])
		}
	}
	for _, w := range s.Writes {
		if lives && props[w.Prop] != w.Value {
			return fail("account", "%s was asked to write %s=%s and shows %s=%s", name(rec), w.Prop, w.Value, w.Prop, props[w.Prop])
		}
		if err := m.checkDecided(rec, w.Prop); err != nil {
			return err
		}
	}
	return nil
}

// leftOver returns a property that a record shows though the step made it without; "" if there is none.
func (s Step) leftOver(props map[string]string) string {
	named := s.props()
	for prop := range props {
		if _, ok := named[prop]; !ok && prop != "creator" && prop != "original_replica" {
			return prop
		}
	}
	return ""
}

// decide settles one of the open conflicts, in one of the ways that there are, and checks that it is settled.
func (m *member) decide(s Step) error {
	open, err := m.conflicts(s)
	if err != nil || len(open) == 0 {
		return err
	}
	m.w.took()
	o := open[s.Pick%len(open)]
	props := []string{}
	_, err = m.r.Edit(context.Background(), func(e *replica.Edit) (err error) {
		props, err = settle(e, o, s)
		return err
	})
	if err != nil {
		return err
	}
	return m.checkDecided(o.Record, props...)
}

// conflicts returns the open conflicts among which a step chooses.
func (m *member) conflicts(s Step) ([]replica.OpenConflict, error) {
	open, err := m.r.Conflicts()
	other := func(o replica.OpenConflict) bool { return o.Record.Type != changeset.SettingsType }
	if about := slices.DeleteFunc(slices.Clone(open), other); s.Settings && len(about) > 0 {
		return about, err
	}
	return open, err
}

// settle settles the conflicts about these properties of a record, "" for its existence.
func settle(e *replica.Edit, o replica.OpenConflict, s Step) (props []string, err error) {
	choices := replica.Choices(o.Result)
	switch s.Pick / 7 % 4 {
	case 0: // all about the record, for one rival each
		for _, c := range choices {
			props = append(props, c.Prop)
		}
		return props, e.Take(o.Record, "latest")
	case 1:
		if o.Existence != nil {
			return []string{""}, e.Keep(o.Record)
		}
	case 2: // for a value that nobody wrote
		if len(o.Conflicts) > 0 {
			prop := o.Conflicts[s.Pick%len(o.Conflicts)].Prop
			return []string{prop}, e.Update(o.Record, map[string]string{prop: "decided"})
		}
	}
	c := choices[s.Pick%len(choices)]
	return []string{c.Prop}, e.Take(o.Record, fmt.Sprint(c.N))
}

// checkDecided makes sure that conflicts are settled that were decided or written to, "" for the record's existence.
func (m *member) checkDecided(rec changeset.RecordID, props ...string) error {
	result, err := m.r.Merged(rec)
	if err != nil {
		return err
	}
	for _, prop := range props {
		if prop == "" && result.Existence != nil || result.Conflict(prop) != nil {
			return fail("account", "the conflict about %q of %s was decided and is still open", prop, name(rec))
		}
	}
	return nil
}

// outsider is somebody of whom nothing but votes is ever seen: the log of them, and what they say.
type outsider struct {
	votes []*changeset.Changeset
	says  map[changeset.RecordID]map[string]string
}

// outsider returns the outsider of that number.
func (w *world) outsider(n int) *outsider {
	if w.outsiders[n] == nil {
		w.outsiders[n] = &outsider{says: map[changeset.RecordID]map[string]string{}}
	}
	return w.outsiders[n]
}

func outsiderID(n int) uuid.UUID { return numbered(900 + n) }

// outsiderVotes lets an outsider vote on an open conflict, and integrates what the outsider has voted so far, in its order, as if it were pulled. Where it
// says that it is another's vote, it must not count.
func (m *member) outsiderVotes(s Step) error {
	open, err := m.conflicts(s)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(o replica.OpenConflict) bool { return len(o.Conflicts) == 0 })
	if len(open) == 0 {
		return nil
	}
	fingerprint, answer := answerTo(open[s.Pick%len(open)], s)
	o := m.w.outsider(s.Cut)
	o.vote(changeset.RecordID{Type: voteType + fingerprint, UUID: outsiderID(s.Also)}, answer, outsiderID(s.Cut), m.w.now)
	m.w.took()
	return m.r.Update(context.Background(), func(tx *replica.Tx) error {
		for _, vote := range o.votes {
			if _, err := tx.IntegrateVote(vote); err != nil {
				return err
			}
		}
		return nil
	})
}

// vote adds a vote to the outsider's log, if it says something else than the one on the same conflict before. It names no parents, as in a log of the original.
func (o *outsider) vote(rec changeset.RecordID, answer map[string]string, as uuid.UUID, now time.Time) {
	kind, said := changeset.Update, o.says[rec]
	if said == nil {
		kind = changeset.Create
	}
	props := map[string]changeset.PropChange{}
	for name, value := range answer {
		if said[name] != value {
			props[name] = changeset.PropChange{Old: changeset.TextOrNull(said[name]), New: changeset.TextOrNull(value)}
		}
	}
	if len(props) == 0 {
		return
	}
	o.says[rec] = answer
	o.votes = append(o.votes, &changeset.Changeset{
		ID:      changeset.ID{Origin: as, Seq: uint32(len(o.votes) + 1)},
		Created: now.Format(changeset.TimeFormat),
		Creator: changeset.Text("outsider"),
		Changes: []changeset.Change{{Record: rec, Kind: kind, Props: props}},
	})
}

// answerTo is a vote on one conflict of a record; or, as only the original's users cast them, on two at once, in one order or the other.
func answerTo(o replica.OpenConflict, s Step) (fingerprint string, answer map[string]string) {
	c := o.Conflicts[s.Pick%len(o.Conflicts)]
	about := []resolution.Conflict{c}
	if other := o.Conflicts[s.Pick/5%len(o.Conflicts)]; s.Pick/3%2 == 0 && other.Prop != c.Prop {
		about = append(about, other)
	}
	answer = map[string]string{"_meta": "update_file"}
	for _, c := range about {
		answer[c.Prop] = c.Rivals[s.Pick%len(c.Rivals)].Value
	}
	return resolution.JointFingerprint(o.Record, about), answer
}

// voteType begins the type of a vote; the fingerprint of the conflict follows.
const voteType = "_prophet_resolution-"

// describe lists property changes: " a: 1 -> 2".
func describe(props map[string]changeset.PropChange) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(props)) {
		fmt.Fprintf(&b, " %s: %q -> %q", name, props[name].Old.Text, props[name].New.Text)
	}
	return b.String()
}
