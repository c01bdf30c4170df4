package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

func rulesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rules",
		Usage:     "list or set the rules that settle conflicts for now",
		ArgsUsage: "[TYPE [PROPERTY [RULE]]]",
		Category:  aboutConflicts,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "remove", Usage: "remove the rule for that property: the latest holds then"},
		},
		Description: `
A rule says what holds for now where a property is in conflict. It is set for a
property of the records of a type, in all replicas: it travels like any edit,
and applies to conflicts that are open already, too. What has been decided stays
decided, and an answer that somebody gave to the same conflict comes first.

  prophet rules
  prophet rules Ticket
  prophet rules Ticket votes
  prophet rules Ticket votes sum
  prophet rules Ticket votes --remove

latest  the value that was written last; so it is without a rule
max     the greatest number
min     the least number; no value is less than any
union   all elements of the lists: commas separate them if any of the lists has
        one, else spaces
sum     what was there before, and what each has added to it or taken away
ask     what was there before: nothing changes until somebody decides

A conflict that a rule settled is listed still, until somebody decides. Pull,
push and import count it apart, as in "2 conflicts settled by rules", and do not
end with exit code 3 for it; a dry run does not tell it from others. Where max,
min or sum meets a value that is no number, it asks.

Two people who set different rules at the same time are in conflict about that,
too. Setting the rule again decides, and mends one that another program wrote so
that nobody can read it: the latest holds under that. A rule that one removes
while another sets it holds for now, until somebody decides.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 3)
			if err != nil {
				return err
			}
			if len(args) == 2 && !c.Bool("remove") { // as in NAME=VALUE
				if prop, rule, set := strings.Cut(args[1], "="); set {
					args = []string{args[0], prop, rule}
				}
			}
			if c.Bool("remove") && len(args) != 2 {
				return withHint(usagef("--remove takes a type and a property"), "usage: prophet rules TYPE PROPERTY --remove")
			}
			return runRules(c.Context, e, rulesOptions{globalsOf(c), args, c.Bool("remove")})
		},
	}
}

type rulesOptions struct {
	globals
	words  []string // the type, the property and the rule, or the first of them, or none
	remove bool
}

// ruleDoc is the JSON of a rule.
type ruleDoc struct {
	Conflict   bool   `json:"conflict"` // the rule itself is in conflict
	Prop       string `json:"prop"`
	Rule       string `json:"rule"`
	Type       string `json:"type"`
	Unreadable string `json:"unreadable,omitempty"` // why nobody can read it, for people
}

func runRules(ctx context.Context, e *env, o rulesOptions) error {
	var rule resolution.Rule
	if err := o.checkWhat(); err != nil {
		return err
	}
	if len(o.words) == 3 {
		var err error
		if rule, err = resolution.ParseRule(o.words[2]); err != nil {
			return usagef("%v", err)
		}
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	switch {
	case len(o.words) == 0:
		return listRules(p, r, "")
	case len(o.words) == 1:
		return listRules(p, r, o.words[0])
	case o.remove:
		return removeRule(ctx, p, r, o.words[0], o.words[1])
	}
	s, err := r.Rule(o.words[0], o.words[1])
	switch {
	case err != nil:
		return err
	case rule != "":
		return setRule(ctx, p, r, s, rule)
	}
	return showRule(p, s)
}

// checkWhat refuses what can be no type or no property.
func (o *rulesOptions) checkWhat() error {
	if len(o.words) == 0 {
		return nil
	}
	err := changeset.CheckType(o.words[0])
	if err == nil && len(o.words) > 1 {
		err = changeset.CheckProperty(o.words[1])
	}
	if err != nil {
		return usagef("rules: %w", err)
	}
	return nil
}

func newRuleDoc(s replica.RuleSetting) ruleDoc {
	return ruleDoc{s.Conflict, s.Prop, string(s.Rule), s.Type, s.Unreadable}
}

// listRules prints the rules that are set for records of a type, "" for all.
func listRules(p *printer, r *replica.Replica, typ string) error {
	rules, others, err := r.Rules()
	if err != nil {
		return err
	}
	if typ != "" {
		of := func(s replica.RuleSetting) bool { return s.Type != typ }
		rules, others = slices.DeleteFunc(rules, of), slices.DeleteFunc(others, of)
	}
	switch {
	case len(rules) > 0:
	case typ == "":
		p.notef("no rule is set: of what is in conflict the latest holds")
	default:
		p.notef("no rule is set for type %s: of what is in conflict the latest holds", typ)
	}
	t := p.table("TYPE", "PROPERTY", "RULE")
	for _, s := range rules {
		if p.json {
			err = p.writeJSON(newRuleDoc(s))
		} else {
			err = t.Row(s.Type, s.Prop, ruleText(&s))
		}
		if err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	warnUnreadable(p, rules...)
	for _, s := range others {
		p.warnf(`settings record %s sets no rule for %s %s: %s; %s sets it, "prophet delete %s" removes the record`,
			s.Record.UUID, s.Type, s.Prop, s.Unreadable, setsRule(&s), s.Record.UUID)
	}
	return nil
}

// ruleText is a rule as people are shown it in a table.
func ruleText(s *replica.RuleSetting) string {
	text := string(s.Rule)
	if s.Unreadable != "" {
		text += ", unreadable"
	}
	if s.Conflict {
		text += ", in conflict"
	}
	if len(s.Rivals) > 1 {
		text += ": " + againstEachOther(s)
	}
	return text
}

// warnUnreadable says which of the rules nobody can read, and how to mend them.
func warnUnreadable(p *printer, rules ...replica.RuleSetting) {
	for _, s := range rules {
		if s.Unreadable != "" {
			p.warnf("the rule of %s %s cannot be read, so the latest holds: %s; %s mends it", s.Type, s.Prop, s.Unreadable, setsRule(&s))
		}
	}
}

// setRule sets a rule in place of the one that was, and confirms that.
func setRule(ctx context.Context, p *printer, r *replica.Replica, was replica.RuleSetting, rule resolution.Rule) error {
	p.e.changes = true
	edited, err := r.Edit(ctx, func(edit *replica.Edit) error { return edit.SetRule(was.Type, was.Prop, rule) })
	if err != nil {
		return err
	}
	s, err := r.Rule(was.Type, was.Prop)
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(newRuleDoc(s))
	}
	if edited.ID.IsZero() {
		return p.donef("%s: %s: %s, as it was: nothing to change", s.Type, s.Prop, string(s.Rule))
	}
	if err := p.donef("%s: %s: %s", s.Type, s.Prop, string(s.Rule)); err != nil {
		return err
	}
	if was.Rule != resolution.RuleLatest { // there was another one: if no record has that, it was said then
		return nil
	}
	return noteUnused(p, r, s)
}

// removeRule removes a rule and says what holds then.
func removeRule(ctx context.Context, p *printer, r *replica.Replica, typ, prop string) error {
	p.e.changes = true
	edited, err := r.Edit(ctx, func(edit *replica.Edit) error { return edit.RemoveRule(typ, prop) })
	if err != nil {
		return err
	}
	s, err := r.Rule(typ, prop)
	switch {
	case err != nil:
		return err
	case p.json:
		return p.writeJSON(newRuleDoc(s))
	case edited.ID.IsZero():
		return p.donef("%s: %s: no rule is set: nothing to change", typ, prop)
	}
	return p.donef("%s: %s: no rule is set any more: the latest holds", typ, prop)
}

// manyRecords is among how many records a property is looked for before a rule for it is believed.
const manyRecords = 10_000

// noteUnused says that no record has what a rule is for, which may be typed wrong.
func noteUnused(p *printer, r *replica.Replica, s replica.RuleSetting) error {
	n := 0
	for rec, err := range r.Log().Records(s.Type) {
		if err != nil {
			return err
		}
		props, _, err := r.Log().Props(rec)
		if err != nil {
			return err
		}
		if n++; props[s.Prop] != "" || n > manyRecords {
			return nil
		}
	}
	if n == 0 {
		return noteNoRecord(p, r, s.Type)
	}
	p.notef("no record of type %.100q has a property %.100q yet", s.Type, s.Prop)
	return nil
}

// noteNoRecord says that there is no record of a type, and which type may be meant.
func noteNoRecord(p *printer, r *replica.Replica, typ string) error {
	types, err := r.Log().Types()
	if err != nil {
		return err
	}
	meant := ""
	if near := nearestType(typ, types); near != "" {
		meant = "; did you mean " + near + "?"
	}
	p.notef("there is no record of type %.100q yet%s", typ, meant)
	return nil
}

// showRule prints one rule.
func showRule(p *printer, s replica.RuleSetting) error {
	warnUnreadable(p, s)
	if p.json {
		return p.writeJSON(newRuleDoc(s))
	}
	if s.Conflict {
		p.notef(`people disagree about that rule (%s): %s decides, "prophet conflicts %s" lists what they set`, cmp.Or(againstEachOther(&s), "edited and deleted"), setsRule(&s), s.Record.UUID)
	}
	return p.linef("%s: %s: %s", s.Type, s.Prop, string(s.Rule))
}
