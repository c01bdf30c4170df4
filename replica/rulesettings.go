package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// RuleSetting is a rule that is set in a database.
type RuleSetting struct {
	Type, Prop string // what it is for
	Rule       resolution.Rule
	Record     changeset.RecordID // the settings record that holds it
	Set        bool               // there is such a record; else Rule is latest
	Unreadable string             // why nobody can read the record as that rule, in words; "" if it can be read
	Conflict   bool               // something about that is in conflict
	Rivals     []string           // what people have set in conflict, the latest first: names of rules; quoted, what is none
}

// Text returns the name of the rule that a value of the settings record's property stands for, else the value.
func (s *RuleSetting) Text(prop, value string) string {
	if rule, err := parseContent(value); err == nil && prop == contentProp {
		return string(rule)
	}
	return value
}

// RuleOf returns the rule that a settings record holds; ok is false if the record is something else.
func (r *Replica) RuleOf(rec changeset.RecordID) (s RuleSetting, ok bool, err error) {
	if rec.Type != changeset.SettingsType {
		return s, false, nil
	}
	props, _, err := r.log.Props(rec)
	if err != nil {
		return s, false, err
	}
	k, ok := ruledBy(r.Database(), rec, props)
	if !ok {
		return s, false, nil
	}
	s, err = r.Rule(k.typ, k.prop)
	return s, err == nil, err
}

// RuleWas returns what a settings record holds the rule for, or held before it was deleted: its UUID follows from that. ok is false if the record is
// something else, or if no version of it can be read: a log is listed all the same.
func (r *Replica) RuleWas(rec changeset.RecordID) (typ, prop string, ok bool) {
	if rec.Type != changeset.SettingsType {
		return "", "", false
	}
	versions, _ := r.log.Versions(rec)
	for _, v := range versions {
		props, _ := r.log.props(rec, v) // none of a deletion
		if k, ok := ruledBy(r.Database(), rec, props); ok {
			return k.typ, k.prop, true
		}
	}
	return "", "", false
}

// Rules returns the rules that are set, and the settings records that have the label of a rule but are not its record, which set nothing; both by type
// and property.
func (r *Replica) Rules() (rules, others []RuleSetting, err error) {
	for rec, err := range r.log.Records(changeset.SettingsType) {
		if err != nil {
			return nil, nil, err
		}
		props, _, err := r.log.Props(rec)
		if err != nil {
			return nil, nil, err
		}
		k, labelled := labelled(props)
		switch {
		case !labelled:
		case k.record(r.Database()) != rec:
			others = append(others, RuleSetting{Type: k.typ, Prop: k.prop, Rule: resolution.RuleLatest, Record: rec, Unreadable: errElsewhere(k, r.Database()).Error()})
		default:
			s, err := r.Rule(k.typ, k.prop)
			if err != nil {
				return nil, nil, err
			}
			rules = append(rules, s)
		}
	}
	byWhat := func(a, b RuleSetting) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Prop, b.Prop)) }
	slices.SortStableFunc(rules, byWhat)
	slices.SortStableFunc(others, byWhat)
	return rules, others, nil
}

// Rule returns the rule for a property of the records of a type.
func (r *Replica) Rule(typ, prop string) (RuleSetting, error) {
	k := ruled{typ, prop}
	s := RuleSetting{Type: typ, Prop: prop, Record: k.record(r.Database()), Rule: resolution.RuleLatest}
	props, exists, err := r.log.Props(s.Record)
	if err != nil || !exists {
		return s, err
	}
	if s.Set = props[labelProp] == k.label(); s.Set {
		s.Rule = ruleIn(props[contentProp])
	}
	if err := k.check(props); err != nil {
		s.Unreadable = err.Error()
	}
	result, err := r.State(s.Record)
	if err != nil {
		return s, err
	}
	s.note(result)
	return s, nil
}

// RuleIn returns the rule that a settings record of a database would hold with this state; ok is false if it would hold none.
func RuleIn(database uuid.UUID, rec changeset.RecordID, state *resolution.Result) (s RuleSetting, ok bool) {
	k, ok := ruledBy(database, rec, state.Props)
	if !ok || rec.Type != changeset.SettingsType {
		return s, false
	}
	s = RuleSetting{Type: k.typ, Prop: k.prop, Rule: ruleIn(state.Props[contentProp]), Record: rec, Set: true}
	if err := k.check(state.Props); err != nil {
		s.Unreadable = err.Error()
	}
	s.note(state)
	return s, true
}

// note takes note of what is in conflict about the rule.
func (s *RuleSetting) note(state *resolution.Result) {
	s.Conflict = state.Open()
	c := state.Conflict(contentProp)
	if c == nil {
		return
	}
	for _, rival := range c.Rivals {
		if name := ruleName(rival.Value); !slices.Contains(s.Rivals, name) {
			s.Rivals = append(s.Rivals, name)
		}
	}
}

// ruleName names what the content of a rule's record sets; what is no rule is quoted.
func ruleName(content string) string {
	if rule, err := parseContent(content); err == nil {
		return string(rule)
	}
	return fmt.Sprintf("%.100q", content)
}

// RuleError says that a settings record cannot be read as the rule that it is meant for, which stands for latest then.
type RuleError struct {
	Type, Prop string // what the rule would be for
	Err        error
}

func (e *RuleError) Error() string { return fmt.Sprintf("rule of %s %s: %v", e.Type, e.Prop, e.Err) }

// Unwrap returns what is wrong.
func (e *RuleError) Unwrap() error { return e.Err }

// CheckRule returns a [*RuleError] if a settings record with these properties looks like a rule of the database and would not be read as one.
func CheckRule(database uuid.UUID, rec changeset.RecordID, props map[string]string) error {
	k, ok := labelled(props)
	if !ok || rec.Type != changeset.SettingsType {
		return nil
	}
	err := k.check(props)
	if k.record(database) != rec {
		err = errElsewhere(k, database)
	}
	if err == nil {
		return nil
	}
	return &RuleError{k.typ, k.prop, err}
}

func errElsewhere(k ruled, database uuid.UUID) error {
	return fmt.Errorf("it is kept in settings record %s and in no other", k.record(database).UUID)
}

// check says what keeps the properties of the rule's record from being read.
func (k ruled) check(props map[string]string) error {
	if label := props[labelProp]; label != k.label() {
		return fmt.Errorf("%.100q is not the label of its record, which is %s", label, k.label())
	}
	_, err := parseContent(props[contentProp])
	return err
}

// CheckRules returns a [*RuleError] if the edit so far makes of a settings record a rule that nobody can read. To make one is no use to anybody; what comes
// from elsewhere is taken as it is, and so is a decision that a policy makes.
func (e *Edit) CheckRules() error {
	for _, rec := range slices.SortedFunc(maps.Keys(e.wants), changeset.RecordID.Compare) {
		if err := e.checkRule(rec, e.wants[rec]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Edit) checkRule(rec changeset.RecordID, w *want) error {
	if rec.Type != changeset.SettingsType || !w.exists || !w.touch {
		return nil
	}
	s, err := e.tx.main.state(rec)
	if err != nil {
		return err
	}
	writes := func(name string) bool { return w.writes[name] || s.props[name] != w.props[name] }
	if !writes(labelProp) && !writes(contentProp) {
		return nil
	}
	if k, ok := ruledBy(e.tx.main.database, rec, s.props); ok && w.props[labelProp] != k.label() {
		return &RuleError{k.typ, k.prop, k.check(w.props)}
	}
	return CheckRule(e.tx.main.database, rec, w.props)
}
