package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// gc runs one to its end.
func gc(t *testing.T, r *replica.Replica) replica.GCReport {
	t.Helper()
	report, err := r.GC(t.Context(), replica.GCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// looseFiles are the files of changesets, versions and record indexes.
func looseFiles(t *testing.T, fsys afero.Fs) (list []string) {
	t.Helper()
	for _, dir := range []string{"cas", "records", "resolutions/cas", "resolutions/records"} {
		err := afero.Walk(fsys, dir, func(name string, info fs.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				list = append(list, name)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return list
}

// TestGCKeepsAll folds and merges again and again, between transactions, and after each time shows and checks all. Some transactions write parts of their own.
func TestGCKeepsAll(t *testing.T) {
	replicatest.OnFormat2(t)
	for seed := uint64(0); seed < 4; seed += uint64(race.Every(2)) {
		loose, packed := directory(t), directory(t)
		plain := replicatest.Init(t, loose, counted(1<<20))
		r := replicatest.Init(t, packed, counted(5))
		for round := range 8 {
			works(t, plain, 6, seed*100+uint64(round))
			works(t, r, 6, seed*100+uint64(round))
			early := replicatest.Open(t, packed, replica.Options{})
			report := gc(t, r)
			if report.Loose != 0 || report.Folded+report.Merged == 0 || report.Parts > 8 {
				t.Errorf("seed %d, round %d: %+v", seed, round, report)
			}
			if left := looseFiles(t, packed); len(left) > 0 {
				t.Fatalf("seed %d, round %d: left %q", seed, round, left)
			}
			if there, _ := afero.Exists(packed, "records"); there {
				t.Errorf("seed %d, round %d: directories stay", seed, round)
			}
			if got, want := allVersions(t, packed), allVersions(t, loose); got != want {
				t.Fatalf("seed %d, round %d: the versions differ:\n%s\nwant\n%s", seed, round, got, want)
			}
			want := versionsOf(t, plain)
			if got := versionsOf(t, early); got != want {
				t.Fatalf("seed %d, round %d: who opened it before sees\n%s\nwant\n%s", seed, round, got, want)
			}
			if dumped(t, packed) != dumped(t, loose) {
				t.Fatalf("seed %d, round %d: the dumps differ", seed, round)
			}
			if found := problems(t, packed); found != "" {
				t.Fatalf("seed %d, round %d: fsck says\n%s", seed, round, found)
			}
		}
		list := partsOf(t, packed, "")
		for i, ref := range list[1:] {
			if 2*(ref.Last-ref.First+1) > list[i].Last-list[i].First+1 {
				t.Errorf("seed %d: the parts are %v", seed, list)
			}
		}
		if again := gc(t, r); again.Folded+again.Merged+again.Removed > 0 {
			t.Errorf("seed %d: with nothing to do: %+v", seed, again)
		}
	}
}

// TestGCFoldsInStepsAndMergesTheParts has more rows than one step folds.
func TestGCFoldsNoMoreThanItIsTold(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(1<<20))
	grow(t, r, 300)
	seen := 0
	_, err := r.GC(t.Context(), replica.GCOptions{Progress: func(done, total int) { seen = max(seen, done) }})
	if err != nil || seen != 300 {
		t.Errorf("%d rows, %v", seen, err)
	}
}

// TestAGCThatIsInterruptedChangesNothing has its context end at each third look at it, with -all at each.
func TestAGCThatIsInterruptedLosesNothing(t *testing.T) {
	replicatest.OnFormat2(t)
	start := crashfs.New()
	works(t, replicatest.Init(t, start, counted(5)), 8, 1)
	want := dumped(t, start)
	stopped := 0
	for k := 1; ; k += race.Every(3) {
		fsys := start.Survivor(crashfs.Kill, 0)
		ctx := &counting{Context: context.Background()}
		ctx.left.Store(int64(k))
		_, err := replicatest.Open(t, fsys, counted(5)).GC(ctx, replica.GCOptions{})
		if dumped(t, fsys) != want {
			t.Fatalf("stopped at %d: it shows something else", k)
		}
		if found := problems(t, fsys); strings.Contains(strings.ReplaceAll(found, "(harmless)\n", ""), "\n") {
			t.Errorf("stopped at %d: fsck says\n%s", k, found)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %d: %v", k, err)
		}
		stopped++
		gc(t, replicatest.Open(t, fsys, counted(5)))
		if left := looseFiles(t, fsys); len(left) > 0 {
			t.Errorf("stopped at %d: the next one leaves %q", k, left)
		}
	}
	if stopped < 30/race.Every(3) {
		t.Errorf("stopped %d times", stopped)
	}
}

// counting is a context that is done after so many looks.
type counting struct {
	context.Context
	left atomic.Int64
}

func (c *counting) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestACrashOfGCLosesNothing cuts the power, or kills, at each third operation, with -all at each; then the next gc and the next edit work.
func TestACrashOfGCLosesNothing(t *testing.T) {
	replicatest.OnFormat2(t)
	start := crashfs.New()
	works(t, replicatest.Init(t, start, counted(5)), 5, 1)
	want := dumped(t, start)
	crashes := 0
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		for k := 1; ; k += race.Every(3) {
			fsys := start.Survivor(crashfs.Kill, 0)
			r := replicatest.Open(t, fsys, counted(5))
			fsys.CrashAt(k)
			_, err := r.GC(t.Context(), replica.GCOptions{})
			survivor := fsys.Survivor(mode, int64(k))
			if dumped(t, survivor) != want {
				t.Fatalf("%s at %d: it shows something else", mode, k)
			}
			if found := problems(t, survivor); strings.Contains(strings.ReplaceAll(found, "(harmless)\n", ""), "\n") {
				t.Fatalf("%s at %d: fsck says\n%s", mode, k, found)
			}
			again := replicatest.Open(t, survivor, counted(5))
			if err := more(again); err != nil {
				t.Fatalf("%s at %d: the next edit: %v", mode, k, err)
			}
			gc(t, again)
			for _, left := range looseFiles(t, survivor) {
				if mode == crashfs.Kill || !strings.HasPrefix(left, "cas/records/") { // a power cut may bring back a version that nothing names
					t.Fatalf("%s at %d: the next gc leaves %s", mode, k, left)
				}
			}
			if found := problems(t, survivor); found != "" {
				t.Fatalf("%s at %d: after the next gc fsck says\n%s", mode, k, found)
			}
			if err == nil {
				break
			}
			crashes++
		}
	}
	if crashes < 150/race.Every(3) {
		t.Errorf("%d crashes", crashes)
	}
}

// versionsOf are the bytes of all versions that a replica shows.
func versionsOf(t *testing.T, r *replica.Replica) string {
	t.Helper()
	var b strings.Builder
	for rec, err := range r.All("") {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, rec.ID, rec.Props)
	}
	recs := allRecords(t, r)
	for _, rec := range recs {
		versions, err := r.Log().Versions(rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range versions {
			text := []byte("deleted")
			if !v.Deleted() {
				if text, err = r.Log().RawRecord(rec, v); err != nil {
					t.Fatalf("%s as of row %d: %v", rec, v.Seq, err)
				}
			}
			fmt.Fprintf(&b, "%s %d %x %s\n", rec, v.Seq, v.Key, text)
		}
	}
	return b.String()
}

// TestGCRunsByItself makes more loose changesets than that takes, and then many small parts.
func TestGCRunsByItself(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(1<<20))
	for range 11 {
		grow(t, r, 100)
	}
	list := partsOf(t, fsys, "")
	if len(list) != 1 || list[0].Last != 1100 {
		t.Errorf("parts %v", list)
	}
	if left := looseFiles(t, fsys); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
	grow(t, r, 900)
	if list := partsOf(t, fsys, ""); len(list) != 1 {
		t.Errorf("900 were folded: %v", list)
	}
	opts := counted(1)
	opts.NewUUID = uuid.New
	r = replicatest.Open(t, fsys, opts)
	most := 0
	for range 60 {
		grow(t, r, 1)
		most = max(most, len(partsOf(t, fsys, "")))
	}
	if most != 24 {
		t.Errorf("there were up to %d parts", most)
	}
	if r.Latest() != 2060 {
		t.Errorf("%d rows", r.Latest())
	}
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
}

// TestGCRunsByItselfAfterAnEditThatOpens makes the edits of a process each, as of "prophet create".
func TestGCRunsByItselfAfterAnEditThatOpens(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	grow(t, replicatest.Init(t, fsys, counted(1<<20)), 1000)
	if left := looseFiles(t, fsys); len(left) < 1000 {
		t.Fatalf("%d loose files", len(left))
	}
	opts := counted(1 << 20)
	opts.NewUUID = uuid.New
	if _, _, err := replica.OpenAndEdit(t.Context(), fsys, opts, func(e *replica.Edit) error {
		_, err := e.Create("Ticket", map[string]string{"summary": "one more"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if list, left := partsOf(t, fsys, ""), looseFiles(t, fsys); len(list) != 1 || list[0].Last != 1001 || len(left) > 0 {
		t.Errorf("parts %v, %d loose files", list, len(left))
	}
}

// TestWhatIsLostStaysLoose has gc fold all around a changeset that nobody has any more.
func TestWhatIsLostStaysLoose(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := directory(t)
	r := replicatest.Init(t, fsys, counted(1<<20))
	works(t, r, 6, 2)
	row, err := r.Log().Row(r.Latest() / 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := fsys.Remove("cas/changesets/" + objectPath(row)); err != nil {
		t.Fatal(err)
	}
	mend(t, fsys)
	want, damage := versionsOf(t, replicatest.Open(t, fsys, counted(1<<20))), problems(t, fsys)
	report := gc(t, replicatest.Open(t, fsys, counted(1<<20)))
	if report.Loose != 1 || report.Lost != 1 || report.Parts != 2 {
		t.Errorf("%+v", report)
	}
	if got := versionsOf(t, replicatest.Open(t, fsys, replica.Options{})); got != want {
		t.Errorf("it has\n%s\nwant\n%s", got, want)
	}
	if found := problems(t, fsys); found != damage || !strings.Contains(found, "prophet/lost") {
		t.Errorf("fsck says\n%s\nand said\n%s", found, damage)
	}
	if again := gc(t, replicatest.Open(t, fsys, counted(1<<20))); again.Folded+again.Removed > 0 {
		t.Errorf("again: %+v", again)
	}
}

// objectPath is where the changeset of a row is, below cas/changesets.
func objectPath(row changeset.Row) string {
	key := fmt.Sprintf("%x", row.Key)
	return key[:1] + "/" + key[1:2] + "/" + key
}
