package sync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// meanwhile runs f in the middle of a pull.
func meanwhile(t *testing.T, to, from *replica.Replica, f func()) (*psync.Report, error) {
	t.Helper()
	psync.SmallBatches(t, 3, 2000)
	return psync.Pull(context.Background(), to, from, psync.Options{Progress: func(done, total int) {
		if f != nil {
			f()
			f = nil
		}
	}})
}

func TestAMoveByAnotherProcessInTheMiddleOfAPullLosesNoEdit(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	pull(t, f.carol, f.twin)
	other := newTicket(t, f.carol)
	for i := range 10 {
		update(t, f.carol, other, "status", fmt.Sprint(i))
	}
	f.edit(f.carol, "on top of the twin's")
	report, err := meanwhile(t, f.twin, f.carol, func() { pull(t, reopen(t, f.twin.FS(), "twin"), f.ann) })
	if err != nil || report.Integrated != 12 {
		t.Fatalf("%+v, %v", report, err)
	}
	if got := fmt.Sprint(f.values(f.twin)); got != "[by ann on top of the twin's]" {
		t.Errorf("the twin has %s", got)
	}
	f.meet([]string{"by ann", "on top of the twin's"}, f.twin, f.ann, f.carol)
}

func TestAnImportStopsWhereAnotherProcessMovesWhatItGoesOnFrom(t *testing.T) {
	r := newReplica(t, crashfs.New(), "ann")
	first := true
	report, err := psync.Import(t.Context(), r, "bugs", source(t, "bugs.jsonl", manyLines(600)), psync.ImportOptions{Progress: func(done, total int) {
		if first {
			first = false
			if err := reopen(t, r.FS(), "ann").Reidentify(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "another process gave the replica a new UUID meanwhile") {
		t.Fatalf("%+v, %v", report, err)
	}
	if report = importText(t, r, manyLines(600)); report.Integrated+report.Known != 1200 || report.Known != 1024 {
		t.Errorf("%d came, %d were known", report.Integrated, report.Known)
	}
}
