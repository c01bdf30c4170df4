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
	var names []string
	if json.Unmarshal([]byte(content), &names) != nil || len(names) != 1 {
		return resolution.RuleLatest
	}
	rule, err := resolution.ParseRule(names[0])
	if err != nil {
		return resolution.RuleLatest
	}
	return rule
}

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
}

// Rules returns the rules that are set, by type and property.
func (r *Replica) Rules() ([]RuleSetting, error) {
	var all []RuleSetting
	for rec, err := range r.log.Records(changeset.SettingsType) {
		if err != nil {
			return nil, err
		}
		props, _, err := r.log.Props(rec)
		if err != nil {
			return nil, err
		}
		k, ok := ruledBy(r.Database(), rec, props)
		if !ok {
			continue
		}
		s, err := r.Rule(k.typ, k.prop)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
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
	s.Conflict = err == nil && result.Open()
	return s, err
}

// SetRule sets the rule for a property of the records of a type. It decides a conflict about that rule.
func (e *Edit) SetRule(typ, prop string, rule resolution.Rule) error {
	if err := checkRuled(typ, prop); err != nil {
		return err
	}
	if _, err := resolution.ParseRule(string(rule)); err != nil {
		return err
	}
	k := ruled{typ, prop}
	rec := k.record(e.tx.main.database)
	props := map[string]string{labelProp: k.label(), contentProp: fmt.Sprintf("[%q]", rule)}
	_, exists, err := e.Props(rec)
	switch {
	case err != nil:
		return err
	case exists:
		return e.Update(rec, props)
	case rule == resolution.RuleLatest:
		return nil
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
