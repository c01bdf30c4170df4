package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"prophet/replica"
)

// TestOfManyProblemsTheRestIsCounted: what is listed is bounded, damage is listed however much that is harmless comes before it, and the number of the rest is told.
func TestOfManyProblemsTheRestIsCounted(t *testing.T) {
	found := func(d *fsckDoc) {
		for i := range mostListed + 2 {
			d.add(replica.Problem{Path: fmt.Sprint("harmless", i), Harmless: true})
		}
		for i := range mostListed + 3 {
			d.add(replica.Problem{Path: fmt.Sprint("cas/changesets/", i)})
		}
	}
	w := newWorld()
	doc := fsckDoc{OK: true, opened: true}
	found(&doc)
	if err := doc.show(w.printer(globals{})); err == nil || err.Error() != "the replica is damaged: 10003 problems" || doc.OK {
		t.Errorf("%v, ok is %t", err, doc.OK)
	}
	lines := strings.Split(strings.TrimSpace(w.out.String()), "\n")
	end := strings.Join(lines[len(lines)-2:], "\n")
	if len(lines) != 2*mostListed+2 || end != "5 more problems not listed\n0 changesets, 0 records checked, 10003 problems and 10002 harmless ones" {
		t.Errorf("%d lines, the last are\n%s", len(lines), end)
	}
	w = newWorld()
	if err := doc.show(w.printer(globals{json: true})); err == nil {
		t.Error("no error")
	}
	var read struct {
		Problems []problemDoc
		Unlisted int
	}
	if err := json.Unmarshal(w.out.Bytes(), &read); err != nil || len(read.Problems) != 2*mostListed || read.Unlisted != 5 {
		t.Errorf("%d problems, %d not listed, %v", len(read.Problems), read.Unlisted, err)
	}
}
