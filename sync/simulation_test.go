package sync_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"prophet/internal/simulation"
	psync "prophet/sync"
)

var (
	histories = flag.Int("histories", 500, "how many random histories the simulation plays")
	seed      = flag.Uint64("seed", 1, "of the first random history")
	shrink    = flag.Bool("shrink", true, "shrink a history that fails to a short story")
)

// shrinkPlays is how many histories are played to shrink one.
const shrinkPlays = 400

// TestReplicasThatHaveSeenTheSameShowTheSame plays random histories: see package simulation. Three quarters of them in small batches, so
// that a pull that is cut off has done a part.
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
	playHistories(t, large)
	psync.SmallBatches(t, 3, 2000)
	playHistories(t, small)
	t.Logf("%d histories, %.0f a second", *histories, float64(*histories)/time.Since(began).Seconds())
}

// playHistories plays the histories of these seeds on all processors, until one fails.
func playHistories(t *testing.T, seeds []uint64) {
	t.Helper()
	var taken atomic.Int64
	var failed atomic.Bool
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for !failed.Load() {
				k := taken.Add(1)
				if k > int64(len(seeds)) {
					return
				}
				h := simulation.Draw(seeds[k-1])
				if f := h.Play(); f != nil && !failed.Swap(true) {
					report(t, h, f, k)
				}
			}
		})
	}
	players.Wait()
}

// report tells of a history that failed, as a short story.
func report(t *testing.T, h *simulation.History, f *simulation.Failure, after int64) {
	t.Errorf("caught after %d histories by %s: seed %d: %v", after, f.Oracle, h.Seed, f)
	if *shrink {
		short, f := simulation.Shrink(h, f, (*simulation.History).Play, shrinkPlays)
		t.Errorf("the short story (-seed %d -histories 1):\n%s%v", h.Seed, short, f)
	}
}
