package durable

import (
	"errors"
	"testing"

	"prophet/internal/crashfs"
)

// Without our lock, another program may write after our writer died, and even the very text that was to be the commit.
func TestWhatAnotherProgramWroteIsNeitherFinishedNorCut(t *testing.T) {
	for name, found := range map[string]tree{
		"the new text, and other rows":       {"rows": "one.ugh.", "latest": "2", "x": "x1."},
		"the new text, and rows behind ours": {"rows": "one.two.ugh.", "latest": "2", "x": "x1."},
		"the new text, and a file too short": {"rows": "one.two.", "latest": "2", "x": ""},
		"the old text, and rows behind ours": {"rows": "one.two.ugh.", "latest": "1", "x": ""},
		"a third text":                       {"rows": "one.two.", "latest": "3", "x": "x1."},
	} {
		fs := crashfs.New()
		for file, text := range found {
			put(t, fs, file, text)
		}
		j := &journal{points: []Point{{"latest", "1", "2"}}, replaced: []Content{{"mark", []byte("7")}, {"mark2", []byte("7")}}, lengths: []Grown{
			{Name: "rows", At: 4, Known: true, Data: []byte("two.")}, {Name: "x", Known: true, Data: []byte("x1.")}}}
		put(t, fs, Journal, j.text())
		recovered, err := Recover(fs)
		var foreign *ForeignError
		if recovered || !errors.As(err, &foreign) {
			t.Fatalf("%s: recovered %t, %v", name, recovered, err)
		}
		wantFiles(t, fs, found)
		if _, err := Uncommitted(fs); found["latest"] != "1" && !errors.As(err, &foreign) {
			t.Errorf("%s: a reader gets %v", name, err)
		}
		put(t, fs, "mark", "9")
		put(t, fs, "mark2", "3")
		if err := foreign.Unfinished.Mend(fs, Mend{Made: true, Points: map[string]string{"latest": "5"}, Lengths: map[string]int64{"x": -1, "rows": 4},
			Contents: []Content{{"y", []byte("y1.")}}}); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, fs, tree{"rows": "one.", "latest": "5", "y": "y1.", "mark": "9", "mark2": "7"}) // no number is lowered
		if again, err := Recover(fs); again || err != nil {
			t.Errorf("%s: recovered again: %t, %v", name, again, err)
		}
	}
}
