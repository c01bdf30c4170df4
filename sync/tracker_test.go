package sync_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

const trackerFile = "../testdata/tracker/tracker.jsonl.gz"

// tracker returns the first lines of a real tracker's history, as many as asked for; 0: all of them.
func tracker(tb testing.TB, lines int) string {
	tb.Helper()
	f, err := os.Open(trackerFile)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	if lines == 0 {
		b, err := io.ReadAll(z)
		if err != nil {
			tb.Fatal(err)
		}
		return string(b)
	}
	var b strings.Builder
	for in := bufio.NewScanner(z); lines > 0 && in.Scan(); lines-- {
		b.WriteString(in.Text() + "\n")
	}
	return b.String()
}

func importTracker(tb testing.TB, r *replica.Replica, src *psync.Source, batch int) *psync.Report {
	tb.Helper()
	report, err := psync.Import(context.Background(), r, "tracker", src, psync.ImportOptions{Batch: batch})
	if err != nil {
		tb.Fatal(err)
	}
	return report
}

func TestARealTrackerImports(t *testing.T) {
	f, err := os.Open(trackerFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := psync.NewSource(trackerFile, f, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, crashfs.New(), "alice")
	if report := importTracker(t, r, src, 0); report.Integrated != 4203 || report.Latest != 4203 || len(report.Opened) > 0 {
		t.Errorf("report %+v", *report)
	}
	records := shown(t, r)
	if len(records["Ticket"]) != 421 || len(records["Comment"]) != 1979 || len(records) != 2 {
		t.Errorf("%d tickets, %d comments, %d types", len(records["Ticket"]), len(records["Comment"]), len(records))
	}
	first := records["Ticket"]["c443f3d8-8226-5b60-9522-a10431c3103e"]
	if first["summary"] != "CLI UX need refinements" || first["creator"] != "" || first["original_replica"] != "" {
		t.Errorf("the first ticket is %v", first)
	}
	for u, comment := range records["Comment"] {
		if records["Ticket"][comment["ticket"]] == nil {
			t.Errorf("comment %s is on ticket %q, which is not there", u, comment["ticket"])
		}
	}
	unsettled, err := r.Unsettled()
	if err != nil || len(unsettled) > 0 {
		t.Errorf("%d records are not settled, %v", len(unsettled), err)
	}
	if report := importTracker(t, r, src, 0); report.Integrated != 0 || report.Known != 4203 {
		t.Errorf("again: %+v", *report)
	}
}

func TestARealTrackerEditedApartComesTogether(t *testing.T) {
	tests := []struct {
		name  string
		links [][2]int // who pulls from whom in a round
		rows  int      // of a batch of an import, and of a pull
	}{
		{"line", [][2]int{{1, 0}, {2, 1}, {1, 2}, {0, 1}}, 1024},
		{"star", [][2]int{{0, 1}, {0, 2}, {1, 0}, {2, 0}}, 250},
		{"ring", [][2]int{{0, 1}, {1, 2}, {2, 0}}, 1024},
	}
	for _, test := range tests[:race.Part(len(tests))] {
		t.Run(test.name, func(t *testing.T) {
			psync.SmallBatches(t, test.rows, 16<<20)
			rs := threeWhoWork(t, tracker(t, 300), test.rows)
			all := []int{0, 1, 2}
			err := replicatest.Gossip(all, all, func(to, from int) (news bool, err error) {
				return slices.Contains(test.links, [2]int{to, from}) && replicatest.News(pull(t, rs[to], rs[from])), nil
			})
			if err != nil {
				t.Error(err)
			}
			if first := shown(t, rs[0])["Ticket"]; len(first) < 30 {
				t.Errorf("only %d tickets", len(first))
			}
			if open, err := rs[0].Conflicts(); err != nil || len(open) == 0 {
				t.Errorf("%d conflicts, %v", len(open), err)
			}
			replicatest.Alike(t, "when all have met", rs...)
		})
	}
}

// threeWhoWork returns three replicas of the tracker, of which one imported only some of its lines, and each of which edited, deleted and added
// records, the same ones as the others included. A decision is among that.
func threeWhoWork(t *testing.T, text string, batch int) []*replica.Replica {
	var rs []*replica.Replica
	for i, name := range []string{"alice", "bob", "carol"} {
		r := newReplica(t, crashfs.New(), name)
		head := text[:strings.Index(text[len(text)*(i+1)/4:], "\n")+1+len(text)*(i+1)/4]
		importTracker(t, r, source(t, "tracker.jsonl", head), batch)
		work(t, r, i)
		importTracker(t, r, source(t, "tracker.jsonl", text), batch) // what was appended meets the edits
		work(t, r, i+10)
		rs = append(rs, r)
	}
	pull(t, rs[1], rs[0])
	decideOne(t, rs[1])
	return rs
}

// work edits every fifth ticket and comment in a way that depends on who it is, each in a changeset of its own.
func work(t *testing.T, r *replica.Replica, who int) {
	t.Helper()
	all := shown(t, r)
	err := r.Update(context.Background(), func(tx *replica.Tx) error {
		for _, typ := range slices.Sorted(maps.Keys(all)) {
			for i, u := range slices.Sorted(maps.Keys(all[typ])) {
				id, err := changeset.ParseUUID(u)
				if err != nil {
					return err
				}
				if _, err := tx.Edit(func(e *replica.Edit) error { return workOn(e, changeset.RecordID{Type: typ, UUID: id}, i, who) }); err != nil {
					return err
				}
			}
		}
		_, err := tx.Edit(func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"summary": fmt.Sprint("made by ", who)})
			return err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func workOn(e *replica.Edit, rec changeset.RecordID, i, who int) error {
	switch {
	case i%15 == 0 && who == i%3:
		return e.Delete(rec)
	case i%5 == 0:
		return e.Update(rec, map[string]string{"status": fmt.Sprint("as ", who, " has it"), "labels": ""})
	case i%5 == 1:
		return e.Update(rec, map[string]string{fmt.Sprint("by-", who): "yes"})
	}
	return nil
}

// decideOne settles an open conflict.
func decideOne(t *testing.T, r *replica.Replica) {
	t.Helper()
	open, err := r.Conflicts()
	if err != nil || len(open) == 0 {
		t.Fatalf("%d conflicts, %v", len(open), err)
	}
	for _, c := range open {
		if len(c.Conflicts) > 0 {
			_, err = r.Edit(context.Background(), func(e *replica.Edit) error {
				return e.Update(c.Record, map[string]string{c.Conflicts[0].Prop: "decided"})
			})
			if err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no property is in conflict")
}
