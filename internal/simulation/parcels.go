package simulation

import (
	"maps"
	"math/rand/v2"
	"slices"

	"prophet/changeset"
)

// maxParcels is how many changesets a set has at most.
const maxParcels = 7

// Parcels is a small set of changesets and votes, and what must have come before each of them: its parents, and what its origin made before.
type Parcels struct {
	Seed  uint64
	items []parcel
	after [][]uint // for each item sets of items, as bits: one of each set must come before. More than one in a set are representations of one changeset
	recs  []changeset.RecordID
}

type parcel struct {
	c     *changeset.Changeset
	vote  bool
	again bool // its number says nothing about what its maker made before it, see goBack
}

// DrawParcels makes a set from the beginning of a history, as much as fits. In every other set the changes of one of the makers lost their parents, as if they
// came through a replica of the original. In half of these they come in both forms, and in a quarter one comes with other parents. In every sixteenth
// set one has a number that goes back. In a third of the sets there is a rule, or there are two rival ones.
func DrawParcels(seed uint64) (*Parcels, error) {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 13)), h: &History{Seed: seed}, crew: 3 + int(seed%5/4), records: 1 + int(seed%3/2)}
	d.drawMembers()
	d.add(Step{Do: Create, Record: 1, Writes: d.writes(2)})
	if seed%3 == 1 {
		d.contest()
	}
	if seed%3 == 0 {
		d.revive()
	}
	if seed%16 == 13 {
		d.alone()
	}
	for range 8 {
		d.clash()
	}
	p := &Parcels{Seed: seed}
	if err := p.collect(d.h); err != nil {
		return nil, err
	}
	switch {
	case seed%16 == 9:
		p.goBack(d)
	case seed%2 == 1:
		p.strip(d)
	}
	p.link()
	return p, nil
}

// contest draws a rule, and perhaps another one for the same property, set apart.
func (d *drawing) contest() {
	n := 1 + d.IntN(2)
	for _, who := range []int{0, 1}[:1+d.IntN(2)] {
		d.add(Step{Do: Set, Who: who, Record: n, Writes: []Write{{"content", pick(d, `["max"]`, `["min"]`, `["union"]`, `["sum"]`, `["ask"]`)}}})
	}
}

// revive draws what leads to a record that one deletes and makes anew, beside an edit that had not seen that.
func (d *drawing) revive() {
	one := d.IntN(d.crew)
	two := (one + 1 + d.IntN(d.crew-1)) % d.crew
	d.add(Step{Do: Pull, Who: one, Whom: 0})
	d.add(Step{Do: Pull, Who: two, Whom: 0})
	d.add(Step{Do: Delete, Who: one, Record: 1})
	d.add(Step{Do: Update, Who: two, Record: 1, Writes: d.writes(1)})
	d.add(Step{Do: Restore, Who: one, Record: 1, Writes: d.writes(1)})
}

// alone draws what leads to a record that one has to herself, while others quarrel about another one.
func (d *drawing) alone() {
	d.add(Step{Do: Update, Record: 1, Writes: []Write{{"a", "5"}}})
	d.add(Step{Do: Update, Record: 1, Writes: []Write{{"b", "x"}}})
	for who := range 2 {
		d.add(Step{Do: Create, Who: who, Record: 2, Writes: d.writes(2)})
	}
}

// collect plays the history until there are as many changesets as are wanted, and takes them up in the order in which they were made.
func (p *Parcels) collect(h *History) error {
	w, err := begin(h)
	if err != nil {
		return err
	}
	known := map[changeset.ID]bool{}
	for _, w.step = range h.Steps {
		if err := w.play(); err != nil {
			return err
		}
		for _, m := range w.ours() {
			for _, vote := range []bool{false, true} {
				if err := p.take(m, vote, known); err != nil {
					return err
				}
			}
		}
		if len(p.items) >= maxParcels {
			break
		}
	}
	p.items = p.items[:min(maxParcels-p.more(), len(p.items))]
	p.recs = w.account.records()
	return nil
}

// take takes up what is new in a log.
func (p *Parcels) take(m *member, vote bool, known map[changeset.ID]bool) error {
	log := m.r.Log()
	if vote {
		log = m.r.Resolutions()
	}
	for row, err := range log.Rows(1, log.Latest()) {
		if err != nil {
			return err
		}
		c, err := log.Changeset(row)
		if err != nil {
			return err
		}
		if !known[c.ID] && !c.Bookkeeping() {
			p.items = append(p.items, parcel{c: c, vote: vote})
		}
		known[c.ID] = true
	}
	return nil
}

// more is how many representations a set has more than changesets.
func (p *Parcels) more() int {
	if p.Seed%4 == 3 || p.Seed%8 == 5 {
		return 1
	}
	return 0
}

// strip takes the parents from the changes of one origin. Or it adds one of them in another form, without parents and with other old values, or with other
// parents: beside the one that its maker wrote, or where all of that origin lost their parents.
func (p *Parcels) strip(d *drawing) {
	k := d.IntN(len(p.items))
	if ofOne := p.lastOf(record(1)); p.Seed%16 == 13 && ofOne > 0 { // see alone
		k = ofOne
	}
	one := p.items[k]
	twice := p.more() > 0 && !one.vote
	other := forwarded(one.c, true)
	if p.Seed%8 == 5 {
		other = p.reread(d, k)
	}
	for i, it := range p.items {
		if it.c.ID.Origin == one.c.ID.Origin && (!twice || p.Seed%8 == 7 || p.Seed%16 == 13) {
			p.items[i].c = forwarded(it.c, false)
		}
	}
	if twice {
		p.items = append(p.items, parcel{c: other})
	}
}

// goBack takes the parents from the changes of one origin but one, which gets a number below that of another one before it, as with the original after a
// restore: in the first life the number was that of bookkeeping. What the first life made came by others, and is in the log of the second one too.
func (p *Parcels) goBack(d *drawing) {
	origin := p.items[d.IntN(len(p.items))].c.ID.Origin
	var made []int
	for i, it := range p.items {
		if it.c.ID.Origin == origin && !it.vote {
			made = append(made, i)
		}
	}
	if len(made) < 2 {
		return
	}
	k := 1 + d.IntN(len(made)-1)
	one := &p.items[made[k]]
	again := 10*p.items[made[d.IntN(k)]].c.ID.Seq - 5 // all numbers get ten times as great, so that there is a free one below each
	p.rename(func(id changeset.ID) changeset.ID {
		switch {
		case id == one.c.ID:
			id.Seq = again
		case id.Origin == origin:
			id.Seq *= 10
		}
		return id
	})
	for _, i := range slices.Delete(made, k, k+1) {
		p.items[i].c = forwarded(p.items[i].c, false)
	}
	one.again = true
}

// rename gives the edits other IDs, in place, also where they are named as parents. Votes keep theirs.
func (p *Parcels) rename(as func(changeset.ID) changeset.ID) {
	ids := map[changeset.ID]changeset.ID{}
	for _, it := range p.items {
		if !it.vote {
			ids[it.c.ID] = as(it.c.ID)
		}
	}
	for _, it := range p.items {
		if it.vote {
			continue
		}
		it.c.ID = ids[it.c.ID]
		for _, ch := range it.c.Changes {
			for k, id := range ch.Parents {
				ch.Parents[k] = ids[id]
			}
			slices.SortFunc(ch.Parents, changeset.ID.Compare)
		}
	}
}

// lastOf returns the last edit of a record; -1 if there is none.
func (p *Parcels) lastOf(rec changeset.RecordID) int {
	for i, it := range slices.Backward(p.items) {
		if !it.vote && it.c.Change(rec) != nil {
			return i
		}
	}
	return -1
}

// reread is an edit with other parents, as the log of its maker may tell them that lost changesets with a backup: none, or one or two of those that came before.
func (p *Parcels) reread(d *drawing, k int) *changeset.Changeset {
	c := forwarded(p.items[k].c, false)
	for i := range c.Changes {
		ch := &c.Changes[i]
		ch.Parents = []changeset.ID{}
		for _, it := range p.items[:k] {
			if d.IntN(2) == 0 && len(ch.Parents) < 2 && !it.vote && it.c.Change(ch.Record) != nil {
				ch.Parents = append(ch.Parents, it.c.ID)
			}
		}
		slices.SortFunc(ch.Parents, changeset.ID.Compare)
	}
	return c
}

// Shrink leaves out changesets, with those that name them, as long as what is left fails by the same oracle.
func (p *Parcels) Shrink(f *Failure) (*Parcels, *Failure) {
	for i := 0; i < len(p.items); i++ {
		less := p.without(i)
		if got := less.Play(); got != nil && got.Oracle == f.Oracle {
			p, f, i = less, got, -1
		}
	}
	return p, f
}

// without returns the set less an item and what names it as a parent.
func (p *Parcels) without(i int) *Parcels {
	less := &Parcels{Seed: p.Seed, items: slices.Delete(slices.Clone(p.items), i, i+1), recs: p.recs}
	less.link()
	for k, it := range less.items {
		if less.lacks(it.c) {
			return less.without(k)
		}
	}
	return less
}

// lacks reports whether a parent that a changeset names is not there.
func (p *Parcels) lacks(c *changeset.Changeset) bool {
	for _, ch := range c.Changes {
		for _, id := range ch.Parents {
			if !slices.ContainsFunc(p.items, func(it parcel) bool { return it.c.ID == id }) {
				return true
			}
		}
	}
	return false
}

// forwarded is a changeset as the original may forward it: without parents, and perhaps a create as an update, and with other old values.
func forwarded(c *changeset.Changeset, others bool) *changeset.Changeset {
	f := *c
	f.Changes = slices.Clone(c.Changes)
	for i := range f.Changes {
		ch := &f.Changes[i]
		ch.Parents, ch.Props = nil, maps.Clone(ch.Props)
		if others && ch.Kind == changeset.Create { // the record was there
			ch.Kind = changeset.Update
		}
		for prop, pc := range ch.Props {
			if others {
				ch.Props[prop] = changeset.PropChange{Old: other(pc.Old), New: pc.New}
			}
		}
	}
	return &f
}

// other is another old value than this.
func other(old changeset.Value) changeset.Value {
	if old.Text == "1" {
		return changeset.Value{}
	}
	return changeset.Text("1")
}

// link finds out what comes before what.
func (p *Parcels) link() {
	p.after = make([][]uint, len(p.items))
	for i, it := range p.items {
		for k, other := range p.items {
			before := it.c.ID.Origin == other.c.ID.Origin && it.vote == other.vote && other.c.ID.Seq < it.c.ID.Seq && !it.again && !other.again
			for _, ch := range it.c.Changes {
				before = before || slices.Contains(ch.Parents, other.c.ID)
			}
			if before {
				p.after[i] = append(p.after[i], p.named(k))
			}
		}
	}
}

// named returns the items that bear the ID of an item, as bits.
func (p *Parcels) named(k int) (items uint) {
	for i, it := range p.items {
		if it.vote == p.items[k].vote && it.c.ID == p.items[k].c.ID {
			items |= 1 << i
		}
	}
	return items
}
