package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// pausing is a file system that calls a function before one of its operations, counted from 1, or before each of so many.
type pausing struct {
	afero.Fs
	at    int
	every int
	done  atomic.Int64
	pause func()
}

func (p *pausing) count() {
	if n := p.done.Add(1); n == int64(p.at) || p.every > 0 && n%int64(p.every) == 0 {
		p.pause()
	}
}

func (p *pausing) Open(name string) (afero.File, error) {
	p.count()
	return p.Fs.Open(name)
}

func (p *pausing) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if path.Base(name) != "lock" { // it is opened under a mutex of the process
		p.count()
	}
	return p.Fs.OpenFile(name, flag, perm)
}

func (p *pausing) Rename(from, to string) error {
	p.count()
	return p.Fs.Rename(from, to)
}

func (p *pausing) Remove(name string) error {
	p.count()
	return p.Fs.Remove(name)
}

// TestGCIsHeldOpenWhileOthersFinish stops a gc before each of its operations: meanwhile somebody reads who opened the replica before, somebody who opens it now, and
// somebody edits, who is kept waiting by short steps alone. The edit makes a record
// what another one is, so that it names a version that is being removed.
func TestGCIsHeldOpenWhileOthersFinish(t *testing.T) {
	replicatest.OnFormat2(t)
	start := crashfs.New()
	r := replicatest.Init(t, start, counted(5))
	works(t, r, 5, 1)
	other, rec := create(t, r), create(t, r)
	if err := errors.Join(setStatus(r, other, "one"), setStatus(r, rec, "two")); err != nil {
		t.Fatal(err)
	}
	want := versionsOf(t, r)
	plain := start.Survivor(crashfs.Kill, 0)
	if err := setStatus(replicatest.Open(t, plain, counted(5)), rec, "one"); err != nil {
		t.Fatal(err)
	}
	edited := versionsOf(t, replicatest.Open(t, plain, counted(5)))
	edits, busy := 0, 0
	for k := 1; ; k += race.Every(7) {
		fsys := start.Survivor(crashfs.Kill, 0)
		early := replicatest.Open(t, fsys, replica.Options{})
		wrote := false
		held := &pausing{Fs: fsys, at: k, pause: func() {
			if got := versionsOf(t, early); got != want {
				t.Fatalf("stopped at %d: who opened it before sees\n%s\nwant\n%s", k, got, want)
			}
			opts := counted(5)
			opts.Wait = -1
			w := replicatest.Open(t, fsys, opts)
			if got := versionsOf(t, w); got != want {
				t.Fatalf("stopped at %d: who opens it now sees\n%s\nwant\n%s", k, got, want)
			}
			switch err := setStatus(w, rec, "one"); {
			case err == nil:
				wrote = true
				edits++
			case errors.As(err, new(*replica.BusyError)):
				busy++
			default:
				t.Fatalf("stopped at %d: an edit: %v", k, err)
			}
		}}
		gc(t, replicatest.Open(t, held, counted(5)))
		want := want
		if wrote {
			want = edited
		}
		if got := versionsOf(t, replicatest.Open(t, fsys, replica.Options{})); got != want {
			t.Fatalf("stopped at %d: in the end it has\n%s\nwant\n%s", k, got, want)
		}
		if found := problems(t, fsys); found != "" {
			t.Fatalf("stopped at %d: fsck says\n%s", k, found)
		}
		if held.done.Load() < int64(k) {
			break
		}
	}
	if edits < race.Part(30) || busy < race.Part(5) {
		t.Errorf("%d edits were made, %d were refused", edits, busy)
	}
}

// TestGCEndsHoweverMuchOthersWrite has somebody edit before every few operations of a gc, so that there is always something new to be folded.
func TestGCEndsHoweverMuchOthersWrite(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := crashfs.New()
	w := replicatest.Init(t, fsys, counted(5))
	rec := create(t, w)
	before := w.Latest()
	edits := 0
	var write func()
	busy := &pausing{Fs: fsys, every: 20}
	write = func() {
		if edits == 300 {
			t.Fatalf("the gc goes on after %d edits beside it", edits)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond) // where the gc has the lock
		defer cancel()
		busy.pause = func() {}
		_, err := w.Edit(ctx, func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": fmt.Sprint(edits)}) })
		busy.pause = write
		switch {
		case err == nil:
			edits++
		case ctx.Err() == nil:
			t.Fatal(err)
		}
	}
	busy.pause = write
	report := gc(t, replicatest.Open(t, busy, counted(1<<20)))
	if report.Folded < int(before) || edits < 3 || report.Loose == 0 {
		t.Errorf("%+v, of %d rows that were there before, with %d edits beside it", report, before, edits)
	}
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
	w = replicatest.Open(t, fsys, counted(5))
	gc(t, w)
	if loose := looseFiles(t, fsys); len(loose) > 0 {
		t.Errorf("the next gc leaves %v", loose)
	}
}

// setStatus edits a record.
func setStatus(r *replica.Replica, rec changeset.RecordID, status string) error {
	_, err := r.Edit(context.Background(), func(e *replica.Edit) error { return e.Update(rec, map[string]string{"status": status}) })
	return err
}

// TestAListingGoesOnBesideGC has all be folded, and merged, after each record that a listing yields.
func TestAListingGoesOnBesideGC(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(5))
	works(t, r, 20, 3)
	want := fmt.Sprint(allRecords(t, r))
	w := replicatest.Open(t, fsys, counted(1<<20))
	rec := create(t, w)
	var got []changeset.RecordID
	types, err := r.Log().Types()
	if err != nil || len(types) < 2 {
		t.Fatal(types, err)
	}
	for _, typ := range types {
		for has, err := range r.Log().Records(typ) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, has)
			if len(got)%5 == 1 {
				if err := setStatus(w, rec, fmt.Sprint(len(got))); err != nil {
					t.Fatal(err)
				}
				gc(t, w)
			}
		}
	}
	if fmt.Sprint(got) != want {
		t.Errorf("listed %v\nwant %v", got, want)
	}
}

// vanishing removes directories once they were opened, as a gc does that works beside.
type vanishing struct {
	afero.Fs
	gone func(name string) bool
}

func (v vanishing) Open(name string) (afero.File, error) {
	f, err := v.Fs.Open(name)
	if err == nil && v.gone(name) {
		return &vanished{f, name}, nil
	}
	return f, err
}

type vanished struct {
	afero.File
	name string
}

func (f *vanished) Readdir(int) ([]os.FileInfo, error) {
	return nil, &fs.PathError{Op: "readdirent", Path: f.name, Err: syscall.ENOENT}
}

func (f *vanished) Readdirnames(int) ([]string, error) {
	_, err := f.Readdir(-1)
	return nil, err
}

func TestACheckPassesOverADirectoryThatIsRemovedWhileItIsRead(t *testing.T) {
	fsys := crashfs.New()
	grow(t, replicatest.Init(t, fsys, counted(0)), 3)
	read := map[string]bool{}
	emptied := regexp.MustCompile(`^(cas/(changesets|records)|records/\w+)/f(/f)?$`) // where nothing is
	for _, dir := range []string{"cas/changesets/f/f", "cas/records/f", "records/Ticket/f/f"} {
		if err := fsys.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	sound(t, vanishing{fsys, func(name string) bool {
		is := emptied.MatchString(name)
		if names, err := afero.ReadDir(fsys, name); is && err == nil && len(names) == 0 {
			read[name] = true
			return true
		}
		return false
	}})
	if len(read) < 3 {
		t.Errorf("these were read: %v", read)
	}
}
