package resolution

import (
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/internal/decimal"
)

// maxNumber is how many characters a number has at most.
const maxNumber = 1000

// parseNumber reads a number as rules know them.
func parseNumber(s string) (decimal.Number, bool) {
	if len(s) > maxNumber {
		return decimal.Number{}, false
	}
	return decimal.Parse(s)
}

// byRule settles conflicts of one record by their rules.
type byRule struct {
	graph *graph
	past  *past // for one property after the other; nil until a rule needs it
}

// settle gives a conflict the value that its rule says. Of rivals that wrote one value only a sum makes another.
func (b *byRule) settle(c *Conflict) {
	if c.Rule == RuleLatest {
		return
	}
	if c.Rule != RuleSum && agree(c.Rivals) {
		return
	}
	var ok bool
	c.Why = WhyRule
	if c.Value, c.Asks, ok = ruleRivals(c.Rule, c.Rivals); ok {
		return
	}
	asks := c.Asks
	c.Value, c.Asks = b.pastOf(c.Prop).value(c.Rule)
	if c.Rule != RuleSum {
		c.Asks = asks // sum alone asks for what it finds in the past
	}
	if c.Rule == RuleAsk || c.Asks != "" {
		c.Why = WhyAsk
	}
}

func (b *byRule) pastOf(prop string) *past {
	if b.past == nil {
		b.past = newPast(b.graph)
	}
	b.past.begin(prop)
	return b.past
}

// ruleRivals is the value by a rule that goes by the rivals alone. ok is false if the rule goes by the past, or asks and so comes to that.
func ruleRivals(rule Rule, rivals []Rival) (value, asks string, ok bool) {
	switch rule {
	case RuleMax, RuleMin:
		value, asks = extreme(rule, rivals)
	case RuleUnion:
		value, asks = union(rivals)
	default:
		return "", "", false
	}
	return value, asks, asks == ""
}

// step is a way through the past, between one point and the one before it.
type step struct {
	rivals []Rival // at its end
	writes []Rival // on the way
}

// value is what the property has by a rule that goes by the past, where rivals have to be settled in all of it: it goes back to where the rule
// needs no past, and from there forward again.
func (p *past) value(rule Rule) (value, asks string) {
	var steps []step
	at, _ := p.rivals()
	for settled := false; !settled; {
		rivals := p.writes(at)
		steps = append(steps, step{rivals, p.narrow(at)})
		var lives bool
		if at, lives = p.rivals(); !lives || len(at) == 0 {
			break // nothing was there
		}
		value, settled = withoutPast(rule, p.writes(at))
	}
	if rule != RuleSum {
		return value, ""
	}
	for _, s := range slices.Backward(steps) {
		var sum string
		switch sum, asks = add(value, s.writes); {
		case asks == "":
			value = sum
		case agree(s.rivals):
			value = s.rivals[0].Value
		}
	}
	return value, asks
}

// withoutPast is what rivals come to by a rule, if it needs no past for it. The value is null if it does.
func withoutPast(rule Rule, rivals []Rival) (value string, ok bool) {
	if agree(rivals) && (rule != RuleSum || !eachCounts(rivals)) {
		return rivals[0].Value, true
	}
	value, _, ok = ruleRivals(rule, rivals)
	return value, ok
}

// extreme is the greatest or the least of the rivals' values, of equal ones the latest; null is less than all.
func extreme(rule Rule, rivals []Rival) (value, asks string) {
	var best decimal.Number
	for i, r := range rivals {
		n, ok := parseNumber(r.Value)
		if !ok && r.Value != "" {
			return "", noNumber(r.Value)
		}
		c := 0
		switch {
		case i == 0:
			c = 1
		case value == "" || r.Value == "":
			c = strings.Compare(r.Value, value)
		default:
			c = n.Compare(best)
		}
		if rule == RuleMin && i > 0 {
			c = -c
		}
		if c > 0 {
			value, best = r.Value, n
		}
	}
	return value, ""
}

// noNumber says why a rule asks.
func noNumber(value string) string {
	const shown = 40
	if len(value) > shown {
		return fmt.Sprintf("a value of %d bytes is no number", len(value))
	}
	return fmt.Sprintf("%q is no number", value)
}

// add is the sum of a value and of what writes changed about theirs. Null, which a re-creation may imply, is 0.
func add(value string, writes []Rival) (sum, asks string) {
	var s decimal.Sum
	count := func(value string, with func(decimal.Number)) {
		switch n, ok := parseNumber(value); {
		case ok:
			with(n)
		case value != "" && asks == "":
			asks = noNumber(value)
		}
	}
	count(value, s.Add)
	for _, w := range writes {
		count(w.Value, s.Add)
		count(w.Old.Text, s.Sub)
	}
	if asks != "" {
		return "", asks
	}
	if sum = s.String(); len(sum) > maxNumber {
		return "", fmt.Sprintf("the sum has more than %d characters", maxNumber)
	}
	return sum, ""
}

// space is what separates words in a list, and does not count around its elements.
const space = " \t\n\v\f\r"

// union is the elements of the latest list in their order, then those that the others have more, sorted by bytes, each once.
func union(rivals []Rival) (value, asks string) {
	split, joint := separator(rivals)
	all := elements(rivals[0].Value, split)
	seen := setOf(all)
	var more []string
	for _, r := range rivals[1:] {
		for _, e := range elements(r.Value, split) {
			if !seen[e] {
				seen[e] = true
				more = append(more, e)
			}
		}
	}
	slices.Sort(more)
	value = strings.Join(append(all, more...), joint)
	if len(value) > changeset.MaxValue {
		return "", fmt.Sprintf("the list has more than %d bytes", changeset.MaxValue)
	}
	return value, ""
}

// MergeLists merges two lists that were made from one, as the rule union reads them: the elements of the first, in its order, then those that the other has
// more, sorted by bytes, each once, without what either has removed.
func MergeLists(base, first, other string) string {
	split, joint := separator([]Rival{{Value: base}, {Value: first}, {Value: other}})
	was, here, there := elements(base, split), elements(first, split), elements(other, split)
	had, has := setOf(was), setOf(there)
	all := slices.DeleteFunc(slices.Clone(here), func(e string) bool { return had[e] && !has[e] })
	known := setOf(slices.Concat(was, here))
	more := slices.DeleteFunc(there, func(e string) bool { return known[e] })
	return strings.Join(append(all, slices.Sorted(slices.Values(more))...), joint)
}

// elements returns the elements of a list, in its order, each once.
func elements(list, split string) (all []string) {
	seen := map[string]bool{}
	for _, e := range strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(split, c) }) {
		if e = strings.Trim(e, space); e != "" && !seen[e] {
			seen[e] = true
			all = append(all, e)
		}
	}
	return all
}

func setOf(elements []string) map[string]bool {
	set := make(map[string]bool, len(elements))
	for _, e := range elements {
		set[e] = true
	}
	return set
}

// separator is what separates the elements of the rivals' lists, any of the characters, and what joins them: commas if any list has one.
func separator(rivals []Rival) (split, joint string) {
	has := func(text string) bool {
		return slices.ContainsFunc(rivals, func(r Rival) bool { return strings.Contains(r.Value, text) })
	}
	switch {
	case has(", "):
		return ",", ", "
	case has(","):
		return ",", ","
	}
	return space, " "
}
