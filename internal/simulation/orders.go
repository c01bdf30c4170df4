package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

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
	heads string           // with the heads of the records, where the set has several representations
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
	heads, err := a.headsIn(r)
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
		a.first, a.want, a.heads = slices.Clone(a.order), got, heads
		if err := a.reckon(r); err != nil {
			return err
		}
	}
	if got != a.want || heads != a.heads {
		return fail("orders", "after the order %v the replica shows\n%s%safter %v\n%s%s", a.first, a.want, a.heads, a.order, got, heads)
	}
	return nil
}

// headsIn tells the heads that an edit of each record would name as its parents, where several representations may bring others than a row was noted with.
func (a *arrivals) headsIn(r *replica.Replica) (heads string, err error) {
	for _, rec := range a.recs {
		if a.more() == 0 {
			break
		}
		result, err := r.State(rec)
		if err != nil {
			return "", err
		}
		heads += fmt.Sprintf("\t%s:%s\n", name(rec), replicatest.IDs(result.Heads))
	}
	return heads, nil
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
			best[it.c.ID] = plainJoin(other, it.c)
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
		if err := reckonOldValues(rec, result, best); err != nil {
			return err
		}
	}
	return nil
}

// reckonOldValues holds the old values that rivals name against those of the best representations.
func reckonOldValues(rec changeset.RecordID, result *resolution.Result, best map[changeset.ID]*changeset.Changeset) error {
	for _, c := range result.Conflicts {
		for _, r := range c.Rivals {
			if want := best[r.ID].Change(rec).Props[c.Prop].Old.Text; r.Old.Text != want {
				return fail("plain", "%s of %s: %s names the old value %q, want %q", c.Prop, name(rec), r.ID, r.Old.Text, want)
			}
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
