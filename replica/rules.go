package replica

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/resolution"
)

// The properties of a settings record.
const (
	labelProp   = "label"   // the setting's name
	contentProp = "content" // a JSON array
)

// ruleLabel begins the label of a rule; the type, a colon, which no type has, and the property follow.
const ruleLabel = "merge:"

// ruled is what a rule is for.
type ruled struct{ typ, prop string }

func (k ruled) label() string { return ruleLabel + k.typ + ":" + k.prop }

// record is the settings record of the rule in a database: the same for all who set it.
func (k ruled) record(database uuid.UUID) changeset.RecordID {
	return changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(database, []byte(k.label()))}
}

// ruledBy returns what a settings record is the rule for; ok is false if it is another setting.
func ruledBy(database uuid.UUID, rec changeset.RecordID, props map[string]string) (k ruled, ok bool) {
	rest, ok := strings.CutPrefix(props[labelProp], ruleLabel)
	if !ok || rec.Type != changeset.SettingsType {
		return k, false
	}
	k.typ, k.prop, _ = strings.Cut(rest, ":")
	return k, k.record(database) == rec && k.label() == props[labelProp]
}

// ruleIn reads the content of a rule's record. What is no rule stands for latest.
func ruleIn(content string) resolution.Rule {
	if rule, err := parseContent(content); err == nil {
		return rule
	}
	return resolution.RuleLatest
}

// parseContent reads the content of a rule's record, as contentOf writes it.
func parseContent(content string) (resolution.Rule, error) {
	var names []string
	if json.Unmarshal([]byte(content), &names) != nil || len(names) != 1 {
		return "", fmt.Errorf("%.100q is not the content of a rule, such as %s", content, contentOf(resolution.RuleLatest))
	}
	return resolution.ParseRule(names[0])
}

func contentOf(rule resolution.Rule) string { return fmt.Sprintf("[%q]", rule) }

// rulesFor returns the rules for a record of the log, and what kept one from being read so far. Settings and decisions have none.
func (t *txLog) rulesFor(rec changeset.RecordID) (rules resolution.Rules, failed func() error) {
	var errs []error
	failed = func() error { return errors.Join(errs...) }
	if t != t.tx.main || rec.Type == changeset.SettingsType {
		return nil, failed
	}
	return func(prop string) resolution.Rule {
		rule, err := t.rule(ruled{rec.Type, prop})
		if err != nil {
			errs = append(errs, err)
		}
		return rule
	}, failed
}

// rule returns the rule that is set, as the transaction has it.
func (t *txLog) rule(k ruled) (resolution.Rule, error) {
	if rule, ok := t.tx.rules[k]; ok {
		return rule, nil
	}
	rec := k.record(t.database)
	var props map[string]string
	if s := t.states[rec]; s != nil {
		props = s.props
	} else {
		var err error
		if props, _, err = t.Props(rec); err != nil {
			return "", fmt.Errorf("read the rule for %s of %s: %w", k.prop, k.typ, err)
		}
	}
	rule := resolution.RuleLatest
	if props[labelProp] == k.label() {
		rule = ruleIn(props[contentProp])
	}
	t.tx.rules[k] = rule
	return rule, nil
}

// noteRule takes note of a settings record that shows, or showed, these properties when it changed.
func (t *txLog) noteRule(rec changeset.RecordID, props map[string]string) {
	if t != t.tx.main {
		return
	}
	if k, ok := ruledBy(t.database, rec, props); ok {
		delete(t.tx.rules, k)
		t.tx.newRules[k] = true
	}
}

// RuleSetting is a rule that is set in a database.
type RuleSetting struct {
	Type, Prop string // what it is for
	Rule       resolution.Rule
	Record     changeset.RecordID // the settings record that holds it
	Set        bool               // there is such a record; else Rule is latest
	Conflict   bool               // something about that is in conflict
	Rivals     []resolution.Rule  // what people have set in conflict, the latest first
}

// Text returns the name of the rule that a value of the settings record's property stands for, else the value.
func (s *RuleSetting) Text(prop, value string) string {
	if rule, err := parseContent(value); err == nil && prop == contentProp {
		return string(rule)
	}
	return value
}

// Check returns an error if the settings record would hold no rule with these properties, or the rule for something else.
func (s *RuleSetting) Check(props map[string]string) error {
	if label, ok := props[labelProp]; ok && label != (ruled{s.Type, s.Prop}).label() {
		return fmt.Errorf("%.100q is the label of something else", label)
	}
	content, ok := props[contentProp]
	if !ok {
		return nil
	}
	_, err := parseContent(content)
	return err
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

// Rules returns the rules that are set, by type and property.
func (r *Replica) Rules() ([]RuleSetting, error) {
	var all []RuleSetting
	for rec, err := range r.log.Records(changeset.SettingsType) {
		if err != nil {
			return nil, err
		}
		s, ok, err := r.RuleOf(rec)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b RuleSetting) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Prop, b.Prop)) })
	return all, nil
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
	result, err := r.State(s.Record)
	if err != nil {
		return s, err
	}
	s.Conflict = result.Open()
	if c := result.Conflict(contentProp); c != nil {
		for _, rival := range c.Rivals {
			if rule := ruleIn(rival.Value); !slices.Contains(s.Rivals, rule) {
				s.Rivals = append(s.Rivals, rule)
			}
		}
	}
	return s, nil
}

// SetRule sets the rule for a property of the records of a type. It decides a conflict about that rule. That it is so
// already writes nothing, but for latest where no rule is set: who asks for that by name contradicts those who set another one at the same time.
func (e *Edit) SetRule(typ, prop string, rule resolution.Rule) error {
	if err := checkRuled(typ, prop); err != nil {
		return err
	}
	if _, err := resolution.ParseRule(string(rule)); err != nil {
		return err
	}
	k := ruled{typ, prop}
	rec := k.record(e.tx.main.database)
	props := map[string]string{labelProp: k.label(), contentProp: contentOf(rule)}
	_, exists, err := e.Props(rec)
	switch {
	case err != nil:
		return err
	case exists:
		return e.Update(rec, props)
	}
	return e.Restore(rec, props)
}

func checkRuled(typ, prop string) error {
	if err := changeset.CheckType(typ); err != nil {
		return err
	}
	if typ == changeset.SettingsType {
		return fmt.Errorf("records of type %s are settings themselves, which merge by %s only", typ, resolution.RuleLatest)
	}
	return changeset.CheckProperty(prop)
}
