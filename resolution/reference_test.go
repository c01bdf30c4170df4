package resolution_test

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// model is the merge once more, written from the rules as they are put in words and from nothing else: every relation is
// a table of all pairs, and nothing is fast.
type model struct {
	entries []modelEntry
	parents [][]bool // parents[i][j]: j is a parent of i, by known parents and own chains
	rank    []int    // position in T
	seen    [][]bool // seen[i][j]: i has seen j
	cyclic  bool     // only forged changes are
}

func newModel(entries []resolution.Entry) *model {
	all, tied := modelEntries(entries)
	m := linked(all)
	m.cyclic = m.cyclic || tied
	return m
}

func linked(entries []modelEntry) *model {
	m := &model{entries: entries, parents: square(len(entries))}
	for i, e := range entries {
		if e.Change.Parents == nil {
			if p := modelPrevious(entries, i); p >= 0 {
				m.parents[i][p] = true
			}
			continue
		}
		for j := range entries {
			m.parents[i][j] = i != j && slices.Contains(e.Change.Parents, entries[j].ID)
		}
	}
	ancestors := closed(m.parents)
	for i := range entries {
		m.cyclic = m.cyclic || ancestors[i][i]
	}
	if m.cyclic {
		return m
	}
	m.rankByT(ancestors)
	m.seen = square(len(entries))
	for i, e := range entries {
		for j := range entries {
			deletion := e.Change.Parents == nil && e.Change.Kind == changeset.Delete
			m.seen[i][j] = m.parents[i][j] || deletion && m.rank[j] < m.rank[i]
		}
	}
	m.seen = closed(m.seen)
	return m
}

// rankByT orders by the greatest time among a change and its ancestors, depth, origin and number.
func (m *model) rankByT(ancestors [][]bool) {
	n := len(m.entries)
	created, depth, order := make([]string, n), make([]int, n), make([]int, n)
	for i := range n {
		order[i], created[i] = i, m.entries[i].Created
		for j := range n {
			if ancestors[i][j] {
				created[i] = max(created[i], m.entries[j].Created)
			}
		}
	}
	for range n {
		for i := range n {
			for j := range n {
				if m.parents[i][j] {
					depth[i] = max(depth[i], depth[j]+1)
				}
			}
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(strings.Compare(created[a], created[b]), cmp.Compare(depth[a], depth[b]), modelOrder(m.entries[a], m.entries[b]))
	})
	m.rank = make([]int, n)
	for rank, i := range order {
		m.rank[i] = rank
	}
}

func square(n int) [][]bool {
	s := make([][]bool, n)
	for i := range s {
		s[i] = make([]bool, n)
	}
	return s
}

// closed is the transitive closure.
func closed(edges [][]bool) [][]bool {
	c := square(len(edges))
	for i := range edges {
		copy(c[i], edges[i])
	}
	for k := range c {
		for i := range c {
			for j := range c {
				c[i][j] = c[i][j] || c[i][k] && c[k][j]
			}
		}
	}
	return c
}

// unseen returns what nobody has seen, by the relation, but for what is silent.
func (m *model) unseen(seen [][]bool) []int {
	var heads []int
	for j := range seen {
		sees := false
		for i, by := range seen {
			sees = sees || by[j] && !m.entries[i].silent
		}
		if !sees && !m.entries[j].silent {
			heads = append(heads, j)
		}
	}
	return heads
}

// modelOrder orders by the name of the edit, then the change.
func modelOrder(a, b modelEntry) int { return cmp.Or(a.name.Compare(b.name), a.ID.Compare(b.ID)) }

// modelWrite is a write to one property.
type modelWrite struct {
	by         int
	old, value string
	implied    bool // by a re-creation: it names no old value
}

// writes returns all writes to a property.
func (m *model) writes(prop string) []modelWrite {
	var writes []modelWrite
	for i, e := range m.entries {
		pc, named := e.Change.Props[prop]
		switch {
		case e.Change.Kind == changeset.Delete:
		case named:
			writes = append(writes, modelWrite{i, pc.Old.Text, pc.New.Text, false})
		case m.recreates(i) && m.ancestorWrote(i, prop):
			writes = append(writes, modelWrite{i, "", "", true})
		}
	}
	return writes
}

func (m *model) recreates(i int) bool {
	parents := 0
	for j, is := range m.parents[i] {
		if is && m.entries[j].Change.Kind != changeset.Delete {
			return false
		} else if is {
			parents++
		}
	}
	return m.entries[i].Change.Kind == changeset.Create && parents > 0
}

func (m *model) ancestorWrote(i int, prop string) bool {
	for j, e := range m.entries {
		if _, named := e.Change.Props[prop]; m.seen[i][j] && named && e.Change.Kind != changeset.Delete {
			return true
		}
	}
	return false
}

// rivals returns the writes to a property that no other has seen or beaten, latest first.
func (m *model) rivals(prop string) []modelWrite {
	writes := m.writes(prop)
	var rivals []modelWrite
	for _, w := range writes {
		if !slices.ContainsFunc(writes, func(v modelWrite) bool { return m.seen[v.by][w.by] || m.beats(v, w) }) {
			rivals = append(rivals, w)
		}
	}
	slices.SortFunc(rivals, func(a, b modelWrite) int { return m.latestFirst(a.by, b.by) })
	return rivals
}

func (m *model) beats(v, w modelWrite) bool {
	bare := m.entries[v.by].Change.Parents == nil
	return bare && !v.implied && m.rank[w.by] < m.rank[v.by] && v.old == w.value
}

func (m *model) latestFirst(a, b int) int {
	x, y := m.entries[a], m.entries[b]
	return cmp.Or(strings.Compare(y.Created, x.Created), modelOrder(y, x))
}

// show is the merged state in the words of [show], with fingerprints and heads.
func (m *model) show(answers resolution.Answers, rules resolution.Rules) string {
	var heads []changeset.ID
	for _, i := range m.unseen(closed(m.parents)) {
		heads = append(heads, m.entries[i].ID)
	}
	slices.SortFunc(heads, changeset.ID.Compare)
	var keep, deleted []int
	for _, i := range m.unseen(m.seen) {
		if m.entries[i].Change.Kind == changeset.Delete {
			deleted = append(deleted, i)
		} else {
			keep = append(keep, i)
		}
	}
	if len(keep) == 0 {
		return "deleted | heads " + names(heads)
	}
	words := []string{m.showProps(answers, rules)}
	if len(deleted) > 0 {
		words = append(words, "exists? keep "+m.names(keep)+" delete "+m.names(deleted))
	}
	return strings.Join(append(words, "heads "+names(heads)), " | ")
}

func (m *model) names(entries []int) string {
	slices.SortFunc(entries, m.latestFirst)
	var list []changeset.ID
	for _, i := range entries {
		list = append(list, m.entries[i].ID)
	}
	return names(list)
}

// modelConflict is a property whose rivals clash, or count each by its rule.
type modelConflict struct {
	prop   string
	rivals []modelWrite
	why    string // without votes
}

func (m *model) showProps(answers resolution.Answers, rules resolution.Rules) string {
	props := map[string]bool{}
	for _, e := range m.entries {
		for prop := range e.Change.Props {
			props[prop] = true
		}
	}
	values := map[string]string{}
	var open []modelConflict
	var agreed []string
	for _, prop := range slices.Sorted(maps.Keys(props)) {
		rivals := m.rivals(prop)
		value, why := m.byRule(prop, modelRule(rules(prop)))
		values[prop] = value
		switch {
		case why != "":
			open = append(open, modelConflict{prop, rivals, why})
		case undecided(rivals):
			agreed = append(agreed, prop)
		}
	}
	var conflicts []string
	for _, c := range open {
		why := c.why
		if answer := modelAnswer(open, c, answers); answer != nil {
			values[c.prop], why = answer[c.prop], resolution.WhyVote
		}
		words := []string{c.prop + "?"}
		for _, w := range c.rivals {
			words = append(words, name(m.entries[w.by].ID)+"="+orNull(w.value))
		}
		conflicts = append(conflicts, strings.Join(append(words, why, string(modelRule(rules(c.prop))), modelFingerprint(c)), " "))
	}
	if len(agreed) > 0 {
		conflicts = append(conflicts, "agreed "+strings.Join(agreed, " "))
	}
	words := []string{"lives"}
	for _, prop := range slices.Sorted(maps.Keys(values)) {
		if values[prop] != "" {
			words = append(words, prop+"="+values[prop])
		}
	}
	return strings.Join(append([]string{strings.Join(words, " ")}, conflicts...), " | ")
}

// modelFingerprint is the SHA-1 of the JSON of docs/format.md, resolutions/.
func modelFingerprint(conflicts ...modelConflict) string {
	var clashes []string
	for _, c := range conflicts {
		choices := map[string]bool{}
		var olds []string
		for _, w := range c.rivals {
			if w.value != "" {
				choices[w.value] = true
			}
			if !w.implied {
				olds = append(olds, w.old)
			}
		}
		old := "null"
		if least := slices.Min(olds); least != "" {
			old = quoted(least)
		}
		clashes = append(clashes, fmt.Sprintf(`{"choices":%s,"name":%s,"source_old_value":%s}`,
			quoted(append([]string{}, slices.Sorted(maps.Keys(choices))...)), quoted(c.prop), old))
	}
	sum := sha1.Sum([]byte(fmt.Sprintf(`{"change_type":"update_file","file_op_conflict":null,"prop_conflicts":[%s],"record_type":%s,"record_uuid":%s,`+
		`"source_record_exists":null,"target_record_exists":1}`, strings.Join(clashes, ","), quoted(ticket.Type), quoted(ticket.UUID.String()))))
	return hex.EncodeToString(sum[:])
}

func quoted(v any) string { return string(must(json.Marshal(v))) }

// modelAnswer is the answer to conflict c, nil if there is none: to it alone, else to the smallest sets of two to four open ones
// that hold it, by name, all orders of a set pooled, if no more than four are open.
func modelAnswer(open []modelConflict, c modelConflict, answers resolution.Answers) map[string]string {
	if answers == nil {
		return nil
	}
	if best := mostVoted(answers(modelFingerprint(c))); best != nil || len(open) > 4 {
		return best
	}
	var sets [][]modelConflict
	for bits := range 1 << len(open) {
		var set []modelConflict
		for i := range open {
			if bits>>i&1 == 1 {
				set = append(set, open[i])
			}
		}
		if len(set) > 1 && slices.ContainsFunc(set, func(d modelConflict) bool { return d.prop == c.prop }) {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets, func(a, b []modelConflict) int {
		byName := func(a, b modelConflict) int { return strings.Compare(a.prop, b.prop) }
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, byName))
	})
	for _, set := range sets {
		var votes []map[string]string
		everyOrder(set, func(order []modelConflict) { votes = append(votes, answers(modelFingerprint(order...))...) })
		if best := mostVoted(votes); best != nil {
			return best
		}
	}
	return nil
}

// everyOrder calls f with every order of the items, which it changes in place.
func everyOrder[T any](items []T, f func([]T)) {
	var place func(k int)
	place = func(k int) {
		if k == len(items) {
			f(items)
			return
		}
		for i := k; i < len(items); i++ {
			items[k], items[i] = items[i], items[k]
			place(k + 1)
			items[k], items[i] = items[i], items[k]
		}
	}
	place(0)
}

// mostVoted is the answer with most votes, then the smallest SHA-1.
func mostVoted(votes []map[string]string) map[string]string {
	hash := func(v map[string]string) string {
		sum := sha1.Sum([]byte(quoted(v)))
		return string(sum[:])
	}
	count := func(v map[string]string) (n int) {
		for _, w := range votes {
			if maps.Equal(v, w) {
				n++
			}
		}
		return n
	}
	var best map[string]string
	for _, v := range votes {
		if best == nil || count(v) > count(best) || count(v) == count(best) && hash(v) < hash(best) {
			best = v
		}
	}
	return best
}
