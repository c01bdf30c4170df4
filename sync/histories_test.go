package sync_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

var (
	histories = flag.Int("histories", 60, "how many random histories TestReplicasThatHaveSeenTheSameShowTheSame runs")
	seed      = flag.Uint64("seed", 1, "of the first random history")
)

// crowd is some replicas of one database that a random history is played on.
type crowd struct {
	t        *testing.T
	rng      *rand.Rand
	replicas []*replica.Replica
	clock    time.Time
	story    []string
}

func newCrowd(t *testing.T, seed uint64, n int) *crowd {
	c := &crowd{t: t, rng: rand.New(rand.NewPCG(seed, 7)), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	first, err := replica.Init(context.Background(), afero.NewMemMapFs(), replica.Identity{}, c.options(0))
	if err != nil {
		t.Fatal(err)
	}
	c.replicas = append(c.replicas, first)
	for i := 1; i < n; i++ {
		r, _, err := psync.Clone(context.Background(), afero.NewMemMapFs(), first, c.options(i), psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		c.replicas = append(c.replicas, r)
	}
	return c
}

// options gives a replica a clock that is some seconds wrong, and UUIDs that depend on the seed alone.
func (c *crowd) options(i int) replica.Options {
	return replica.Options{
		Where:   fmt.Sprint("replica ", i),
		Creator: fmt.Sprintf("user%d@example.com", i),
		Now:     func() time.Time { return c.clock.Add(time.Duration(i*3) * time.Second) },
		NewUUID: func() uuid.UUID {
			var u uuid.UUID
			for k := range u {
				u[k] = byte(c.rng.Uint32())
			}
			u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
			return u
		},
	}
}

func (c *crowd) say(format string, args ...any) {
	c.story = append(c.story, fmt.Sprintf(format, args...))
}

func (c *crowd) fatal(format string, args ...any) {
	c.t.Helper()
	for _, s := range c.story {
		c.t.Log(s)
	}
	c.t.Fatalf(format, args...)
}

// records returns the IDs of all records that a replica knows.
func (c *crowd) records(r *replica.Replica) (recs []changeset.RecordID) {
	types, _ := r.Log().Types()
	for _, typ := range types {
		for rec, err := range r.Log().Records(typ) {
			if err != nil {
				c.fatal("%v", err)
			}
			recs = append(recs, rec)
		}
	}
	return recs
}

// step does one random thing.
func (c *crowd) step() {
	c.clock = c.clock.Add(time.Duration(c.rng.IntN(3)) * time.Second)
	i := c.rng.IntN(len(c.replicas))
	r := c.replicas[i]
	recs := c.records(r)
	switch what := c.rng.IntN(10); {
	case what < 4:
		j := c.rng.IntN(len(c.replicas))
		if i != j {
			prefer := []psync.Prefer{psync.PreferNone, psync.PreferNone, psync.PreferFrom, psync.PreferTo}[c.rng.IntN(4)]
			c.pull(i, j, prefer)
		}
	case len(recs) == 0 || what == 4 && len(recs) < 4:
		c.edit(i, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"a": "0", "b": "0"})
			c.say("%d creates %s", i, rec)
			return err
		})
	case what == 5:
		c.decide(i)
	case what == 6 && len(recs) > 1:
		c.changeTwo(i, recs)
	default:
		c.change(i, recs[c.rng.IntN(len(recs))])
	}
}

// changeTwo updates two records in one changeset, those of them that live.
func (c *crowd) changeTwo(i int, recs []changeset.RecordID) {
	first := c.rng.IntN(len(recs) - 1)
	c.edit(i, func(e *replica.Edit) error {
		for _, rec := range recs[first : first+2] {
			if _, exists, err := e.Props(rec); err != nil || !exists {
				return err
			}
			c.say("%d updates %s beside another", i, rec)
			if err := e.Update(rec, map[string]string{"a": fmt.Sprint("both", c.rng.IntN(3))}); err != nil {
				return err
			}
		}
		return nil
	})
}

// change updates or deletes a record, or brings it back.
func (c *crowd) change(i int, rec changeset.RecordID) {
	c.edit(i, func(e *replica.Edit) error {
		_, exists, err := e.Props(rec)
		props := map[string]string{[]string{"a", "b"}[c.rng.IntN(2)]: []string{"", "1", "2", "3"}[c.rng.IntN(4)]}
		switch {
		case err != nil:
			return err
		case !exists:
			c.say("%d restores %s with %v", i, rec, props)
			return e.Restore(rec, props)
		case c.rng.IntN(6) == 0:
			c.say("%d deletes %s", i, rec)
			return e.Delete(rec)
		}
		c.say("%d updates %s with %v", i, rec, props)
		return e.Update(rec, props)
	})
}

// decide settles the first open conflict.
func (c *crowd) decide(i int) {
	open, err := c.replicas[i].Conflicts()
	if err != nil {
		c.fatal("conflicts: %v", err)
	}
	if len(open) == 0 {
		return
	}
	o := open[c.rng.IntN(len(open))]
	c.edit(i, func(e *replica.Edit) error {
		c.say("%d decides about %s", i, o.Record)
		if len(o.Conflicts) > 0 {
			rivals := o.Conflicts[0].Rivals
			return e.Update(o.Record, map[string]string{o.Conflicts[0].Prop: rivals[c.rng.IntN(len(rivals))].Value})
		}
		if c.rng.IntN(2) == 0 {
			return e.Keep(o.Record)
		}
		return e.Delete(o.Record)
	})
}

func (c *crowd) edit(i int, f func(e *replica.Edit) error) {
	if _, err := c.replicas[i].Edit(context.Background(), f); err != nil {
		c.fatal("edit %d: %v", i, err)
	}
}

func (c *crowd) pull(i, j int, prefer psync.Prefer) *psync.Report {
	from, err := replica.Open(c.replicas[j].FS(), replica.Options{Where: fmt.Sprint("replica ", j)})
	if err != nil {
		c.fatal("%v", err)
	}
	c.say("%d pulls from %d, prefer %q", i, j, prefer)
	report, err := psync.Pull(context.Background(), c.replicas[i], from, psync.Options{Prefer: prefer})
	if err != nil {
		c.fatal("pull %d from %d: %v", i, j, err)
	}
	return report
}

// check holds every replica against fsck.
func (c *crowd) check() {
	for i, r := range c.replicas {
		if err := replica.Check(context.Background(), r.FS(), replica.Options{}, func(p replica.Problem) {
			c.fatal("replica %d: %s: %s", i, p.Path, p.Text)
		}, nil); err != nil {
			c.fatal("replica %d: %v", i, err)
		}
	}
}

// gossip lets everybody pull from everybody until nothing comes any more.
func (c *crowd) gossip() {
	for range 10 {
		quiet := true
		for i := range c.replicas {
			for j := range c.replicas {
				if i != j {
					report := c.pull(i, j, psync.PreferNone)
					quiet = quiet && report.Integrated == 0 && report.Votes == 0
				}
			}
		}
		if quiet {
			return
		}
	}
	c.fatal("still not quiet after ten rounds")
}

// conflicts describes what is open in a replica.
func (c *crowd) conflicts(r *replica.Replica) (all []string) {
	open, err := r.Conflicts()
	if err != nil {
		c.fatal("%v", err)
	}
	for _, o := range open {
		all = append(all, fmt.Sprint(o.Record, " existence ", o.Existence != nil))
		for _, p := range o.Conflicts {
			all = append(all, fmt.Sprint(p.Prop, p.Value, p.Why, p.Fingerprint))
			for _, rival := range p.Rivals {
				all = append(all, fmt.Sprint(rival.ID, rival.Value))
			}
		}
	}
	return all
}

func TestReplicasThatHaveSeenTheSameShowTheSame(t *testing.T) { playHistories(t) }

func TestReplicasThatPullInSmallBatchesShowTheSame(t *testing.T) {
	psync.SmallBatches(t, 3, 2000)
	playHistories(t)
}

// playHistories plays random histories and compares the replicas at their end.
func playHistories(t *testing.T) {
	t.Helper()
	for n := range *histories {
		s := *seed + uint64(n)
		c := newCrowd(t, s, 2+int(s%4))
		c.say("seed %d", s)
		for range 30 {
			c.step()
		}
		c.check()
		c.gossip()
		c.check()
		want, open := shown(t, c.replicas[0]), c.conflicts(c.replicas[0])
		for i, r := range c.replicas[1:] {
			got := shown(t, r)
			if len(got) != len(want) {
				c.fatal("replica %d shows %v, replica 0 %v", i+1, got, want)
			}
			for typ, records := range want {
				if !maps.EqualFunc(got[typ], records, maps.Equal[map[string]string, map[string]string]) {
					c.fatal("replica %d shows %v, replica 0 %v", i+1, got, want)
				}
			}
			if other := c.conflicts(r); fmt.Sprint(other) != fmt.Sprint(open) {
				c.fatal("replica %d has open %v, replica 0 %v", i+1, other, open)
			}
		}
	}
}
