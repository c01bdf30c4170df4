package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
)

// account is what the simulation itself knows of the edits that were made.
type account struct {
	edits     []*edit
	byKey     map[cas.Key]int // of a changeset's bytes, to the number of the edit; -1 is bookkeeping
	byEssence map[string]int
}

// edit is an ordinary changeset, whatever ID it bears here or there.
type edit struct {
	c    *changeset.Changeset // as its maker logged it
	seen set                  // the edits that its maker had
	bare bool                 // the maker did not write what it had seen, and old values may count for that
}

func newAccount() *account {
	return &account{byKey: map[cas.Key]int{}, byEssence: map[string]int{}}
}

// essence is what all representations of an edit have in common, under whatever name its origin goes.
func essence(c *changeset.Changeset) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %d", c.Created, c.Creator.Text, c.ID.Seq)
	for _, ch := range c.Changes {
		fmt.Fprintf(&b, "\n%s %v", ch.Record, ch.Kind == changeset.Delete)
		for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
			fmt.Fprintf(&b, " %q=%q", name, ch.Props[name].New.Text)
		}
	}
	return b.String()
}

// find returns the number of the edit that a changeset is, and whether it was known.
func (a *account) find(key cas.Key, c *changeset.Changeset) (n int, known bool) {
	n, known = a.byEssence[essence(c)]
	if c.Bookkeeping() {
		n, known = -1, true
	}
	if known {
		a.byKey[key] = n
	}
	return n, known
}

// enter takes up an edit whose maker had seen so much, and returns its number.
func (a *account) enter(key cas.Key, c *changeset.Changeset, seen set) int {
	n := len(a.edits)
	a.edits = append(a.edits, &edit{c: c, seen: slices.Clone(seen)})
	a.byKey[key] = n
	a.byEssence[essence(c)] = n
	return n
}

// touching returns the numbers of the edits among these that touch the record.
func (a *account) touching(rec changeset.RecordID, among set) (ns []int) {
	for n, e := range a.edits {
		if among.has(n) && e.c.Change(rec) != nil {
			ns = append(ns, n)
		}
	}
	return ns
}

// records returns all records that edits touch.
func (a *account) records() []changeset.RecordID {
	all := map[changeset.RecordID]bool{}
	for _, e := range a.edits {
		for _, ch := range e.c.Changes {
			all[ch.Record] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), changeset.RecordID.Compare)
}
