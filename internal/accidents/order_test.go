package accidents

import (
	"flag"
	"testing"

	"prophet/internal/crashfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestOrderOfAnEditAndAPull holds the order in which they write, flush and rename against golden files, so that a lost flush is a visible diff.
func TestOrderOfAnEditAndAPull(t *testing.T) {
	goldens := map[string]string{"update": "testdata/edit.golden", "pull with conflicts": "testdata/pull.golden"}
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
