package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"prophet/replica"
	"prophet/resolution"
)

func rulesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rules",
		Usage:     "list or set the rules that settle conflicts for now",
		ArgsUsage: "[TYPE PROPERTY [RULE]]",
		Category:  aboutConflicts,
		Description: `
A rule says what holds for now where a property is in conflict. It is set for a
property of the records of a type, in all replicas: it travels like any edit,
and applies to conflicts that are open already, too. What has been decided stays
decided, and an answer that somebody gave to the same conflict comes first.

  prophet rules
  prophet rules Ticket votes
  prophet rules Ticket votes sum

latest  the value that was written last; so it is without a rule
max     the greatest number
min     the least number; no value is less than any
union   all elements of the lists, which commas or spaces separate
sum     what was there before, and what each has added to it or taken away
ask     what was there before: nothing changes until somebody decides

A conflict that a rule settled is listed still, until somebody decides, but is
no reason for "prophet pull" to end with exit code 3. Where max, min or sum
meets a value that is no number, it asks.`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 3)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return withHint(usagef("a property is missing"), "usage: prophet rules [TYPE PROPERTY [RULE]]")
			}
			return runRules(c.Context, e, rulesOptions{globalsOf(c), args})
		},
	}
}

type rulesOptions struct {
	globals
	words []string // none, or the type, the property and perhaps the rule
}

// ruleDoc is the JSON of a rule.
type ruleDoc struct {
	Conflict bool   `json:"conflict"` // the rule itself is in conflict
	Prop     string `json:"prop"`
	Rule     string `json:"rule"`
	Type     string `json:"type"`
}

func runRules(ctx context.Context, e *env, o rulesOptions) error {
	var rule resolution.Rule
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
		return listRules(p, r)
	case rule != "":
		e.changes = true
		if _, err := r.Edit(ctx, func(edit *replica.Edit) error { return edit.SetRule(o.words[0], o.words[1], rule) }); err != nil {
			return err
		}
	}
	s, err := r.Rule(o.words[0], o.words[1])
	if err != nil {
		return err
	}
	return showRule(p, s, rule != "")
}

func newRuleDoc(s replica.RuleSetting) ruleDoc {
	return ruleDoc{s.Conflict, s.Prop, string(s.Rule), s.Type}
}

// listRules prints the rules that are set.
func listRules(p *printer, r *replica.Replica) error {
	rules, err := r.Rules()
	if err != nil {
		return err
	}
	if len(rules) == 0 {
		p.notef("no rule is set: of what is in conflict the latest holds")
		return nil
	}
	if p.json {
		for _, s := range rules {
			if err := p.writeJSON(newRuleDoc(s)); err != nil {
				return err
			}
		}
		return nil
	}
	t := p.table("TYPE", "PROPERTY", "RULE")
	for _, s := range rules {
		rule := string(s.Rule)
		if s.Conflict {
			rule += ", in conflict"
		}
		if err := t.Row(s.Type, s.Prop, rule); err != nil {
			return err
		}
	}
	return t.Flush()
}

// showRule prints one rule; one that was set now only confirms that.
func showRule(p *printer, s replica.RuleSetting, set bool) error {
	line := p.linef
	if set {
		line = p.donef
	}
	if p.json {
		return p.writeJSON(newRuleDoc(s))
	}
	if s.Conflict {
		p.notef(`people have set several rules for that: "prophet rules %s %s RULE" decides, "prophet conflicts %s" lists them`, s.Type, s.Prop, s.Record.UUID)
	}
	return line("%s: %s: %s", s.Type, s.Prop, string(s.Rule))
}
