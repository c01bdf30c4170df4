package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
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
	c    *changeset.Changeset
	vote bool
}

// DrawParcels makes a set from the beginning of a history, as much as fits. In every other set the changes of one of the makers lost their parents, as if they
// came through a replica of the original. In half of these they come in both forms. In a third of the sets there is a rule, or there are two rival ones.
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
	for range 8 {
		d.clash()
	}
	p := &Parcels{Seed: seed}
	if err := p.collect(d.h); err != nil {
		return nil, err
	}
	if seed%2 == 1 {
		p.strip(d)
	}
	p.link()
	return p, nil
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
	p.items = p.items[:min(maxParcels-int(h.Seed%4/3), len(p.items))] // room for another representation
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
			p.items = append(p.items, parcel{c, vote})
		}
		known[c.ID] = true
	}
	return nil
}

// strip takes the parents from the changes of one origin. Or it adds one of them so, with other old values: beside the one that its maker
// wrote, or where all of that origin lost their parents.
func (p *Parcels) strip(d *drawing) {
	one := p.items[d.IntN(len(p.items))]
	twice := p.Seed%4 == 3 && !one.vote
	for i, it := range p.items {
		if it.c.ID.Origin == one.c.ID.Origin && (!twice || p.Seed%8 == 7) {
			p.items[i].c = forwarded(it.c, false)
		}
	}
	if twice {
		p.items = append(p.items, parcel{c: forwarded(one.c, true)})
	}
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
			before := it.c.ID.Origin == other.c.ID.Origin && it.vote == other.vote && other.c.ID.Seq < it.c.ID.Seq
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

// Orders is in how many orders the set can arrive.
func (p *Parcels) Orders() int {
	memo := map[uint]int{}
	var count func(done uint) int
	count = func(done uint) int {
		if done == 1<<len(p.items)-1 {
			return 1
		}
		if n, ok := memo[done]; ok {
			return n
		}
		n := 0
		for _, i := range p.next(done) {
			n += count(done | 1<<i)
		}
		memo[done] = n
		return n
	}
	return count(0)
}

// next returns what can arrive after these have.
func (p *Parcels) next(done uint) (items []int) {
	for i := range p.items {
		waits := slices.ContainsFunc(p.after[i], func(one uint) bool { return one&done == 0 })
		if done>>i&1 == 0 && !waits {
			items = append(items, i)
		}
	}
	return items
}

// arrivals plays the orders of a set.
type arrivals struct {
	*Parcels
	order []int            // so far
	first []int            // the first order that was complete
	want  replicatest.View // and what the replica showed after it
	count int
}

// Play integrates the set into real replicas in all orders, each changeset in a transaction of its own. All must show the same in the end.
func (p *Parcels) Play() *Failure {
	fs := crashfs.New()
	_, err := replica.Init(context.Background(), fs, replica.Identity{Database: database, Votes: votes}, readerOptions())
	a := &arrivals{Parcels: p}
	if err == nil {
		err = a.arrive(fs, 0)
	}
	var f *Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return &Failure{Oracle: f.Oracle, Text: fmt.Sprintf("%v in the order %v of\n%s", f.Text, a.order, p)}
	}
	return fail("error", "%v in the order %v of\n%s", err, a.order, p)
}

func readerOptions() replica.Options {
	n := 0
	return replica.Options{Where: "reader", NewUUID: func() uuid.UUID { n++; return numbered(800 + n) }}
}

// arrive goes on from a replica to which these have come.
func (a *arrivals) arrive(fs *crashfs.FS, done uint) error {
	if len(a.order) == len(a.items) {
		return a.compare(fs)
	}
	for _, i := range a.next(done) {
		a.order = append(a.order, i)
		next := fs.Survivor(crashfs.Kill, 0)
		if err := a.integrate(next, a.items[i]); err != nil {
			return err
		}
		if err := a.arrive(next, done|1<<i); err != nil {
			return err
		}
		a.order = a.order[:len(a.order)-1]
	}
	return nil
}

func (a *arrivals) integrate(fs *crashfs.FS, it parcel) error {
	r, err := replica.Open(fs, readerOptions())
	if err != nil {
		return err
	}
	return r.Update(context.Background(), func(tx *replica.Tx) (err error) {
		if it.vote {
			_, err = tx.IntegrateVote(it.c)
		} else {
			_, err = tx.Integrate(it.c)
		}
		return err
	})
}

// compare holds what a replica shows against what it showed after the first order. Now and then fsck is asked too.
func (a *arrivals) compare(fs *crashfs.FS) error {
	r, err := replica.Open(fs, readerOptions())
	if err != nil {
		return err
	}
	got, err := replicatest.Look(r, name)
	if err != nil {
		return err
	}
	if a.count++; a.count%16 == 1 {
		m := &member{Member: Member{Name: "reader"}, fs: fs}
		if err := m.sound(); err != nil {
			return err
		}
	}
	if a.first == nil {
		a.first, a.want = slices.Clone(a.order), got
		if err := a.reckon(r); err != nil {
			return err
		}
	}
	if got != a.want {
		return fail("orders", "after the order %v the replica shows\n%safter %v\n%s", a.first, a.want, a.order, got)
	}
	return nil
}

// reckon holds what a replica makes of the set against what the rules say in the plainest way.
func (a *arrivals) reckon(r *replica.Replica) error {
	best := map[changeset.ID]*changeset.Changeset{}
	for _, it := range a.items {
		switch other := best[it.c.ID]; {
		case it.vote:
		case other == nil:
			best[it.c.ID] = it.c
		default:
			joined, err := changeset.Join(other, it.c)
			if err != nil {
				return err
			}
			best[it.c.ID] = joined
		}
	}
	all := slices.Collect(maps.Values(best))
	for _, rec := range a.recs {
		result, err := r.Merged(rec)
		if err != nil {
			return err
		}
		for i := range result.Conflicts {
			if err := (&member{r: r}).reckonWinner(rec, result, &result.Conflicts[i]); err != nil {
				return err
			}
		}
		if got, want := plainly(rec, result), newPlain(rec, all).String(); len(result.Heads) > 0 && got != want {
			return fail("plain", "it is\n%sbut by the rules\n%s", got, want)
		}
	}
	return nil
}

// String lists the set.
func (p *Parcels) String() string {
	var b strings.Builder
	for i, it := range p.items {
		what := "edit"
		if it.vote {
			what = "vote"
		}
		fmt.Fprintf(&b, "%d: %s %s", i, what, &edit{c: it.c})
		for _, ch := range it.c.Changes {
			if ch.Parents == nil {
				b.WriteString(", no parents known")
			}
			for _, id := range ch.Parents {
				fmt.Fprintf(&b, ", after %.8s:%d", id.Origin, id.Seq)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
