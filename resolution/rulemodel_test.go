package resolution_test

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

func modelRule(rule resolution.Rule) resolution.Rule {
	if slices.Contains(resolution.AllRules, rule) {
		return rule
	}
	return resolution.RuleLatest
}

// byRule is what the property has by a rule if the model's changes are all there are, and why if rivals clash.
func (m *model) byRule(prop string, rule resolution.Rule) (value, why string) {
	rivals := m.rivals(prop)
	clash := slices.ContainsFunc(rivals, func(w modelWrite) bool { return w.value != rivals[0].value })
	counted := modelRule(rule) == resolution.RuleSum && undecided(rivals)
	switch {
	case m.deleted() || len(rivals) == 0:
		return "", ""
	case !clash && !counted:
		return rivals[0].value, ""
	}
	value, ok := "", false
	switch rule {
	case resolution.RuleMax:
		value, ok = modelGreatest(rivals, 1)
	case resolution.RuleMin:
		value, ok = modelGreatest(rivals, -1)
	case resolution.RuleUnion:
		value, ok = modelUnion(rivals), true
	case resolution.RuleSum:
		value, ok = m.sum(prop, rivals)
	}
	switch {
	case ok:
		return value, resolution.WhyRule
	case !clash: // a sum that cannot be made asks, and under ask they agree
		return rivals[0].value, ""
	case modelRule(rule) == resolution.RuleLatest:
		return rivals[0].value, resolution.WhyLatest
	}
	value, _ = m.before(rivals).byRule(prop, rule)
	return value, resolution.WhyAsk
}

// undecided reports whether there are several rivals, and not all of them implied by re-creations.
func undecided(rivals []modelWrite) bool {
	return len(rivals) > 1 && slices.ContainsFunc(rivals, func(w modelWrite) bool { return !w.implied })
}

// deleted reports whether all heads delete.
func (m *model) deleted() bool {
	return !slices.ContainsFunc(m.unseen(m.seen), func(i int) bool { return m.entries[i].Change.Kind != changeset.Delete })
}

// seenByAll reports whether all rivals have seen the change.
func (m *model) seenByAll(rivals []modelWrite, i int) bool {
	return !slices.ContainsFunc(rivals, func(w modelWrite) bool { return !m.seen[w.by][i] })
}

// before is the model of what all rivals have seen.
func (m *model) before(rivals []modelWrite) *model {
	var entries []modelEntry
	for i, e := range m.entries {
		if m.seenByAll(rivals, i) {
			entries = append(entries, e)
		}
	}
	return linked(entries)
}

var modelNumbers = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// modelNumber reads a number, and how many digits it has after the point; null is 0.
func modelNumber(s string) (n *big.Rat, places int, ok bool) {
	if s == "" {
		return new(big.Rat), 0, true
	}
	if len(s) > 1000 || !modelNumbers.MatchString(s) {
		return nil, 0, false
	}
	n, _ = new(big.Rat).SetString(s)
	_, dec, _ := strings.Cut(s, ".")
	return n, len(dec), true
}

// modelGreatest is the greatest value times sign, of equal ones the latest; null is least.
func modelGreatest(rivals []modelWrite, sign int) (string, bool) {
	best := rivals[0].value
	for _, w := range rivals {
		n, _, ok := modelNumber(w.value)
		if !ok {
			return "", false
		}
		m, _, _ := modelNumber(best)
		c := 0
		if m != nil {
			c = n.Cmp(m)
		}
		switch {
		case best == "" && w.value == "":
			c = 0
		case best == "":
			c = 1
		case w.value == "":
			c = -1
		}
		if c*sign > 0 {
			best = w.value
		}
	}
	return best, true
}

// sum is value(A₀) and the differences that the writes outside A₀ made.
func (m *model) sum(prop string, rivals []modelWrite) (string, bool) {
	total, most := new(big.Rat), 0
	sound := true
	count := func(value string, sign int64) {
		n, places, ok := modelNumber(value)
		if sound = sound && ok; sound {
			total.Add(total, n.Mul(n, big.NewRat(sign, 1)))
			most = max(most, places)
		}
	}
	start, _ := m.before(rivals).byRule(prop, resolution.RuleSum)
	count(start, 1)
	for _, w := range m.writes(prop) {
		if !m.seenByAll(rivals, w.by) && !w.implied {
			count(w.value, 1)
			count(w.old, -1)
		}
	}
	text := total.FloatString(most)
	return text, sound && len(text) <= 1000
}

// modelUnion is the latest list, and what the others have more.
func modelUnion(rivals []modelWrite) string {
	joint := " "
	for _, w := range rivals {
		if strings.Contains(w.value, ",") && joint == " " {
			joint = ","
		}
		if strings.Contains(w.value, ", ") {
			joint = ", "
		}
	}
	elements := func(w modelWrite) (list []string) {
		if joint == " " {
			return strings.Fields(w.value)
		}
		for _, e := range strings.Split(w.value, ",") {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
		return list
	}
	var all, more []string
	for i, w := range rivals {
		for _, e := range elements(w) {
			if i == 0 && !slices.Contains(all, e) {
				all = append(all, e)
			} else if i > 0 {
				more = append(more, e)
			}
		}
	}
	slices.Sort(more)
	for _, e := range more {
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return strings.Join(all, joint)
}
