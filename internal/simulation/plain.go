package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// plain merges the changes to one record in the plainest way, with sets of ancestors and no thought of cost: what docs/merge.md says, a second time.
type plain struct {
	rec     changeset.RecordID
	changes []*plainChange // in the order T
}

// plainChange is one change to the record.
type plainChange struct {
	id      changeset.ID
	created string
	*changeset.Change
	parents []*plainChange // known ones, or the own chain
	seen    map[*plainChange]bool
	latest  string // time of creation among it and what it has seen
	depth   int
}

// newPlain takes the changes to a record from changesets, each in its best representation.
func newPlain(rec changeset.RecordID, all []*changeset.Changeset) *plain {
	p := &plain{rec: rec}
	for _, c := range all {
		if ch := c.Change(rec); ch != nil {
			p.changes = append(p.changes, &plainChange{id: c.ID, created: c.Created, Change: ch, seen: map[*plainChange]bool{}})
		}
	}
	for _, c := range p.changes {
		c.parents = p.parentsOf(c)
	}
	p.look()
	if p.untie() {
		p.look()
	}
	slices.SortFunc(p.changes, func(a, b *plainChange) int {
		return cmp.Or(cmp.Compare(a.latest, b.latest), cmp.Compare(a.depth, b.depth), a.id.Compare(b.id))
	})
	p.seeByT()
	return p
}

func (c *plainChange) bare() bool    { return c.Parents == nil }
func (c *plainChange) deletes() bool { return c.Kind == changeset.Delete }

// parentsOf returns what a change names as its parents; without any, the change of its origin before it.
func (p *plain) parentsOf(c *plainChange) (parents []*plainChange) {
	var before *plainChange
	for _, other := range p.changes {
		if slices.Contains(c.Parents, other.id) {
			parents = append(parents, other)
		}
		if c.bare() && other.id.Origin == c.id.Origin && other.id.Seq < c.id.Seq && (before == nil || before.id.Seq < other.id.Seq) {
			before = other
		}
	}
	if before != nil {
		parents = append(parents, before)
	}
	return parents
}

// look finds out what each change has seen by its parents.
func (p *plain) look() {
	for range p.changes { // as often as a path can be long
		for _, c := range p.changes {
			c.look()
		}
	}
}

// untie takes their own chains from changes without parents that lie in a knot, in which changes are their own ancestors, and reports whether there is one.
// What is only between two knots counts as in them.
func (p *plain) untie() bool {
	in := func(c *plainChange) bool { return c.seen[c] }
	var tied []*plainChange
	for _, c := range p.changes {
		above := slices.ContainsFunc(p.changes, func(o *plainChange) bool { return in(o) && c.seen[o] })
		below := slices.ContainsFunc(p.changes, func(o *plainChange) bool { return in(o) && o.seen[c] })
		if above && below {
			tied = append(tied, c)
		}
	}
	if len(tied) == 0 {
		return false
	}
	for _, c := range tied {
		if c.bare() {
			c.parents = slices.DeleteFunc(c.parents, func(parent *plainChange) bool { return slices.Contains(tied, parent) })
		}
	}
	for _, c := range p.changes {
		c.seen, c.latest, c.depth = map[*plainChange]bool{}, "", 0
	}
	return true
}

// look takes up what the parents have seen by now.
func (c *plainChange) look() {
	c.latest = max(c.latest, c.created)
	for _, parent := range c.parents {
		c.seen[parent] = true
		maps.Copy(c.seen, parent.seen)
		c.latest, c.depth = max(c.latest, parent.latest), max(c.depth, parent.depth+1)
	}
}

// seeByT lets deletions without parents see all before them in T, and others what those have seen.
func (p *plain) seeByT() {
	for i, c := range p.changes {
		if c.bare() && c.deletes() {
			for _, earlier := range p.changes[:i] {
				c.seen[earlier] = true
			}
		}
		for _, parent := range c.parents {
			maps.Copy(c.seen, parent.seen)
		}
	}
}

// wrote returns what a change writes to a property.
func (p *plain) wrote(c *plainChange, prop string) (value string, wrote bool) {
	if c.deletes() {
		return "", false
	}
	if pc, named := c.Props[prop]; named {
		return pc.New.Text, true
	}
	kept := slices.ContainsFunc(c.parents, func(parent *plainChange) bool { return !parent.deletes() })
	if c.Kind != changeset.Create || len(c.parents) == 0 || kept {
		return "", false
	}
	for earlier := range c.seen { // made anew, it has nothing of what the record had
		if _, before := p.wrote(earlier, prop); before {
			return "", true
		}
	}
	return "", false
}

// rivals returns the writes to a property that nobody who had seen them wrote over, and that no change without parents names as the old value.
func (p *plain) rivals(prop string) (rivals []*plainChange) {
	for i, c := range p.changes {
		value, wrote := p.wrote(c, prop)
		replaced := slices.ContainsFunc(p.changes, func(other *plainChange) bool {
			_, over := p.wrote(other, prop)
			return over && other.seen[c]
		})
		beaten := slices.ContainsFunc(p.changes[i+1:], func(later *plainChange) bool {
			pc, named := later.Props[prop]
			return later.bare() && named && !later.deletes() && pc.Old.Text == value
		})
		if wrote && !replaced && !beaten {
			rivals = append(rivals, c)
		}
	}
	return rivals
}

// String tells what comes of it, but not who wins for now.
func (p *plain) String() string {
	var keep, del []changeset.ID
	for _, c := range p.changes {
		switch seen := slices.ContainsFunc(p.changes, func(other *plainChange) bool { return other.seen[c] }); {
		case seen:
		case c.deletes():
			del = append(del, c.id)
		default:
			keep = append(keep, c.id)
		}
	}
	if len(keep) == 0 {
		return fmt.Sprintf("%s is deleted\n", name(p.rec))
	}
	text := fmt.Sprintf("%s lives", name(p.rec))
	if len(del) > 0 {
		text += fmt.Sprintf(", kept by %s, deleted by %s", sortedIDs(keep), sortedIDs(del))
	}
	return text + p.properties()
}

func (p *plain) properties() string {
	props := map[string]bool{}
	for _, c := range p.changes {
		for prop := range c.Props {
			props[prop] = true
		}
	}
	var b strings.Builder
	for _, prop := range slices.Sorted(maps.Keys(props)) {
		rivals, values := p.rivals(prop), map[string][]changeset.ID{}
		for _, c := range rivals {
			value, _ := p.wrote(c, prop)
			values[value] = append(values[value], c.id)
		}
		b.WriteString(propertyIn(prop, values))
	}
	return b.String() + "\n"
}

// propertyIn tells of one property; the keys are its rivals' values.
func propertyIn(prop string, values map[string][]changeset.ID) string {
	var b strings.Builder
	for _, value := range slices.Sorted(maps.Keys(values)) {
		switch {
		case len(values) > 1:
			fmt.Fprintf(&b, " %s=%q?%s", prop, value, sortedIDs(values[value]))
		case value != "":
			fmt.Fprintf(&b, " %s=%q", prop, value)
		}
	}
	return b.String()
}

func sortedIDs(ids []changeset.ID) string {
	slices.SortFunc(ids, changeset.ID.Compare)
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, " %.8s:%d", id.Origin, id.Seq)
	}
	return b.String()
}

// plainly tells what a replica makes of a record, in the same words.
func plainly(rec changeset.RecordID, result *resolution.Result) string {
	if !result.Exists {
		return fmt.Sprintf("%s is deleted\n", name(rec))
	}
	text := fmt.Sprintf("%s lives", name(rec))
	if x := result.Existence; x != nil {
		text += fmt.Sprintf(", kept by %s, deleted by %s", sortedIDs(entryIDs(x.Keep)), sortedIDs(entryIDs(x.Delete)))
	}
	props := map[string]map[string][]changeset.ID{}
	for prop, value := range result.Props {
		props[prop] = map[string][]changeset.ID{value: nil}
	}
	for _, c := range result.Conflicts {
		values := map[string][]changeset.ID{}
		for _, r := range c.Rivals {
			values[r.Value] = append(values[r.Value], r.ID)
		}
		props[c.Prop] = values
	}
	for _, prop := range slices.Sorted(maps.Keys(props)) {
		text += propertyIn(prop, props[prop])
	}
	return text + "\n"
}

func entryIDs(entries []*resolution.Entry) (ids []changeset.ID) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// plainJoin is what two representations of one edit come to, in the plainest way. They have their changes in the same order.
func plainJoin(a, b *changeset.Changeset) *changeset.Changeset {
	joined := *a
	joined.Changes = slices.Clone(a.Changes)
	for i := range joined.Changes {
		ch, other := &joined.Changes[i], b.Changes[i]
		create := ch.Kind == changeset.Create || other.Kind == changeset.Create
		switch {
		case ch.Parents == nil && other.Parents != nil:
			*ch = other
		case ch.Parents != nil && other.Parents == nil:
		default:
			ch.Props = maps.Clone(ch.Props)
			for prop, pc := range other.Props {
				if pc.Old.Text < ch.Props[prop].Old.Text {
					pc.Old = ch.Props[prop].Old
				}
				ch.Props[prop] = pc
			}
			for _, id := range other.Parents {
				if !slices.Contains(ch.Parents, id) {
					ch.Parents = append(slices.Clip(ch.Parents), id)
				}
			}
		}
		if create {
			ch.Kind = changeset.Create
		}
	}
	return &joined
}
