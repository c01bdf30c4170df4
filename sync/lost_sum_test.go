package sync_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

var lossHistories = flag.Int("losses", 60, "how many histories with losses at random are drawn, of which some are played without -all")

// loser is a replica that may lose changesets.
type loser struct {
	*replica.Replica
	disk afero.Fs
	opts replica.Options
	gone map[string][]byte // files that were taken away
}

// lossAmongThree is a history in which three add to one number, and any of them may lose changesets.
type lossAmongThree struct {
	t      *testing.T
	rnd    *rand.Rand
	who    []*loser
	rec    changeset.RecordID
	sum    int  // what they added
	clock  int  // seconds
	copies int  // records of which what waited was copied
	less   bool // what shows is not what was added, for what was lost: then copies may bring that nearer
	any    bool // copies may be lost too: then it is not known that they were copies, and what somebody makes of what shows meanwhile may be more than was added
}

func newLossAmongThree(t *testing.T, seed uint64) *lossAmongThree {
	uuids := rand.New(rand.NewPCG(seed, 6)) // they say which rival wins, of what was made at one time
	newUUID := func() uuid.UUID {
		var u uuid.UUID
		binary.LittleEndian.PutUint64(u[:], uuids.Uint64())
		binary.LittleEndian.PutUint64(u[8:], uuids.Uint64())
		return u
	}
	l := &lossAmongThree{t: t, rnd: rand.New(rand.NewPCG(seed, 3)), any: seed%2 == 1}
	for i, name := range []string{"ann", "bob", "carol"} {
		who := &loser{disk: crashfs.New(), gone: map[string][]byte{}}
		who.opts = replica.Options{Where: name, Creator: name + "@example.com", NewUUID: newUUID, Now: func() time.Time {
			l.clock++
			return time.Date(2026, 1, 1, 9, 0, l.clock, 0, time.UTC)
		}}
		if i > 0 {
			r, _, err := psync.Clone(t.Context(), who.disk, l.who[0].Replica, who.opts, psync.Options{Adopt: true})
			if err != nil {
				t.Fatal(err)
			}
			who.Replica = r
		} else {
			who.Replica = replicatest.Init(t, who.disk, who.opts)
			replicatest.Edit(t, who.Replica, func(e *replica.Edit) (err error) { return e.SetRule("Ticket", "n", resolution.RuleSum) })
			replicatest.Edit(t, who.Replica, func(e *replica.Edit) (err error) {
				l.rec, err = e.Create("Ticket", map[string]string{"n": "10"})
				return err
			})
			l.sum = 10
		}
		l.who = append(l.who, who)
	}
	return l
}

// add adds to the number, or writes something else.
func (l *lossAmongThree) add(who *loser) {
	by, other := l.rnd.IntN(9)-4, l.rnd.IntN(3) == 0
	replicatest.Edit(l.t, who.Replica, func(e *replica.Edit) error {
		props, _, err := e.Props(l.rec)
		if err != nil {
			return err
		}
		if other {
			return e.Update(l.rec, map[string]string{"status": fmt.Sprint("by ", who.Where(), " ", l.clock)})
		}
		n, err := strconv.Atoi(props["n"])
		if err != nil {
			return fmt.Errorf("n is %q: %w", props["n"], err)
		}
		l.sum += by
		return e.Update(l.rec, map[string]string{"n": fmt.Sprint(n + by)})
	})
}

// lose takes a changeset away, but for the rule, from one or from all, and repairs the rest.
func (l *lossAmongThree) lose(who *loser) {
	row, err := who.Log().Row(2 + uint32(l.rnd.IntN(int(who.Latest()-1))))
	if err != nil {
		l.t.Fatal(err)
	}
	c, err := who.Log().Changeset(row)
	if err != nil {
		l.t.Fatal(err)
	}
	if ch := c.Change(l.rec); !l.any && (ch == nil || !ch.CopyOf.IsZero()) {
		return
	}
	file, all := changeset.ObjectPath(changeset.ChangesetObjects, row.Key), l.rnd.IntN(3) > 0
	for _, one := range l.who {
		if one != who && !all {
			continue
		}
		replicatest.Loosen(l.t, one.disk)
		if b, err := afero.ReadFile(one.disk, file); err == nil {
			one.gone[file] = b
			if err := one.disk.Remove(file); err != nil {
				l.t.Fatal(err)
			}
			l.repair(one)
		}
	}
}

func (l *lossAmongThree) repair(who *loser) {
	if err := replica.Repair(l.t.Context(), who.disk, who.opts, replica.RepairOptions{}); err != nil {
		l.t.Fatal(err)
	}
	who.Replica = replicatest.Open(l.t, who.disk, who.opts)
}

// copyAll lets what waits go to others, which changes nothing of what a replica shows.
func (l *lossAmongThree) copyAll(who *loser) {
	waiting, err := who.Log().Waiting()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, rec := range waiting {
		before := values(l.t, who.Replica)
		l.copies++
		replicatest.Edit(l.t, who.Replica, func(e *replica.Edit) error { return e.Update(rec, nil) })
		if after := values(l.t, who.Replica); after != before && !l.less {
			l.t.Errorf("%s showed\n%s\nand with the copies\n%s", who.Where(), before, after)
		}
		if waits, err := who.Log().Waits(rec); waits || err != nil {
			l.t.Errorf("%s waits still in %s: %v", rec, who.Where(), err)
		}
	}
}

// meet lets all pull from each other, and copy what waits, until all is copied; then all show the same.
func (l *lossAmongThree) meet() {
	for range 3 {
		for _, to := range l.who {
			for _, from := range l.who {
				if to != from {
					pull(l.t, to.Replica, from.Replica)
				}
			}
			l.copyAll(to)
		}
	}
	var first replicatest.View
	for i, who := range l.who {
		view, err := replicatest.Look(who.Replica, changeset.RecordID.String)
		if err != nil {
			l.t.Fatal(err)
		}
		if i == 0 {
			first = view
		}
		if view.Records != first.Records || view.Conflicts != first.Conflicts || view.Digests != first.Digests {
			l.t.Errorf("%s shows\n%+v\nand ann\n%+v", who.Where(), view, first)
		}
		onlyLost(l.t, who.Replica)
	}
}

// comeBack gives one of those that lost changesets all of its own again.
func (l *lossAmongThree) comeBack(who *loser) {
	writeAgain(l.t, who.disk, who.gone)
	l.repair(who)
}

// TestWhatWasLostInSeveralCountsOnce: three add to a number under the rule sum, and lose changesets, each its own or the same; what waits is copied in any of them. Whenever all have met they show the same; and when what was lost comes back in
// those that had it, the sum is that of all that was added, once.
func TestWhatWasLostInSeveralCountsOnce(t *testing.T) {
	copies, ran := 0, 0
	for seed := uint64(0); seed < uint64(*lossHistories); seed += uint64(race.Every(5)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := newLossAmongThree(t, seed)
			for range 25 {
				who := l.who[l.rnd.IntN(3)]
				switch n := l.rnd.IntN(12); {
				case n < 5:
					l.add(who)
				case n < 8:
					if from := l.who[l.rnd.IntN(3)]; from != who {
						pull(t, who.Replica, from.Replica)
					}
				case n < 9:
					l.copyAll(who)
				case n < 10:
					l.meet()
				default:
					l.lose(who)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			if l.rnd.IntN(2) == 0 {
				l.meet()
			}
			for _, i := range l.rnd.Perm(3) {
				l.comeBack(l.who[i])
				if l.rnd.IntN(2) == 0 {
					l.meet()
				}
			}
			l.meet()
			for _, who := range l.who {
				if lost, err := who.Log().Lost(); err != nil || len(lost) > 0 {
					t.Errorf("%s has lost still: %v, %v", who.Where(), lost, err)
				}
				replicatest.Faultless(t, who.disk, who.Where())
				if props, _, err := who.Log().Props(l.rec); err != nil || !l.any && props["n"] != fmt.Sprint(l.sum) {
					t.Errorf("%s has n=%s, want %d (%v)", who.Where(), props["n"], l.sum, err)
				}
			}
			copies, ran = copies+l.copies, ran+1
		})
	}
	if ran >= 60 && copies < 30 || ran >= 12 && copies < 5 { // one alone may be replayed
		t.Errorf("only %d times something was copied", copies)
	}
}
