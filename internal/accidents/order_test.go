package accidents

import (
	"flag"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestOrderOfAnEditAndAPull holds the order in which they write, flush and rename against golden files, so that a lost flush is a visible diff.
func TestOrderOfAnEditAndAPull(t *testing.T) {
	for _, format := range []struct {
		make  func(testing.TB)
		named string
	}{{replicatest.OnFormat1, "-1.golden"}, {replicatest.OnFormat2, "-2.golden"}} {
		format.make(t)
		goldens := map[string]string{"update": "testdata/edit" + format.named, "pull with conflicts": "testdata/pull" + format.named}
		for _, o := range operations(t) {
			if name := goldens[o.name]; name != "" {
				o.undisturbed(t)
				crashfs.Golden(t, name, o.ops, *update)
				delete(goldens, o.name)
			}
		}
		if len(goldens) > 0 {
			t.Errorf("not tried: %v", goldens)
		}
	}
}
