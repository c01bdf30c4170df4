package replica_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A commit that was cut off grew many files. To read its journal again for each took half a minute of an fsck.
func TestFsckReadsTheJournalOfACutOffCommitAFewTimesOnly(t *testing.T) {
	replicatest.OnFormat1(t)
	start := crashfs.New()
	replicatest.Init(t, start, replica.Options{})
	creates := func(disk *crashfs.FS) error { // each time the same bytes, or else there are more directories or fewer to make
		made := 0
		opts := replica.Options{
			Now:     func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) },
			NewUUID: func() uuid.UUID { made++; return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, made)) },
		}
		_, err := replicatest.Open(t, disk, opts).Edit(t.Context(), func(e *replica.Edit) (err error) {
			for range 50 {
				if _, err = e.Create("Ticket", nil); err != nil {
					break
				}
			}
			return err
		})
		return err
	}
	whole := start.Survivor(crashfs.Kill, 0)
	if err := creates(whole); err != nil {
		t.Fatal(err)
	}
	const afterwards = 7 // write, flush, rename and flush of the number; the journal
	disk := start.Survivor(crashfs.Kill, 0)
	disk.CrashAt(whole.Changes() - afterwards)
	if err := creates(disk); err == nil {
		t.Fatal("it was not cut off")
	}
	left := disk.Survivor(crashfs.Kill, 0)
	left.Record()
	harmless, read := 0, 0
	if err := replica.Check(t.Context(), left, replica.Options{}, func(p replica.Problem) {
		if !p.Harmless {
			t.Errorf("%s: %s", p.Path, p.Text)
		}
		harmless++
	}, nil); err != nil {
		t.Fatal(err)
	}
	for _, op := range left.Ops() {
		if op.Kind == "open" && op.Name == durable.Journal {
			read++
		}
	}
	if harmless < 50 || read > 20 {
		t.Errorf("%d harmless problems, and the journal was read %d times", harmless, read)
	}
}
