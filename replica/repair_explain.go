package replica

import (
	"maps"
	"slices"
	"time"

	"prophet/changeset"
	"prophet/resolution"
)

// The versions of its records tell which values a lost changeset wrote, but not when, nor what its maker had seen. So that the merge shows what the records are all the same, what is left of it
// gets the time and the parents, of those that are near, with which it does.

// explain gives what is left of a changeset other times and parents, where with those that it has its records would show something else than they do.
func (x *lostRepair) explain(seq uint32, c *changeset.Changeset) error {
	if c.Bookkeeping() {
		return nil
	}
	cases := x.casesOf(seq, c)
	if len(cases) == 0 {
		return nil
	}
	best, most := 0, -1
	times := timesOf(c.Created, cases)
	for i, created := range times {
		points := 0
		for _, k := range cases {
			points += k.try(created)
		}
		if points > most {
			best, most = i, points
		}
		if most == len(cases)*showsAll {
			break
		}
	}
	c.Created = times[best]
	for _, k := range cases {
		k.try(c.Created)
		k.change.Parents = k.chosen
	}
	return x.keep(seq, c)
}

// How well a merge shows what a record is.
const (
	showsOther = iota
	showsState // and other conflicts
	showsAll
)

// leftCase is one record of a lost changeset.
type leftCase struct {
	merge   func(entries []resolution.Entry) (*resolution.Result, error)
	change  *changeset.Change // what is left of the change to it
	entries []resolution.Entry
	at      int // which of them is the lost one
	exists  bool
	props   map[string]string
	open    []string         // what is noted to be in conflict
	noted   bool             // it is
	parents [][]changeset.ID // that may be the lost one's
	chosen  []changeset.ID
}

// casesOf returns the records that a lost changeset touched of which it is known what they are, and all changes to them.
func (x *lostRepair) casesOf(seq uint32, c *changeset.Changeset) (cases []*leftCase) {
	open := openSet(nil)
	if x.l.prefix == "" {
		list, err := x.l.ours.readUndecided()
		if err == nil {
			open = list.set
		}
		x.p.unread(err)
	}
	for i := range c.Changes {
		k := x.caseOf(c, &c.Changes[i])
		if k == nil {
			continue
		}
		k.noted = open != nil && !open[k.change.Record].any
		k.open = open[k.change.Record].open
		k.offerParents(x, seq)
		cases = append(cases, k)
	}
	return cases
}

func (x *lostRepair) caseOf(c *changeset.Changeset, ch *changeset.Change) *leftCase {
	versions := x.said.versions[ch.Record]
	if len(versions) == 0 || versions[0].Seq == 0 {
		return nil
	}
	exists, props := x.stateOf(ch.Record, versions[len(versions)-1])
	if exists == nil {
		return nil
	}
	k := &leftCase{change: ch, exists: *exists, props: props}
	var rows []uint32
	for _, v := range versions {
		rows = append(rows, v.Seq)
	}
	entries, err := x.l.entries(ch.Record, slices.Compact(rows), x.l.bestAt)
	if err != nil {
		x.p.unread(err)
		return nil
	}
	k.entries = entries
	if k.at = slices.IndexFunc(entries, func(e resolution.Entry) bool { return e.ID == c.ID }); k.at < 0 {
		return nil
	}
	tx := newTx(x.p.r, nil) // only read
	t := tx.main
	if x.l.prefix != "" {
		t = tx.res
	}
	k.merge = func(entries []resolution.Entry) (*resolution.Result, error) {
		result, err := t.mergeEntries(ch.Record, entries)
		x.p.unread(err)
		return result, err
	}
	return k
}

// mostParents bounds how many sets of parents are tried.
const mostParents = 16

// offerParents collects the parents that the lost changeset may have had: those that it has, those of other changes to the record, all heads that there were, and none; each of them above it, and none has seen a copy of it. That they are not known (nil) comes last:
// a copy of what is left has known ones, and is to show the same.
func (k *leftCase) offerParents(x *lostRepair, seq uint32) {
	above, copied := map[changeset.ID]bool{}, map[changeset.ID]bool{}
	for _, e := range k.entries[:k.at] { // in the order of the rows
		above[e.ID] = true
		copied[e.ID] = e.Change.CopyOf == k.entries[k.at].ID || slices.ContainsFunc(e.Change.Parents, func(p changeset.ID) bool { return copied[p] })
	}
	offer := func(parents []changeset.ID) {
		is := func(other []changeset.ID) bool {
			return (other == nil) == (parents == nil) && slices.Equal(other, parents)
		}
		no := func(p changeset.ID) bool { return !above[p] || copied[p] }
		if len(k.parents) < mostParents && !slices.ContainsFunc(parents, no) && !slices.ContainsFunc(k.parents, is) {
			k.parents = append(k.parents, parents)
		}
	}
	if its := k.entries[k.at].Change.Parents; its != nil {
		k.parents = append(k.parents, its)
	}
	for at := k.at + 1; at < len(k.entries); at++ {
		offer(k.entries[at].Change.Parents)
	}
	for at := k.at - 1; at >= 0; at-- {
		offer(k.entries[at].Change.Parents)
	}
	if result, err := k.merge(k.entries[:k.at]); err == nil {
		offer(result.Heads)
	}
	offer([]changeset.ID{})
	k.parents = append(k.parents, nil)
}

// try merges the record with the lost changeset made at a time, chooses the parents with which that shows best what the record is, and returns how well.
func (k *leftCase) try(created string) (points int) {
	k.chosen = k.entries[k.at].Change.Parents
	for _, parents := range k.parents {
		is := k.shown(created, parents)
		if is > points {
			points, k.chosen = is, parents
		}
		if points == showsAll {
			break
		}
	}
	return points
}

func (k *leftCase) shown(created string, parents []changeset.ID) int {
	entries := slices.Clone(k.entries)
	ch := *entries[k.at].Change
	ch.Parents = parents
	entries[k.at].Created, entries[k.at].Change = created, &ch
	result, err := k.merge(entries)
	switch {
	case err != nil || result.Exists != k.exists || result.Exists && !maps.Equal(result.Props, k.props):
		return showsOther
	case k.noted && !slices.Equal(result.OpenProps(), k.open):
		return showsState
	}
	return showsAll
}

// mostTimes bounds how many times are tried.
const mostTimes = 16

// timesOf returns the times at which the lost changeset may have been made: the one that it has, those of other changes to its records, and one after all of them.
func timesOf(created string, cases []*leftCase) []string {
	times, last := []string{created}, ""
	for _, k := range cases {
		for i, e := range k.entries {
			last = max(last, e.Created)
			if i != k.at && len(times) < mostTimes && !slices.Contains(times, e.Created) {
				times = append(times, e.Created)
			}
		}
	}
	if t, err := time.Parse(time.DateTime, last); err == nil {
		times = append(times, t.Add(time.Second).Format(time.DateTime))
	}
	return times
}
