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
			d.add(replica.Problem{Path: fmt.Sprint("cas/changesets/", i), Text: fmt.Sprint(i)})
		}
	}
	w := newWorld()
	doc := fsckDoc{OK: true, opened: true, here: func(text string) string { return text }}
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

// TestFilesThatARepairMadeAlikeAreCounted: of many files with which a repair did the same it says how many, where the first of them stands; JSON has each.
func TestFilesThatARepairMadeAlikeAreCounted(t *testing.T) {
	doc := fsckDoc{OK: true, opened: true, Problems: []problemDoc{}, mends: true, here: func(text string) string { return text }}
	for i := range mostAlike + 1 {
		doc.repaired(replica.Mended{Path: fmt.Sprint("cas/records/1/2/", i), Outcome: replica.IsRebuilt, Text: "made again"})
		doc.repaired(replica.Mended{Path: fmt.Sprint("resolutions/cas/records/1/2/", i), Outcome: replica.IsRebuilt, Text: "made again"})
		doc.repaired(replica.Mended{Path: fmt.Sprint("records/Note/", i), Outcome: replica.IsOther, Text: fmt.Sprintf(`Note %d shows n "2" now, before "1"`, i)})
		doc.repaired(replica.Mended{Path: fmt.Sprint("cas/changesets/1/2/", i), Outcome: replica.IsLost, Text: fmt.Sprint("nobody has ", i), Alike: "nobody has %d changesets"})
		doc.repaired(replica.Mended{Path: "prophet/lost", Outcome: replica.IsFetched, Text: fmt.Sprint(i, " is there again"), Alike: "%d changesets are there again"})
		doc.add(replica.Problem{Path: "prophet/lost", Text: fmt.Sprint(i, " is lost"), Alike: "%d changesets are lost"})
		doc.add(replica.Problem{Path: "resolutions/prophet/lost", Harmless: true, Text: fmt.Sprint(i, " is lost"), Alike: "%d changesets are lost"})
		if i < 2 {
			doc.add(replica.Problem{Path: "prophet/parts/list", Text: fmt.Sprint(i, " is wrong"), Alike: "%d are wrong"})
			doc.repaired(replica.Mended{Path: fmt.Sprint("records/Note/", i), Outcome: replica.IsRebuilt, Text: "made again"})
			doc.repaired(replica.Mended{Path: fmt.Sprint("cas/records/1/2/x", i), Outcome: replica.IsFetched, Text: "from x"})
		}
	}
	w := newWorld()
	if err := doc.show(w.printer(globals{})); err == nil {
		t.Error("no error")
	}
	const want = `cas/records/: 11 files rebuilt: made again
resolutions/cas/records/: 11 files rebuilt: made again
records/: 11 records changed: they show something else now, which --json lists
cas/changesets/: lost: nobody has 11 changesets
prophet/lost: fetched: 11 changesets are there again
records/Note/0: rebuilt: made again
cas/records/1/2/x0: fetched: from x
records/Note/1: rebuilt: made again
cas/records/1/2/x1: fetched: from x
prophet/lost: 11 changesets are lost
resolutions/prophet/lost: 11 changesets are lost (harmless)
prophet/parts/list: 0 is wrong
prophet/parts/list: 1 is wrong
0 changesets, 0 records checked, 13 problems and 11 harmless ones
`
	if got := w.out.String(); got != want {
		t.Errorf("it prints\n%swant\n%s", got, want)
	}
	w = newWorld()
	if err := doc.show(w.printer(globals{json: true})); err == nil || strings.Count(w.out.String(), `"outcome"`) != 59 {
		t.Errorf("%v, JSON has %d files, want 59", err, strings.Count(w.out.String(), `"outcome"`))
	}
}
