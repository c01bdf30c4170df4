package replica_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// unpack makes a replica one of format 1.
func unpack(t *testing.T, r *replica.Replica) {
	t.Helper()
	if err := r.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// sameTrees compares all files of two directories, but for those of locks and temporary ones.
func sameTrees(t *testing.T, what string, got, want afero.Fs) {
	t.Helper()
	is, was := filesIn(t, got), filesIn(t, want)
	names := slices.Sorted(maps.Keys(is))
	for name := range was {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if a, b := is[name], was[name]; a != b && !strings.HasSuffix(name, "/lock") && !durable.IsTemp(name) {
			t.Errorf("%s: %s holds %.80q, want %.80q", what, name, a, b)
		}
	}
}

// TestUnpackGivesWhatFormat1WouldHave has the same done in replicas of either format, in that of format 2 with parts of several sizes, merged ones, and loose rows between
// and behind them, and compares all files after unpacking, and after more edits.
func TestUnpackGivesWhatFormat1WouldHave(t *testing.T) {
	for seed := range uint64(4) {
		loose, packed := directory(t), directory(t)
		replicatest.OnFormat1(t)
		plain := replicatest.Init(t, loose, counted(0))
		works(t, plain, 30, seed)
		replicatest.OnFormat2(t)
		r := replicatest.Init(t, packed, counted(5))
		works(t, r, 10, seed)
		early := replicatest.Open(t, packed, replica.Options{})
		replicatest.OnFormat1(t)
		again := replicatest.Init(t, directory(t), counted(0))
		works(t, again, 10, seed)
		if seed > 0 {
			gc(t, r)
		}
		unpack(t, r)
		sameTrees(t, "after some", packed, again.FS())
		if got, want := versionsOf(t, early), versionsOf(t, again); got != want {
			t.Errorf("seed %d: who opened it before sees\n%s\nwant\n%s", seed, got, want)
		}
		if found := problems(t, packed); found != "" {
			t.Errorf("seed %d: fsck says\n%s", seed, found)
		}
		if r.Format() != replica.FormatLoose {
			t.Errorf("its format is %s", r.Format())
		}
		if there, _ := afero.Exists(packed, "prophet/parts"); there {
			t.Error("prophet/parts stays")
		}
		for _, r := range []*replica.Replica{r, again} {
			works(t, r, 5, seed+50)
		}
		sameTrees(t, "after more", packed, again.FS())
		gc(t, r) // does nothing
		sameTrees(t, "after gc", packed, again.FS())
	}
}

// TestACrashOfUnpackLosesNothing cuts the power, or kills, at each fifth operation, with -all at each; the next edit and the next unpack work.
func TestACrashOfUnpackLosesNothing(t *testing.T) {
	replicatest.OnFormat1(t)
	plain := crashfs.New()
	works(t, replicatest.Init(t, plain, counted(0)), 4, 1)
	replicatest.OnFormat2(t)
	start := crashfs.New()
	works(t, replicatest.Init(t, start, counted(5)), 4, 1)
	want, crashes := dumped(t, start), 0
	for _, mode := range []crashfs.Mode{crashfs.PowerCut, crashfs.Kill} {
		for k := 1; ; k += race.Every(8) {
			fsys := start.Survivor(crashfs.Kill, 0)
			r := replicatest.Open(t, fsys, counted(5))
			fsys.CrashAt(k)
			err := r.Unpack(t.Context(), nil)
			survivor := fsys.Survivor(mode, int64(k))
			if dumped(t, survivor) != want {
				t.Fatalf("%s at %d: it shows something else", mode, k)
			}
			if found := problems(t, survivor); strings.Contains(strings.ReplaceAll(found, "(harmless)\n", ""), "\n") {
				t.Fatalf("%s at %d: fsck says\n%s", mode, k, found)
			}
			edited := survivor.Survivor(crashfs.Kill, 0)
			if err := more(replicatest.Open(t, edited, counted(5))); err != nil {
				t.Fatalf("%s at %d: the next edit: %v", mode, k, err)
			}
			unpack(t, replicatest.Open(t, survivor, counted(5)))
			sameTrees(t, "unpacked again", survivor, plain)
			if t.Failed() {
				t.Fatalf("%s at %d", mode, k)
			}
			if err == nil {
				break
			}
			crashes++
		}
	}
	if crashes < 50/race.Every(8) {
		t.Errorf("%d crashes", crashes)
	}
}

// beside does something once, right after somebody made sure that the directory of the parts is there.
type beside struct {
	afero.Fs
	do func()
}

func (b *beside) Open(name string) (afero.File, error) {
	f, err := b.Fs.Open(name)
	if err == nil && path.Clean(name) == "prophet/parts" {
		return listedBeside{f, b}, nil
	}
	return f, err
}

type listedBeside struct {
	afero.File
	b *beside
}

func (l listedBeside) Close() error {
	err := l.File.Close()
	if do := l.b.do; do != nil {
		l.b.do = nil
		do()
	}
	return err
}

// Who is about to wait for the lock of the parts finds that another process has unpacked the replica, and took the lock's directory with it.
func TestWhoWaitsForAnUnpackHasNothingToDo(t *testing.T) {
	replicatest.OnFormat2(t)
	for what, do := range map[string]func(r *replica.Replica) error{
		"gc": func(r *replica.Replica) error {
			report, err := r.GC(t.Context(), replica.GCOptions{})
			if report != (replica.GCReport{}) {
				t.Errorf("gc did %+v", report)
			}
			return err
		},
		"unpack": func(r *replica.Replica) error { return r.Unpack(t.Context(), nil) },
	} {
		fsys := &beside{Fs: directory(t)}
		works(t, replicatest.Init(t, fsys, counted(5)), 10, 1)
		waits := replicatest.Open(t, fsys, counted(1<<20))
		first := replicatest.Open(t, fsys.Fs, counted(1<<20))
		gc(t, first)
		fsys.do = func() { unpack(t, first) }
		if err := do(waits); err != nil || fsys.do != nil {
			t.Errorf("%s: %v", what, err)
		}
		if there, _ := afero.Exists(fsys, "prophet/parts"); there || waits.Format() != replica.FormatLoose {
			t.Errorf("%s: it is of format %s, and prophet/parts is there: %v", what, waits.Format(), there)
		}
		if found := problems(t, fsys.Fs); found != "" {
			t.Errorf("%s: fsck says\n%s", what, found)
		}
		if err := setStatus(waits, create(t, waits), "open"); err != nil {
			t.Errorf("after %s: %v", what, err)
		}
	}
}
