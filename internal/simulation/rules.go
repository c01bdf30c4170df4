package simulation

import (
	"math/big"
	"slices"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/resolution"
)

// rule returns what is set as the rule for a property, "" for nothing.
func (m *member) rule(rec changeset.RecordID, prop string) (content string, err error) {
	i := slices.Index(labels, "merge:"+rec.Type+":"+prop)
	if i < 0 {
		return "", nil
	}
	props, _, err := m.r.Log().Props(setting(i + 1))
	return props["content"], err
}

// reckonRule holds what settles a conflict for now, where there is no vote, against the rule that the settings hold. Of the rules, the greatest and the least are
// reckoned here, and sums in reckonSum; the others have tests of their own, and here replicas have to agree on them.
func (m *member) reckonRule(rec changeset.RecordID, c *resolution.Conflict) error {
	rule, err := m.rule(rec, c.Prop)
	if err != nil {
		return err
	}
	ruled := slices.Contains([]string{`["max"]`, `["min"]`, `["union"]`, `["sum"]`, `["ask"]`}, rule)
	if byRule := c.Why == resolution.WhyRule || c.Why == resolution.WhyAsk; byRule != ruled {
		return fail("rules", "the rule for %s of %s is %s, but %q holds by %q", c.Prop, name(rec), rule, c.Value, c.Why)
	}
	if rule != `["max"]` && rule != `["min"]` {
		return nil
	}
	want, ok := extreme(c.Rivals, rule == `["max"]`)
	switch {
	case ok != (c.Why == resolution.WhyRule):
		return fail("rules", "%s of %s is %q by %q, with the rule %s among%s", c.Prop, name(rec), c.Value, c.Why, rule, replicatest.Rivals(c))
	case ok && want != c.Value:
		return fail("rules", "%s of %s is %q, but by the rule %s it must be %q", c.Prop, name(rec), c.Value, rule, want)
	}
	return nil
}

// extreme returns the greatest or the least of rivals, which are sorted by time, the latest first. Null is least; ok is false if one is no number.
func extreme(rivals []resolution.Rival, greatest bool) (value string, ok bool) {
	var best *big.Rat
	for i, r := range rivals {
		n, number := new(big.Rat).SetString(r.Value)
		switch {
		case r.Value == "":
			n = new(big.Rat).SetInt64(-1 << 40)
		case !number:
			return "", false
		}
		if i == 0 || n.Cmp(best) > 0 == greatest && n.Cmp(best) != 0 {
			best, value = n, r.Value
		}
	}
	return value, true
}
