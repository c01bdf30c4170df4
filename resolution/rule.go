package resolution

import (
	"fmt"
	"slices"
	"strings"
)

// Rule says how a property in conflict is settled for now, where the resolutions replica holds no answer. docs/adr/0009-rules.md has them exactly.
type Rule string

// The rules.
const (
	RuleLatest Rule = "latest" // the write that was made last holds: the rule where no other is set
	RuleMax    Rule = "max"    // the greatest number
	RuleMin    Rule = "min"    // the least number
	RuleUnion  Rule = "union"  // all elements of the rivals' lists
	RuleSum    Rule = "sum"    // what was there, and what all have added to it
	RuleAsk    Rule = "ask"    // what was there, until somebody decides
)

// AllRules are the rules in the order in which they are listed for people.
var AllRules = []Rule{RuleLatest, RuleMax, RuleMin, RuleUnion, RuleSum, RuleAsk}

// ParseRule reads the name of a rule.
func ParseRule(name string) (Rule, error) {
	if rule := Rule(name); rule.known() {
		return rule, nil
	}
	var names []string
	for _, rule := range AllRules {
		names = append(names, string(rule))
	}
	return "", fmt.Errorf("%.100q is no rule: the rules are %s", name, strings.Join(names, ", "))
}

func (r Rule) known() bool { return slices.Contains(AllRules, r) }

// Rules finds the rule of each property of a record. It may be nil: latest for all.
type Rules func(prop string) Rule

// of returns the rule of a property. A name that nobody knows stands for latest.
func (find Rules) of(prop string) Rule {
	if find == nil {
		return RuleLatest
	}
	if rule := find(prop); rule.known() {
		return rule
	}
	return RuleLatest
}
