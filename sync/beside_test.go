package sync_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// busy is a file system on which somebody else writes before every so many operations, unless that waits for the lock: more often than a
// replica can be read as a whole, but not so often that it cannot be opened.
type busy struct {
	afero.Fs
	write func()
	ops   int
}

func (b *busy) step() {
	b.ops++
	if write := b.write; write != nil && b.ops%20 == 0 {
		b.write = nil
		write()
		b.write = write
	}
}

func (b *busy) Open(name string) (afero.File, error) {
	b.step()
	return b.Fs.Open(name)
}

func (b *busy) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if path.Base(name) != "lock" { // of which one is opened at a time
		b.step()
	}
	return b.Fs.OpenFile(name, flag, perm)
}

func (b *busy) Stat(name string) (os.FileInfo, error) {
	b.step()
	return b.Fs.Stat(name)
}

// writer edits the record, again and again, and makes another one each time.
func writer(t *testing.T, fsys afero.Fs, rec changeset.RecordID) (write func(), edits *int) {
	t.Helper()
	r := replicatest.Open(t, fsys, replica.Options{Creator: "writer@example.com"})
	edits = new(int)
	return func() {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := r.Edit(ctx, func(e *replica.Edit) error {
			if _, err := e.Create("Ticket", nil); err != nil {
				return err
			}
			return e.Update(rec, map[string]string{"status": fmt.Sprint("written ", *edits)})
		})
		switch {
		case err == nil:
			*edits++
		case ctx.Err() == nil:
			t.Errorf("the writer: %v", err)
		}
	}, edits
}

func TestADryRunBesideAWriterTellsOfOneMoment(t *testing.T) {
	for name, dry := range map[string]func(to, from *replica.Replica) (*psync.Report, error){
		"pull": func(to, from *replica.Replica) (*psync.Report, error) {
			return psync.Pull(t.Context(), to, from, psync.Options{DryRun: true})
		},
		"import": func(to, _ *replica.Replica) (*psync.Report, error) {
			text := line(change("create", 1, "status", "new")) + line(change("update", 1, "status", "open"))
			return psync.Import(t.Context(), to, "bugs", source(t, "bugs.jsonl", text), psync.ImportOptions{DryRun: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := crashfs.New()
			ann := replicatest.Init(t, fsys, replica.Options{Where: "ann"})
			rec := newTicket(t, ann)
			bob := replicatest.Clone(t, ann, replica.Options{Where: "bob"})
			update(t, bob, rec, "status", "by bob")
			newTicket(t, bob)
			write, edits := writer(t, fsys, rec)
			write()
			live := &busy{Fs: fsys, write: write}
			report, err := dry(replicatest.Open(t, live, replica.Options{Where: "ann"}), bob)
			if err != nil || report.Integrated != 2 || name == "pull" && len(report.Opened) != 1 {
				t.Errorf("%+v, %v", report, err)
			}
			if *edits < 3 {
				t.Errorf("the writer made %d edits", *edits)
			}
			sound(t, fsys, "afterwards")
		})
	}
}

func TestARehearsalBesideAWriterHoldsUpNoPull(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	write, edits := writer(t, f.twin.FS(), f.ticket)
	live := &busy{Fs: f.twin.FS(), write: write}
	twin := replicatest.Open(t, live, replica.Options{Where: "twin"})
	if _, err := psync.Pull(t.Context(), twin, f.ann, psync.Options{}); err != nil || *edits < 3 {
		t.Errorf("after %d edits beside it: %v", *edits, err)
	}
}

// Who has all of it when somebody wants no more has it.
func TestAPullThatIsInterruptedInItsLastCommitIsDone(t *testing.T) {
	from := replicatest.Init(t, crashfs.New(), replica.Options{})
	replicatest.Edit(t, from, func(e *replica.Edit) error { _, err := e.Create("Ticket", nil); return err })
	to := replicatest.Init(t, crashfs.New(), replica.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	report, err := psync.Pull(ctx, to, from, psync.Options{Force: true, Progress: func(int, int) { cancel() }})
	if err != nil || report.Integrated != 1 {
		t.Errorf("it brought %+v, and ended with %v", report, err)
	}
}
