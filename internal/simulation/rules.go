package simulation

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/resolution"
)

// rule returns what is set as the rule for a property, "" for nothing.
func (m *member) rule(rec changeset.RecordID, prop string) (content string, err error) {
	at, ok := ruleSetting(rec, prop)
	if !ok {
		return "", nil
	}
	props, _, err := m.r.Log().Props(at)
	return props["content"], err
}

// ruleSetting returns the setting that has the rule for a property, if a history can set one.
func ruleSetting(rec changeset.RecordID, prop string) (at changeset.RecordID, ok bool) {
	i := slices.Index(labels, "merge:"+rec.Type+":"+prop)
	if i < 0 || rec.Type == changeset.SettingsType {
		return at, false
	}
	return setting(i + 1), true
}

// reckonRule holds what settles a conflict for now, where there is no vote, against the rule that the settings hold. Sums are
// reckoned in reckonSum, and what a rule asks for in reckonAsked.
func (m *member) reckonRule(rec changeset.RecordID, c *resolution.Conflict) error {
	rule, err := m.rule(rec, c.Prop)
	if err != nil {
		return err
	}
	ruled := slices.Contains([]string{`["max"]`, `["min"]`, `["union"]`, `["sum"]`, `["ask"]`}, rule)
	if byRule := c.Why == resolution.WhyRule || c.Why == resolution.WhyAsk; byRule != ruled {
		return fail("rules", "the rule for %s of %s is %s, but %q holds by %q", c.Prop, name(rec), rule, c.Value, c.Why)
	}
	if rule != `["max"]` && rule != `["min"]` && rule != `["union"]` {
		return nil
	}
	var values []string
	for _, r := range c.Rivals {
		values = append(values, r.Value)
	}
	want, ok := byRule(rule, values)
	switch {
	case ok != (c.Why == resolution.WhyRule):
		return fail("rules", "%s of %s is %q by %q, with the rule %s among%s", c.Prop, name(rec), c.Value, c.Why, rule, replicatest.Rivals(c))
	case ok && want != c.Value:
		return fail("rules", "%s of %s is %q, but by the rule %s it must be %q", c.Prop, name(rec), c.Value, rule, want)
	}
	return nil
}

// byRule is what rivals come to, given their values, the latest first; ok is false if the rule cannot say it of them.
func byRule(rule string, values []string) (value string, ok bool) {
	switch rule {
	case `["max"]`, `["min"]`:
		return extreme(values, rule == `["max"]`)
	case `["union"]`:
		return unite(values), true
	}
	return values[0], rule != `["ask"]`
}

// extreme returns the greatest or the least of values, of equal ones the first. Null is least; ok is false if one is no number.
func extreme(values []string, greatest bool) (value string, ok bool) {
	var best *big.Rat
	for i, v := range values {
		n, number := new(big.Rat).SetString(v)
		number = number && numbers.MatchString(v)
		switch {
		case v == "":
			n = new(big.Rat).SetInt64(-1 << 40)
		case !number:
			return "", false
		}
		if i == 0 || n.Cmp(best) > 0 == greatest && n.Cmp(best) != 0 {
			best, value = n, v
		}
	}
	return value, true
}

// unite returns the first list with what the others have more, sorted, each once. The values that are drawn have commas with a space after them, or none.
func unite(lists []string) string {
	joint, split := " ", strings.Fields
	if strings.Contains(strings.Join(lists, "\n"), ",") {
		joint, split = ", ", func(list string) []string {
			return strings.FieldsFunc(list, func(c rune) bool { return c == ',' })
		}
	}
	var all, more []string
	for i, list := range lists {
		for _, e := range split(list) {
			switch e = strings.TrimSpace(e); {
			case e == "" || slices.Contains(all, e) || slices.Contains(more, e):
			case i == 0:
				all = append(all, e)
			default:
				more = append(more, e)
			}
		}
	}
	slices.Sort(more)
	return strings.Join(append(all, more...), joint)
}

// reckonAsked holds what a rule other than sum asks for against the account: what was there before the rivals.
func (m *member) reckonAsked(c *claim, conflict *resolution.Conflict, rivals []int) error {
	rule, err := m.rule(c.rec, conflict.Prop)
	if err != nil || conflict.Why != resolution.WhyAsk || rule == `["sum"]` || slices.ContainsFunc(c.touches, c.known.twice) {
		return err
	}
	if want := c.before(rivals).held(conflict.Prop, rule); want != conflict.Value {
		return fail("rules", "%s of %s is %q, but before the rivals it was %q by the rule %s", conflict.Prop, name(c.rec), conflict.Value, want, rule)
	}
	return nil
}

// before is the claim of what all of these have seen.
func (c *claim) before(rivals []int) *claim {
	past := &claim{c.a, c.known, c.rec, nil}
	for _, n := range c.touches {
		if !slices.ContainsFunc(rivals, func(r int) bool { return r == n || !c.a.edits[r].seen.has(n) }) {
			past.touches = append(past.touches, n)
		}
	}
	return past
}

// held is what a property has by a rule other than sum, which goes further back where it cannot say.
func (c *claim) held(prop, rule string) string {
	rivals := c.rivals(prop)
	if len(rivals) == 0 || !slices.ContainsFunc(c.unseen(c.touches), func(n int) bool { return !c.deletes(n) }) {
		return ""
	}
	slices.SortFunc(rivals, func(a, b int) int { return -c.later(a, b) })
	var values []string
	for _, n := range rivals {
		value, _ := c.write(n, prop)
		values = append(values, value)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(values)))) == 1 {
		return values[0]
	}
	if value, ok := byRule(rule, values); ok {
		return value
	}
	return c.before(rivals).held(prop, rule)
}

// later compares edits by time, and by the names that they bear in the replica.
func (c *claim) later(a, b int) int {
	return cmp.Or(cmp.Compare(c.a.edits[a].c.Created, c.a.edits[b].c.Created), c.known.ids[a][0].Compare(c.known.ids[b][0]))
}
