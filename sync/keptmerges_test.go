package sync_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// TestAReportShowsNoMergeOfBeforeALossThatSomebodyElseListed has another process list a changeset as lost between two batches of a pull, one that brought a conflict: it is none any more, and the report says none.
func TestAReportShowsNoMergeOfBeforeALossThatSomebodyElseListed(t *testing.T) {
	replicatest.WithLooseEdits(t)
	psync.SmallBatches(t, 1, 1<<20)
	f := newFamily(t)
	f.edit(f.ann, "open")
	f.edit(f.carol, "closed")
	newTicket(t, f.ann)
	lose := func() {
		l := reopen(t, f.carol.FS(), "carol").Log()
		var row changeset.Row
		var err error // of the one of hers that brought the conflict
		for row, err = range l.Rows(1, l.Latest()) {
			if err != nil || row.ID == (changeset.ID{Origin: f.ann.UUID(), Seq: 2}) {
				break
			}
		}
		gone := []string{changeset.ObjectPath(changeset.ChangesetObjects, row.Key)}
		for name := range filesOf(t, f.carol.FS()) {
			if strings.Contains(name, "cas/records/") {
				gone = append(gone, name)
			}
		}
		for _, name := range gone {
			err = errors.Join(err, f.carol.FS().Remove(name))
		}
		if err == nil {
			err = replica.Repair(t.Context(), f.carol.FS(), replica.Options{}, replica.RepairOptions{})
		}
		if there, existsErr := afero.Exists(f.carol.FS(), replica.LostFile); !there || existsErr != nil || err != nil {
			t.Fatalf("nothing is listed as lost: %v, %v", existsErr, err)
		}
	}
	lost := 0
	report, err := psync.Pull(t.Context(), f.carol, f.ann, psync.Options{Progress: func(done, _ int) {
		if lost++; lost == 1 {
			lose()
		}
	}})
	if err != nil || lost < 2 {
		t.Fatalf("%d batches, %v", lost, err)
	}
	now := reopen(t, f.carol.FS(), "now")
	is, err := f.carol.Merged(f.ticket)
	if err != nil {
		t.Fatal(err)
	}
	want, err := now.Merged(f.ticket)
	if err != nil {
		t.Fatal(err)
	}
	if is.Open() != want.Open() || len(report.Opened) > 0 && !want.Open() {
		t.Errorf("%+v opened; it is open: %t, as who opens it now sees it: %t", report.Opened, is.Open(), want.Open())
	}
	if want.Open() {
		t.Error("it is open all the same")
	}
}
