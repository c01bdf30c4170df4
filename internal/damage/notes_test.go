package damage_test

import (
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/damage"
	"prophet/replica"
)

// TestNotesAreMadeAsFarAsTheyWent: where the notes on rows and the digests both lost their ends, what is left of either, and the local ids, say how far our programs wrote.
func TestNotesAreMadeAsFarAsTheyWent(t *testing.T) {
	const rows, row, entry = "prophet/rows", 8, 72
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for name, hurt := range map[string]func(fsys afero.Fs){
		"a row, and a byte of an entry":   func(fsys afero.Fs) { cut(t, fsys, rows, row); cut(t, fsys, replica.DigestsFile, 1) },
		"all rows, and half of the other": func(fsys afero.Fs) { remove(t, fsys, rows); cut(t, fsys, replica.DigestsFile, 8*entry) },
		"half the rows, and all of the other": func(fsys afero.Fs) {
			cut(t, fsys, rows, len(want[rows])/2)
			remove(t, fsys, replica.DigestsFile)
		},
	} {
		s := whole.Copy()
		hurt(s.Replica)
		if _, err := repair(s, false); err != nil {
			t.Fatal(err)
		}
		once := contents(t, s.Replica)
		for _, file := range []string{"prophet/ids", "prophet/conflicts"} {
			if once[file] != want[file] {
				t.Errorf("%s: %s is another one", name, file)
			}
		}
		if _, err := repair(s, false); err != nil {
			t.Fatal(err)
		}
		if other := otherFiles(once, contents(t, s.Replica)); len(other) > 0 {
			t.Errorf("%s: a second repair changes %v", name, other)
		}
	}
}
