package accidents

import (
	"flag"
	"os"
	"strings"
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
			golden(t, name, changes(o.ops))
			delete(goldens, o.name)
		}
	}
	if len(goldens) > 0 {
		t.Errorf("not tried: %v", goldens)
	}
}

// changes lists the operations that change something, a line each.
func changes(ops []crashfs.Op) string {
	var b strings.Builder
	for _, op := range ops {
		if op.Changes() {
			b.WriteString(op.String() + "\n")
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if line, here, there := firstDifference(got, string(want)); line > 0 {
		t.Errorf("%s, line %d: it does %q where the file has %q (-update rewrites it)", name, line, here, there)
	}
}

// firstDifference returns the number of the first line in which two texts differ, from 1, and what they have there; 0 if they do not.
func firstDifference(a, b string) (line int, ofA, ofB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		if i < len(as) {
			ofA = as[i]
		}
		if i < len(bs) {
			ofB = bs[i]
		}
		if i >= len(as) || i >= len(bs) || ofA != ofB {
			return i + 1, ofA, ofB
		}
	}
	return 0, "", ""
}
