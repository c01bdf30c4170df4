package simulation

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// reckonSum holds what a sum came to against the account. Where one edit has two names, because two have mended one fork apart, it counts as two, and
// nothing is said.
func (m *member) reckonSum(c *claim, prop string, conflict *resolution.Conflict) error {
	if slices.ContainsFunc(c.touches, c.known.twice) {
		return nil
	}
	value, counts := c.sum(prop)
	switch {
	case counts != (conflict != nil && conflict.Why == resolution.WhyRule):
		return fail("rules", "the writes to %s of %s can be summed: %v, but in conflict it is %v", prop, name(c.rec), counts, conflict)
	case conflict != nil && value != conflict.Value:
		return fail("rules", "%s of %s is %q, but the sum, or what was there, is %q", prop, name(c.rec), conflict.Value, value)
	}
	return nil
}

// sum is what a property has if each write counts: what was there before the rivals parted, and what each write since then has added. It counts only
// if there are several rivals and all are numbers; else value is what they agree on, or what was there.
func (c *claim) sum(prop string) (value string, counts bool) {
	rivals := c.rivals(prop)
	if len(rivals) == 0 || !slices.ContainsFunc(c.unseen(c.touches), func(n int) bool { return !c.deletes(n) }) {
		return "", false
	}
	first, _ := c.write(rivals[0], prop)
	other := func(n int) bool { value, _ := c.write(n, prop); return value != first }
	named := func(n int) bool { _, is := c.a.edits[n].c.Change(c.rec).Props[prop]; return is }
	agree := !slices.ContainsFunc(rivals, other)
	if len(rivals) == 1 || agree && !slices.ContainsFunc(rivals, named) {
		return first, false
	}
	before := c.before(rivals)
	var since []changeset.PropChange
	for _, n := range c.touches {
		if pc, is := c.a.edits[n].c.Change(c.rec).Props[prop]; is && !c.deletes(n) && !slices.Contains(before.touches, n) {
			since = append(since, pc)
		}
	}
	start, _ := before.sum(prop)
	switch sum, ok := total(start, since); {
	case ok:
		return sum, true
	case agree:
		return first, false
	}
	return start, false
}

var numbers = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// total adds what writes changed, with as many decimals as the number that has most; ok is false if one is none.
func total(start string, writes []changeset.PropChange) (sum string, ok bool) {
	n, places := new(big.Rat), 0
	ok = true
	count := func(text string, sign int64) {
		if text == "" {
			return
		}
		if ok = ok && numbers.MatchString(text); ok {
			one, _ := new(big.Rat).SetString(text)
			n.Add(n, one.Mul(one, big.NewRat(sign, 1)))
			_, decimals, _ := strings.Cut(text, ".")
			places = max(places, len(decimals))
		}
	}
	count(start, 1)
	for _, w := range writes {
		count(w.New.Text, 1)
		count(w.Old.Text, -1)
	}
	return n.FloatString(places), ok
}
