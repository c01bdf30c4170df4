package replica

import (
	"encoding/json"
	"fmt"
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
	k, ok = labelled(props)
	return k, ok && k.record(database) == rec
}

// labelled returns which rule the label among the properties is one of.
func labelled(props map[string]string) (k ruled, ok bool) {
	rest, ok := strings.CutPrefix(props[labelProp], ruleLabel)
	if !ok {
		return k, false
	}
	k.typ, k.prop, ok = strings.Cut(rest, ":")
	return k, ok
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

// rule returns the rule that is set, as the transaction has it. Settings have none.
func (t *txLog) rule(k ruled) (resolution.Rule, error) {
	if k.typ == changeset.SettingsType {
		return resolution.RuleLatest, nil
	}
	if rule, ok := t.tx.rules[k]; ok {
		return rule, nil
	}
	if err := t.tx.confirmSettings(); err != nil {
		return "", fmt.Errorf("read the rule for %s of %s: %w", k.prop, k.typ, err)
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

// RemoveRule deletes the record of the rule for a property of the records of a type, so that the latest holds there. Where there is none it does
// nothing. The deletion decides a conflict about that rule; who sets the rule without having seen it keeps it, for now.
func (e *Edit) RemoveRule(typ, prop string) error {
	if err := checkRuled(typ, prop); err != nil {
		return err
	}
	rec := ruled{typ, prop}.record(e.tx.main.database)
	if _, exists, err := e.Props(rec); err != nil || !exists {
		return err
	}
	return e.Delete(rec)
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
