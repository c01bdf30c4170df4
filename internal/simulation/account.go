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
	old  bool                 // made with the original, which does not say what it had seen
	olds map[string]bool      // old values that it bears in some replica: record, property, value
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
			if value := ch.Props[name].New.Text; value != "" {
				fmt.Fprintf(&b, " %q=%q", name, value)
			}
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
	if known && n >= 0 {
		a.edits[n].noteOlds(c)
	}
	return n, known
}

// enter takes up an edit and returns its number.
func (a *account) enter(key cas.Key, e *edit) int {
	n := len(a.edits)
	a.edits = append(a.edits, e)
	a.byKey[key] = n
	a.byEssence[essence(e.c)] = n
	e.noteOlds(e.c)
	return n
}

// noteOlds takes up the old values that an edit bears in one representation.
func (e *edit) noteOlds(c *changeset.Changeset) {
	if e.olds == nil {
		e.olds = map[string]bool{}
	}
	for _, ch := range c.Changes {
		for prop, pc := range ch.Props {
			e.olds[oldKey(ch.Record, prop, pc.Old.Text)] = true
		}
	}
}

func oldKey(rec changeset.RecordID, prop, value string) string {
	return rec.String() + " " + prop + "=" + value
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
