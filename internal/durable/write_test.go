package durable

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

func TestWriteFileSurvivesAPowerCut(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		put(t, fs, "a", "one")
		put(t, fs, "d/e/b", "two")
		put(t, fs, "d/e/b", "three")
		wantFiles(t, afterPowerCut(fs), tree{"a": "one", "d/e/b": "three"})
	})
}

func TestWriteFileIsOldOrNewAfterAnyFault(t *testing.T) {
	start := crashfs.New()
	put(t, start, "d/a", "old")
	old, changed := tree{"d/a": "old"}, tree{"d/a": "new"}
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		err := WriteFile(disk, "d/a", []byte("new"))
		for seed := range int64(5) {
			got := withoutTemps(read(t, disk.Survivor(crashfs.PowerCut, seed)).files())
			if fmt.Sprint(got) != fmt.Sprint(changed) && (err == nil || fmt.Sprint(got) != fmt.Sprint(old)) {
				t.Errorf("crash at %d, error %v, seed %d: %s", k, err, seed, got)
			}
		}
		if !disk.Failed() {
			break
		}
	}
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.FailAt(k, syscall.ENOSPC)
		err := WriteFile(disk, "d/a", []byte("new"))
		if !disk.Failed() {
			break
		}
		if err == nil {
			t.Errorf("no error though operation %d failed", k)
		}
		if got := read(t, disk).files(); len(got) != 1 {
			t.Errorf("after an error at %d: %s", k, got)
		}
	}
}

func withoutTemps(s tree) tree {
	for name := range s {
		if IsTemp(name) {
			delete(s, name)
		}
	}
	return s
}

func TestWriteFileStepsOverLeftovers(t *testing.T) {
	fs := afero.NewMemMapFs()
	afero.WriteFile(fs, "d/.a.tmp0", []byte("left"), 0o666)
	put(t, fs, "d/a", "new")
	wantFiles(t, fs, tree{"d/a": "new", "d/.a.tmp0": "left"})
	for n := range maxTemps {
		afero.WriteFile(fs, tempFor("d/a", n), nil, 0o666)
	}
	if err := WriteFile(fs, "d/a", nil); err == nil || !strings.Contains(err.Error(), "left by crashes") {
		t.Errorf("with all temporary names taken: %v", err)
	}
}

func TestTemporaryNamesAreTold(t *testing.T) {
	for name, want := range map[string]bool{
		tempFor("a/b", 0): true, tempFor("b", 99): true, "a/b": false, ".tmp0": false, ".a.tmp": false, ".a.tmp100": false, "a.tmp1": false, "": false,
	} {
		if IsTemp(name) != want {
			t.Errorf("IsTemp(%q) is %t", name, !want)
		}
	}
}

func TestNamesOutsideTheRootAreRefused(t *testing.T) {
	fs := crashfs.New()
	fs.Record()
	for _, name := range []string{"", ".", "/a", "../a", "a/../b", "a//b", "a/", "a\x00b/../../c"} {
		if err := WriteFile(fs, name, nil); err == nil {
			t.Errorf("WriteFile(%q) did not fail", name)
		}
		if err := MkdirAll(fs, name); err == nil && name != "." {
			t.Errorf("MkdirAll(%q) did not fail", name)
		}
		if _, err := Lock(t.Context(), fs, name, Patience{}); err == nil {
			t.Errorf("Lock(%q) did not fail", name)
		}
	}
	if ops := fs.Ops(); len(ops) > 0 {
		t.Errorf("did %v", ops)
	}
}

func TestMkdirAllSurvivesAPowerCut(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		for range 2 {
			if err := MkdirAll(fs, "a/b/c"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := afterPowerCut(fs).Stat("a/b/c"); err != nil {
			t.Error(err)
		}
	})
}

// A process may die between making a directory and flushing it in its parent.
func TestDirectoryOfADeadProcessIsFlushed(t *testing.T) {
	for k := 1; ; k++ {
		disk := crashfs.New()
		disk.CrashAt(k)
		err := WriteFile(disk, "a/b/c", []byte("dead"))
		alive := disk.Survivor(crashfs.Kill, 0)
		put(t, alive, "a/b/c", "alive")
		if got := read(t, alive.Survivor(crashfs.PowerCut, 0)).files()["a/b/c"]; got != "alive" {
			t.Errorf("killed at %d, written again, power cut: %q", k, got)
		}
		if err == nil {
			break
		}
	}
}

func TestSyncDirIsHarmlessWhereItCannotWork(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		if err := SyncDir(fs, "."); err != nil {
			t.Error(err)
		}
	})
	disk := crashfs.New()
	disk.FailAt(2, syscall.EINVAL)
	if err := SyncDir(disk, "."); err != nil || !disk.Failed() {
		t.Errorf("where directories cannot be flushed: %v", err)
	}
	disk.FailAt(2, syscall.EIO)
	if err := SyncDir(disk, "."); err == nil {
		t.Error("an error of the disk was not told")
	}
}

// Many files are flushed by several goroutines: all before they are renamed, and each directory once.
func TestManyFilesAreFlushedInOrder(t *testing.T) {
	disk := crashfs.New()
	disk.Record()
	tx := Begin(disk)
	for i := range 300 {
		tx.Put(fmt.Sprintf("cas/%x/%d", i%16, i), []byte(strings.Repeat("x", i)))
	}
	commit(t, tx)
	var names []string
	written, flushed, early := 0, 0, 0
	for _, op := range disk.Ops() {
		switch op.Kind {
		case "write":
			written++
		case "sync":
			flushed++
		case "syncdir":
			names = append(names, op.Name)
		case "rename":
			if flushed < written {
				early++
			}
		}
	}
	if early > 0 {
		t.Errorf("%d files were renamed before their flush", early)
	}
	want := []string{".", "cas"}
	for i := range 16 {
		want = append(want, fmt.Sprintf("cas/%x", i))
	}
	slices.Sort(names)
	if slices.Sort(want); !slices.Equal(names, want) {
		t.Errorf("flushed directories %q, want %q", names, want)
	}
	cut := disk.Survivor(crashfs.PowerCut, 0)
	if got := len(read(t, cut).files()); got != 300 {
		t.Errorf("%d files survive of 300", got)
	}
}

func TestErrorAmongManyFlushesIsTold(t *testing.T) {
	for n, together := range map[int]bool{0: true, 1: true, sequential: false, sequential - 1: true, sequential + 1: false, 1000: true} {
		var calls [1001]int
		err := each(n, together, func(i int) error { calls[i]++; return nil })
		if want := slices.Repeat([]int{1}, n); err != nil || !slices.Equal(calls[:n], want) {
			t.Errorf("%d calls: %v %v", n, err, calls[:n])
		}
		if n == 0 {
			continue
		}
		err = each(n, together, func(i int) error {
			if i == n-1 {
				return syscall.EIO
			}
			return nil
		})
		if err != syscall.EIO {
			t.Errorf("an error in the last of %d calls: %v", n, err)
		}
	}
}

func TestFewFlushesAreInOrder(t *testing.T) {
	var order []int
	each(sequential, false, func(i int) error { order = append(order, i); return nil })
	if !slices.IsSorted(order) || len(order) != sequential {
		t.Errorf("order %v", order)
	}
}

func TestManyFlushesAndThoseOfADiskOverlap(t *testing.T) {
	for n, together := range map[int]bool{sequential + 1: false, 2: true, workers: true} {
		var begun sync.WaitGroup
		all := make(chan bool)
		begun.Add(min(n, workers))
		go func() { begun.Wait(); close(all) }()
		err := each(n, together, func(i int) error {
			if i >= workers {
				return nil
			}
			begun.Done()
			select {
			case <-all:
				return nil
			case <-time.After(time.Minute):
				return fmt.Errorf("flush %d of %d waited for another", i, n)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestFilesOfADiskAreKnown(t *testing.T) {
	for _, of := range []struct {
		fs   afero.Fs
		want bool
	}{{Within(afero.NewOsFs(), t.TempDir()), true}, {afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()), true}, {afero.NewMemMapFs(), false}, {Within(afero.NewMemMapFs(), "/"), false}, {crashfs.New(), false}} {
		f, err := of.fs.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := onDisk([]handle{{"f", f}}); got != of.want {
			t.Errorf("a file of %T: %t, want %t", of.fs, got, of.want)
		}
	}
}

// In memory, a directory can be removed with what is in it.
func TestUnmakeSparesWhatOthersPutIntoADirectory(t *testing.T) {
	fs := afero.NewMemMapFs()
	w := writer{fs: fs}
	if err := w.makeDirs([]string{"a/b", "a/c/d"}); err != nil {
		t.Fatal(err)
	}
	put(t, fs, "a/b/theirs", "x")
	w.unmake()
	wantFiles(t, fs, tree{"a/b/theirs": "x"})
	if _, err := fs.Stat("a/c"); err == nil {
		t.Error("an empty directory is left")
	}
}

// A temporary name is gone when the error is read.
func TestAnErrorOfWritingNamesTheFileOnce(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&iofs.PathError{Op: "open", Path: "/w/cas/.a.tmp0", Err: syscall.ENOSPC}, "write /w/cas/a: " + syscall.ENOSPC.Error()},
		{syscall.ENOSPC, "write cas/a: " + syscall.ENOSPC.Error()},
	} {
		if err := ofFile("write", "cas/a", tt.err); err.Error() != tt.want || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}
