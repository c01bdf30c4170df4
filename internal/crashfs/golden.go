package crashfs

import (
	"os"
	"strings"
	"testing"
)

// Golden compares those of the operations that change the disk, a line each, with a golden file, so that a flush that goes is seen. With update it writes the file.
func Golden(tb testing.TB, name string, ops []Op, update bool) {
	tb.Helper()
	got := changes(ops)
	if update {
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	if line, here, there := firstDifference(got, string(want)); line > 0 {
		tb.Errorf("%s, line %d: it does %q where the file has %q (-update rewrites it)", name, line, here, there)
	}
}

func changes(ops []Op) string {
	var b strings.Builder
	for _, op := range ops {
		if op.Changes() {
			b.WriteString(op.String() + "\n")
		}
	}
	return b.String()
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
