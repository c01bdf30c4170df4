package sync_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"prophet/internal/simulation"
)

// tally counts in how many histories of each mixture what took effect.
type tally struct {
	mu     sync.Mutex
	played map[string]int
	took   map[string]map[string]int // effect, then mixture
}

func newTally() *tally { return &tally{played: map[string]int{}, took: map[string]map[string]int{}} }

func (c *tally) add(h *simulation.History, did simulation.Effects) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.played[h.Mixture]++
	for effect := range did {
		if c.took[effect] == nil {
			c.took[effect] = map[string]int{}
		}
		c.took[effect][h.Mixture]++
	}
}

func (c *tally) String() string {
	mixtures := slices.Sorted(maps.Keys(c.played))
	var b strings.Builder
	row := func(what string, counts map[string]int) {
		all := 0
		fmt.Fprintf(&b, "%-40s", what)
		for _, m := range mixtures {
			fmt.Fprintf(&b, "%6d", counts[m])
			all += counts[m]
		}
		fmt.Fprintf(&b, "%6d\n", all)
	}
	fmt.Fprintf(&b, "in how many histories of%s, and in all\n", " "+strings.Join(mixtures, ", "))
	row("played", c.played)
	for _, effect := range slices.Sorted(maps.Keys(c.took)) {
		row(effect, c.took[effect])
	}
	return b.String()
}

// check makes sure that each action takes effect in a tenth of the histories of some mixture at least.
func (c *tally) check(t *testing.T) {
	t.Helper()
	for _, do := range simulation.Actions {
		often := false
		for m, played := range c.played {
			often = often || played < 30 || c.took[string(do)][m]*10 >= played // of few, nothing is said
		}
		if !often && !t.Failed() {
			t.Errorf("%s hardly ever takes effect: in %v of %v histories", do, c.took[string(do)], c.played)
		}
	}
}
