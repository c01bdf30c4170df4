package simulation

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/resolution"
)

// claim is what the account says about one record: it is reckoned from who had seen what, in the plainest way.
type claim struct {
	a       *account
	known   *known // how the replica knows the edits
	rec     changeset.RecordID
	touches []int // edits of the record
}

// reckon holds what the replica shows against the account.
func (m *member) reckon() error {
	k, err := m.known()
	if err != nil {
		return err
	}
	for _, rec := range m.w.account.records() {
		c := &claim{m.w.account, k, rec, m.w.account.touching(rec, m.has)}
		if len(c.touches) == 0 {
			continue
		}
		result, err := m.r.Merged(rec)
		if err != nil {
			return err
		}
		if err := m.reckonRecord(c, result); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) reckonRecord(c *claim, result *resolution.Result) error {
	props, lives, err := m.r.Log().Props(c.rec)
	if err != nil {
		return err
	}
	if lives != result.Exists || !maps.Equal(props, result.Props) && lives {
		return fail("log", "%s lives %v with%s, but merged it lives %v with%s", name(c.rec), lives, replicatest.Values(props), result.Exists, replicatest.Values(result.Props))
	}
	if c.old() || m.w.mixes() {
		return m.reckonOld(c, result)
	}
	if err := m.reckonExistence(c, result); err != nil || !lives {
		return err
	}
	for _, prop := range c.props() {
		if err := m.reckonProp(c, result, prop); err != nil {
			return err
		}
	}
	return nil
}

// reckonExistence holds the heads against the account: the edits that no other edit of the record has seen.
func (m *member) reckonExistence(c *claim, result *resolution.Result) error {
	var keep, del []int
	for _, n := range c.unseen(c.touches) {
		if c.deletes(n) {
			del = append(del, n)
		} else {
			keep = append(keep, n)
		}
	}
	var listed [2][]int
	if x := result.Existence; x != nil {
		for i, es := range [][]*resolution.Entry{x.Keep, x.Delete} {
			for _, e := range es {
				n, err := m.number(e.ID)
				if err != nil {
					return err
				}
				listed[i] = append(listed[i], n)
			}
			listed[i] = c.known.less(listed[i], append(slices.Clone(keep), del...))
		}
	}
	twice := result.Existence != nil && slices.ContainsFunc(result.Existence.Keep, func(e *resolution.Entry) bool { n, _ := m.number(e.ID); return c.known.twice(n) })
	if lives := len(keep) > 0; lives != result.Exists && !(result.Exists && twice) {
		return fail("account", "%s lives: %v, but heads are %s and deletions %s", name(c.rec), result.Exists, c.list(keep), c.list(del))
	}
	if len(listed[0]) == 0 || len(listed[1]) == 0 { // it is a conflict only because one bears two names
		listed = [2][]int{}
	}
	if len(keep) == 0 || len(del) == 0 {
		keep, del = nil, nil
	}
	if !slices.Equal(keep, listed[0]) || !slices.Equal(del, listed[1]) {
		return fail("account", "the existence of %s is in conflict between %s and %s, but listed are %s and %s",
			name(c.rec), c.list(keep), c.list(del), c.list(listed[0]), c.list(listed[1]))
	}
	return nil
}

// reckonProp holds the rivals for a property against the account: its writes that no other write has seen.
func (m *member) reckonProp(c *claim, result *resolution.Result, prop string) error {
	rivals := c.rivals(prop)
	distinct := map[string]bool{}
	for _, n := range rivals {
		v, _ := c.write(n, prop)
		distinct[v] = true
	}
	conflict := result.Conflict(prop)
	rule, err := m.rule(c.rec, prop)
	if err != nil {
		return err
	}
	if rule == `["sum"]` && (conflict == nil || conflict.Why != resolution.WhyVote) {
		if err := m.reckonSum(c, prop, conflict); err != nil {
			return err
		}
	}
	if conflict != nil && len(distinct) < 2 && rule != `["sum"]` && c.onlyNames(m, conflict, rivals) {
		return m.reckonWinner(c.rec, result, conflict)
	}
	if len(distinct) < 2 && (conflict == nil || rule != `["sum"]`) {
		value, _ := c.write(rivals[0], prop)
		if conflict != nil || result.Props[prop] != value {
			return fail("account", "%s of %s must be %q by %s, but it is %q, conflict %v", prop, name(c.rec), value, c.list(rivals), result.Props[prop], conflict != nil)
		}
		return nil
	}
	if conflict == nil {
		return fail("account", "%s of %s is %q without a conflict, but nobody chose among %s", prop, name(c.rec), result.Props[prop], c.list(rivals))
	}
	return m.reckonConflict(c, result, conflict, rivals)
}

// onlyNames reports whether there is a conflict only because an edit that somebody had seen under one of its names is listed under the other.
func (c *claim) onlyNames(m *member, conflict *resolution.Conflict, rivals []int) bool {
	var listed []int
	for _, r := range conflict.Rivals {
		n, _ := m.number(r.ID)
		listed = append(listed, n)
	}
	return len(sortedOnce(listed)) > len(rivals) && slices.Equal(c.known.less(listed, rivals), rivals)
}

// reckonConflict holds the rivals of an open conflict, and who wins for now, against the account.
func (m *member) reckonConflict(c *claim, result *resolution.Result, conflict *resolution.Conflict, rivals []int) error {
	var listed []int
	for _, r := range conflict.Rivals {
		n, err := m.number(r.ID)
		if err != nil {
			return err
		}
		listed = append(listed, n)
		if v, _ := c.write(n, conflict.Prop); v != r.Value {
			return fail("account", "%s writes %q, but as a rival it is listed with %q", c.a.edits[n], v, r.Value)
		}
	}
	sorted := c.known.less(listed, rivals)
	if !slices.Equal(sorted, rivals) {
		return fail("account", "the rivals for %s of %s are %s, but listed are %s", conflict.Prop, name(c.rec), c.list(rivals), c.list(sorted))
	}
	if err := m.reckonAsked(c, conflict, rivals); err != nil {
		return err
	}
	return m.reckonWinner(c.rec, result, conflict)
}

// reckonWinner holds what is shown for now against the votes, the rules and the times.
func (m *member) reckonWinner(rec changeset.RecordID, result *resolution.Result, conflict *resolution.Conflict) error {
	if err := m.reckonVotes(rec, result, conflict); err != nil || conflict.Why == resolution.WhyVote {
		return err
	}
	if err := m.reckonRule(rec, conflict); err != nil {
		return err
	}
	latest := slices.MaxFunc(conflict.Rivals, func(a, b resolution.Rival) int { return later(a.Entry, b.Entry) })
	if conflict.Why == resolution.WhyLatest && conflict.Value != latest.Value {
		return fail("account", "%s of %s is %q because that is the latest, but the latest is %q", conflict.Prop, name(rec), conflict.Value, latest.Value)
	}
	return nil
}

// sortedOnce sorts edits. One that bears two IDs, because several copies of a replica were made and mended apart, counts once.
func sortedOnce(edits []int) []int { return slices.Compact(slices.Sorted(slices.Values(edits))) }

// later compares two edits by time, origin and number.
func later(a, b *resolution.Entry) int {
	if a.Created != b.Created {
		if a.Created < b.Created {
			return -1
		}
		return 1
	}
	return a.ID.Compare(b.ID)
}

// rivals returns the writes to a property that no other write to it has seen.
func (c *claim) rivals(prop string) []int {
	var writes []int
	for _, n := range c.touches {
		if _, wrote := c.write(n, prop); wrote {
			writes = append(writes, n)
		}
	}
	return c.unseen(writes)
}

// unseen returns those of the edits that no other of them has seen.
func (c *claim) unseen(edits []int) (left []int) {
	for _, n := range edits {
		if !slices.ContainsFunc(edits, func(other int) bool { return other != n && c.a.edits[other].seen.has(n) }) {
			left = append(left, n)
		}
	}
	return left
}

func (c *claim) deletes(n int) bool { return c.a.edits[n].c.Change(c.rec).Kind == changeset.Delete }

// write returns what an edit writes to a property. One that makes a deleted record anew writes null to all that was written before.
func (c *claim) write(n int, prop string) (value string, wrote bool) {
	e := c.a.edits[n]
	ch := e.c.Change(c.rec)
	if pc, named := ch.Props[prop]; named || ch.Kind != changeset.Create {
		return pc.New.Text, named && ch.Kind != changeset.Delete
	}
	var before []int
	for _, k := range c.touches {
		if e.seen.has(k) {
			before = append(before, k)
		}
	}
	heads := c.unseen(before)
	anew := len(heads) > 0 && !slices.ContainsFunc(heads, func(k int) bool { return !c.deletes(k) })
	return "", anew && slices.ContainsFunc(before, func(k int) bool { _, wrote := c.write(k, prop); return wrote })
}

// props returns the properties that edits of the record name.
func (c *claim) props() []string {
	all := map[string]bool{}
	for _, n := range c.touches {
		for prop := range c.a.edits[n].c.Change(c.rec).Props {
			all[prop] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// list tells edits by their numbers in words.
func (c *claim) list(edits []int) string {
	text := "("
	for i, n := range edits {
		if i > 0 {
			text += "; "
		}
		text += c.a.edits[n].String()
	}
	return fmt.Sprint(text, ")")
}
