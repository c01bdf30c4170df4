package sync_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"prophet/internal/race"
	"prophet/internal/simulation"
	psync "prophet/sync"
)

var (
	histories = flag.Int("histories", race.Part(40), "how many random histories the simulation plays")
	seed      = flag.Uint64("seed", 1, "of the first random history")
	sets      = flag.Int("sets", race.Part(10), "how many small sets of changesets are integrated in all orders")
	shrink    = flag.Bool("shrink", true, "shrink a history that fails to a short story")
)

// shrinkPlays is how many histories are played to shrink one.
const shrinkPlays = 400

// TestReplicasThatHaveSeenTheSameShowTheSame plays random histories: see package simulation. Three quarters of them in small batches, and in
// transactions that seldom hold the whole of one, so that a pull that is cut off has done a part. It plays 100; under the race detector an eighth of that, as the other random tests here.
func TestReplicasThatHaveSeenTheSameShowTheSame(t *testing.T) {
	var large, small []uint64
	for s := *seed; s < *seed+uint64(*histories); s++ {
		if s%4 == 0 {
			large = append(large, s)
		} else {
			small = append(small, s)
		}
	}
	began := time.Now()
	counts := newTally()
	played := playHistories(t, simulation.Draw, large, counts)
	psync.SmallBatches(t, 3, 700)
	played += playHistories(t, simulation.Draw, small, counts)
	enough(t, played, *histories)
	counts.check(t)
	t.Logf("%d histories, %.0f a second; %s", played, float64(played)/time.Since(began).Seconds(), counts)
}

// TestReplicasAgreeWithUsersOfTheOriginalAmongThem plays histories with one or two such, whose logs ours read, or of whom they know through others only:
// one to four of the others.
func TestReplicasAgreeWithUsersOfTheOriginalAmongThem(t *testing.T) {
	var seeds []uint64
	want := (*histories + 3) / 4
	for s := *seed; s < *seed+uint64(want); s++ {
		seeds = append(seeds, s)
	}
	psync.SmallBatches(t, 5, 4000)
	counts := newTally()
	enough(t, playHistories(t, simulation.DrawWithOld, seeds, counts), want)
	t.Log(counts)
}

// enough fails a test that did not fail because too little was played, or nothing at all.
func enough(t *testing.T, played, want int) {
	t.Helper()
	if !t.Failed() && played < max(1, want) {
		t.Errorf("%d were played, want %d, and one at least", played, want)
	}
}

// playHistories plays the histories of these seeds, until one fails, and returns how many it played.
func playHistories(t *testing.T, draw func(seed uint64) *simulation.History, seeds []uint64, counts *tally) (played int) {
	t.Helper()
	var failed atomic.Bool
	var ended atomic.Int64
	onAllProcessors(len(seeds), func(k int) (goOn bool) {
		h := draw(seeds[k])
		did, f := h.PlayCounting()
		if f != nil && !failed.Swap(true) {
			report(t, h, f, k+1)
		}
		ended.Add(1)
		counts.add(h, did)
		return !failed.Load()
	})
	return int(ended.Load())
}

// onAllProcessors calls f for the numbers below n, until one call returns false.
func onAllProcessors(n int, f func(k int) (goOn bool)) {
	var taken atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for k := taken.Add(1); k <= int64(n) && f(int(k-1)); k = taken.Add(1) {
			}
		})
	}
	workers.Wait()
}

// report tells of a history that failed, as a short story.
func report(t *testing.T, h *simulation.History, f *simulation.Failure, after int) {
	t.Errorf("caught after %d histories by %s: seed %d: %v", after, f.Oracle, h.Seed, f)
	if *shrink {
		short, f := simulation.Shrink(h, f, (*simulation.History).Play, shrinkPlays)
		t.Errorf("the short story (-seed %d -histories 1):\n%s%v", h.Seed, short, f)
	}
}

// maxOrders is in how many orders a set may arrive that is to be tried in all of them.
const maxOrders = 800

// TestInWhateverOrderChangesetsComeTheyComeToTheSame integrates small sets in all orders that their parents allow.
func TestInWhateverOrderChangesetsComeTheyComeToTheSame(t *testing.T) {
	var orders, played atomic.Int64
	onAllProcessors(100**sets, func(k int) (goOn bool) {
		p, err := simulation.DrawParcels(*seed + uint64(k))
		if err != nil {
			t.Errorf("seed %d: %v", *seed+uint64(k), err)
			return false
		}
		n := p.Orders()
		if n < 6 || n > maxOrders {
			return true
		}
		orders.Add(int64(n))
		if f := p.Play(); f != nil {
			if *shrink {
				p, f = p.Shrink(f)
			}
			t.Errorf("caught after %d sets by %s: seed %d: %v", played.Load(), f.Oracle, p.Seed, f)
			return false
		}
		return played.Add(1) < int64(*sets)
	})
	enough(t, int(played.Load()), *sets)
	t.Logf("%d sets in %d orders", played.Load(), orders.Load())
}

func BenchmarkHistories(b *testing.B) {
	n := *seed
	for b.Loop() {
		if f := simulation.Draw(n).Play(); f != nil {
			b.Fatalf("seed %d: %v", n, f)
		}
		n++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "histories/s")
}
