package durable

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
)

// edit is one commit of the story that the crash tests run.
type edit struct {
	objects, rows, replaced [][2]string
	points                  [2]string // the new texts of sub/latest and latest
}

// story begins in an empty tree: objects that come twice, files that begin and go on, one and two points, a small file replaced again.
var story = []edit{
	{
		objects: [][2]string{{"cas/a/1", "first object"}, {"cas/b/2", "second object"}},
		rows:    [][2]string{{"log", "row 1 of the log, longer than a block."}, {"records/x", "x1."}},
		points:  [2]string{"", "1"},
	}, {
		objects:  [][2]string{{"cas/a/3", "third object"}, {"cas/a/1", "first object"}},
		rows:     [][2]string{{"log", "row 2."}, {"records/deep/y", "y1."}, {"log", "row 3."}, {"sub/log", "vote 1."}, {"records/x", "x2."}},
		replaced: [][2]string{{"marks/m", "mark 2"}, {"peers/p", "peer 2"}},
		points:   [2]string{"1", "3"},
	}, {
		rows:     [][2]string{{"log", "row 4, which is a good deal longer than the others, so that it can tear."}, {"records/x", "x3."}},
		replaced: [][2]string{{"marks/m", "mark 3"}},
		points:   [2]string{"1", "4"},
	}, {
		objects:  [][2]string{{"cas/c/4", "fourth object"}},
		rows:     [][2]string{{"sub/log", "vote 2."}, {"log", "row 5."}},
		replaced: [][2]string{{"uuid", "another"}},
		points:   [2]string{"2", "5"},
	},
}

// states has what is on the disk before each edit of the story, and after the last.
var states = func() []tree {
	list := []tree{{}}
	for _, e := range story {
		s := maps.Clone(list[len(list)-1])
		for _, o := range append(e.objects, e.replaced...) {
			s[o[0]] = o[1]
		}
		for _, r := range e.rows {
			s[r[0]] += r[1]
		}
		s["sub/latest"], s["latest"] = e.points[0], e.points[1]
		maps.DeleteFunc(s, func(_, text string) bool { return text == "" })
		list = append(list, s)
	}
	return list
}()

// write commits the edit on top of the state s.
func (e edit) write(fs afero.Fs, s tree) error {
	tx := Begin(fs)
	for _, o := range e.objects {
		tx.Put(o[0], []byte(o[1]))
	}
	grown := maps.Clone(s)
	for _, r := range e.rows {
		tx.Append(r[0], int64(len(grown[r[0]])), []byte(r[1]))
		grown[r[0]] += r[1]
	}
	for _, r := range e.replaced {
		tx.Replace(r[0], []byte(r[1]))
	}
	return tx.Commit(Point{"sub/latest", s["sub/latest"], e.points[0]}, Point{"latest", s["latest"], e.points[1]})
}

// stateOf returns which of the states a reader sees: what the last commit point says.
func stateOf(fs afero.Fs) (int, error) {
	text, err := readText(fs, "latest")
	for i, s := range states {
		if err == nil && s["latest"] == text {
			return i, nil
		}
	}
	return 0, fmt.Errorf("latest is %q, %v", text, err)
}

// tell runs the rest of the story from wherever fs is, as writers do, and returns how many edits were reported done in all.
func tell(fs afero.Fs) (done int, err error) { return tellTo(fs, len(story)) }

// tellTo is tell up to an edit of the story, from 1.
func tellTo(fs afero.Fs, last int) (done int, err error) {
	for err == nil && done < last {
		var now int
		if now, err = tellOne(fs); err == nil {
			done = now
		}
	}
	return done, err
}

// checkReader checks that a reader, who takes no lock and waits for no recovery, finds all that the commit points promise.
func checkReader(t *testing.T, fs afero.Fs, done int) {
	t.Helper()
	i, err := stateOf(fs)
	if err != nil || i < done || i > done+1 {
		t.Fatalf("a reader sees state %d, %v; %d were done", i, err, done)
	}
	got := read(t, fs)
	for name, want := range states[i] {
		if !strings.HasPrefix(got[name], want) && !isReplaced(name) && name != "sub/latest" {
			t.Fatalf("a reader of state %d finds %s: %q, want %q", i, name, got[name], want)
		}
	}
	if sub := got["sub/latest"]; sub != states[done]["sub/latest"] && sub != states[min(done+1, len(story))]["sub/latest"] {
		t.Fatalf("sub/latest is %q", sub)
	}
}

func isReplaced(name string) bool {
	return name == "uuid" || strings.HasPrefix(name, "marks/") || strings.HasPrefix(name, "peers/")
}

// checkState recovers, and checks that the disk is in the state after the edits reported done or, if another was begun, after that:
// whole, and with nothing more than objects that nothing names yet.
func checkState(t *testing.T, fs afero.Fs, done int) {
	t.Helper()
	checkReader(t, fs, done)
	if _, err := Recover(fs); err != nil {
		t.Fatal(err)
	}
	i, err := stateOf(fs)
	if err != nil || i < done || i > done+1 {
		t.Fatalf("recovered to state %d, %v; %d were done", i, err, done)
	}
	got := withoutTemps(read(t, fs).files())
	for name, text := range got {
		next := states[min(i+1, len(story))]
		if _, here := states[i][name]; !here && strings.HasPrefix(name, "cas/") && next[name] == text {
			delete(got, name)
		}
	}
	if !maps.Equal(got, states[i]) {
		t.Fatalf("recovered to:%s\nwant state %d:%s", got, i, states[i])
	}
	if again, err := Recover(fs); again || err != nil {
		t.Fatalf("recovered twice: %t, %v", again, err)
	}
}

// checkWorks checks that the story can be told to its end, and that its end survives a power cut.
func checkWorks(t *testing.T, fs *crashfs.FS) {
	t.Helper()
	if done, err := tell(fs); err != nil {
		t.Fatalf("edit %d after the crash: %v", done+1, err)
	}
	if got := withoutTemps(read(t, fs.Survivor(crashfs.PowerCut, 0)).files()); !maps.Equal(got, states[len(story)]) {
		t.Fatalf("in the end:%s\nwant:%s", got, states[len(story)])
	}
}

// crash is a way to lose power or a process.
type crash struct {
	mode crashfs.Mode
	seed int64
}

func (c crash) String() string { return fmt.Sprintf("%v, seed %d", c.mode, c.seed) }

var seeds = flag.Int64("seeds", 3, "ways in which unflushed data survives a power cut, for each crash point")

// crashes returns a kill, a strict power cut, and power cuts by seed.
func crashes(seeds int64) []crash {
	list := []crash{{crashfs.Kill, 0}, {crashfs.PowerCut, 0}}
	for seed := range seeds {
		list = append(list, crash{crashfs.PowerCut, seed + 1})
	}
	return list
}

// everyCrash runs the story, crashing at each operation in turn, and gives each survivor to check, with how many edits were reported done.
func everyCrash(t *testing.T, crashes []crash, check func(t *testing.T, left *crashfs.FS, done int)) (points int) {
	return crashBetween(t, 0, len(story), crashes, check)
}

// crashBetween is everyCrash of the edits of the story after the first so many, up to another, from 1.
func crashBetween(t *testing.T, first, last int, crashes []crash, check func(t *testing.T, left *crashfs.FS, done int)) (points int) {
	start := crashfs.New()
	if _, err := tellTo(start, first); err != nil {
		t.Fatal(err)
	}
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		told, _ := tellTo(disk, last)
		done := max(first, told)
		for _, c := range crashes {
			left := disk.Survivor(c.mode, c.seed)
			t.Run(fmt.Sprintf("%v at %d", c, k), func(t *testing.T) { check(t, left, done) })
		}
		if !disk.Failed() || t.Failed() {
			return k
		}
	}
}

func TestCrashAnywhereLeavesTheStateBeforeOrAfter(t *testing.T) {
	points := everyCrash(t, crashes(*seeds), func(t *testing.T, left *crashfs.FS, done int) {
		checkState(t, left, done)
		checkWorks(t, left)
	})
	if points < 100 {
		t.Errorf("only %d operations: the story does not test much", points)
	}
}

// TestCrashAfterACrash crashes in one of two edits, which do all that an edit does, and a second time at each third operation (with -all at each) of the recovery and of the edit that
// follows it.
func TestCrashAfterACrash(t *testing.T) {
	first := []crash{{crashfs.Kill, 0}, {crashfs.PowerCut, *seeds}}
	crashBetween(t, 1, 3, first, func(t *testing.T, left *crashfs.FS, done int) {
		type tried struct {
			left [32]byte
			done int // at least
		}
		seen := map[tried]bool{}
		for k := 1; ; k += race.Every(3) {
			disk := left.Survivor(crashfs.Kill, 0)
			disk.CrashAt(k)
			again, _ := tellOne(disk)
			for _, c := range crashes(*seeds - 3) {
				left := disk.Survivor(c.mode, c.seed)
				if at := (tried{left.Print(), max(done, again)}); c.mode == crashfs.PowerCut { // what Kill left has more to lose
					if seen[at] {
						continue
					}
					seen[at] = true
				}
				now, err := stateOf(left)
				if err != nil || now < done {
					t.Fatalf("%v at %d after that: state %d, %v", c, k, now, err)
				}
				checkState(t, left, max(done, again))
				checkNext(t, left)
			}
			if !disk.Failed() {
				return
			}
		}
	})
}

// tellOne recovers and does one more edit, and returns how many are done in all as far as it was told.
func tellOne(fs afero.Fs) (done int, err error) {
	if _, err := Recover(fs); err != nil {
		return 0, err
	}
	done, err = stateOf(fs)
	if err == nil && done < len(story) {
		if err = story[done].write(fs, states[done]); err == nil {
			done++
		}
	}
	return done, err
}

// checkNext checks that one more edit can be done and survives a power cut.
func checkNext(t *testing.T, fs *crashfs.FS) {
	t.Helper()
	done, err := tellOne(fs)
	if err != nil {
		t.Fatalf("edit %d after the crash: %v", done+1, err)
	}
	checkState(t, fs.Survivor(crashfs.PowerCut, 0), done)
}

// TestErrorAnywhereLeavesNoTrace lets each operation in turn fail once, while the process lives on.
func TestErrorAnywhereLeavesNoTrace(t *testing.T) {
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO, syscall.EACCES} {
		for k := 1; ; k++ {
			disk := crashfs.New()
			disk.FailAt(k, fault)
			done, err := tell(disk)
			if !disk.Failed() {
				break
			}
			t.Run(fmt.Sprintf("%v at %d", fault, k), func(t *testing.T) { checkError(t, disk, done, err) })
		}
	}
}

func checkError(t *testing.T, disk *crashfs.FS, done int, err error) {
	t.Helper()
	checkReader(t, disk, done)
	i, serr := stateOf(disk)
	switch {
	case serr != nil:
		t.Fatal(serr)
	case errors.Is(err, ErrUncertain):
		t.Fatalf("one error, and it is uncertain whether edit %d was made: %v", done+1, err)
	case errors.Is(err, ErrCommitted) && i != done+1:
		t.Fatalf("state %d, though edit %d was reported committed: %v", i, done+1, err)
	case !errors.Is(err, ErrCommitted) && !maps.Equal(read(t, disk).files(), states[done]):
		t.Fatalf("%v, and it left:%s\nwant state %d:%s", err, read(t, disk), done, states[done])
	}
	for _, c := range crashes(*seeds) {
		checkState(t, disk.Survivor(c.mode, c.seed), done)
	}
	checkWorks(t, disk)
}

// TestAnErrorThatStaysIsNoCommit has a disk that is full, or read-only, or worse from some operation on. What was reported done survives a power cut; after
// an error the edit was not made, unless the error says so.
func TestAnErrorThatStaysIsNoCommit(t *testing.T) {
	uncertain := 0
	for _, strikes := range []func(crashfs.Op) bool{crashfs.Op.Grows, crashfs.Op.Writes, crashfs.Op.Changes} {
		for k := 1; ; k++ {
			disk := crashfs.New()
			disk.FailFrom(k, syscall.EROFS, strikes)
			done, err := tell(disk)
			if !disk.Failed() {
				break
			}
			least, most := done, done
			switch {
			case errors.Is(err, ErrUncertain):
				uncertain++
				most++
			case errors.Is(err, ErrCommitted):
				least, most = done+1, done+1
			}
			for _, c := range crashes(1) {
				left := disk.Survivor(c.mode, c.seed)
				if i, serr := stateOf(left); serr != nil || i < least || i > most {
					t.Fatalf("%v at %d: %d were done, then %v, and it is in state %d (%v)", c, k, done, err, i, serr)
				}
				checkState(t, left, done)
				checkWorks(t, left)
			}
		}
	}
	if uncertain == 0 {
		t.Error("no last flush failed for good")
	}
}

// TestCrashWithoutPointsLeavesEachFileOldOrNew commits objects and small files alone, which need no journal.
func TestCrashWithoutPointsLeavesEachFileOldOrNew(t *testing.T) {
	start := crashfs.New()
	put(t, start, "mark", "old")
	want := map[string]string{"cas/a": "object", "mark": "new", "new/mark": "new"}
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		tx := Begin(disk)
		tx.Put("cas/a", []byte("object"))
		tx.Replace("mark", []byte("new"))
		tx.Replace("new/mark", []byte("new"))
		err := tx.Commit()
		for _, c := range crashes(*seeds) {
			left := withoutTemps(read(t, disk.Survivor(c.mode, c.seed)).files())
			for name, text := range left {
				if text != want[name] && (err == nil || name != "mark" || text != "old") {
					t.Errorf("%v at %d, error %v: %s is %q", c, k, err, name, text)
				}
			}
			if err == nil && len(left) != len(want) {
				t.Errorf("%v: left %s", c, left)
			}
		}
		if !disk.Failed() {
			return
		}
	}
}
