package crashfs

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"
)

// tree returns what is on fs: "name: bytes" for a file, "name/" for a directory, sorted.
func tree(t *testing.T, fs afero.Fs) string {
	t.Helper()
	var lines []string
	err := afero.Walk(fs, ".", func(name string, info os.FileInfo, err error) error {
		if err != nil || name == "." {
			return err
		}
		if info.IsDir() {
			lines = append(lines, name+"/")
			return nil
		}
		b, err := afero.ReadFile(fs, name)
		lines = append(lines, name+": "+string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func write(t *testing.T, fs afero.Fs, name, text string) {
	t.Helper()
	if err := afero.WriteFile(fs, name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func flush(t *testing.T, fs afero.Fs, names ...string) {
	t.Helper()
	for _, name := range names {
		f, err := fs.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func TestPowerCutKeepsExactlyWhatWasFlushed(t *testing.T) {
	tests := []struct {
		name string
		work func(*FS)
		want string
	}{
		{"nothing flushed", func(f *FS) { write(t, f, "a", "1") }, ""},
		{"bytes without name", func(f *FS) { write(t, f, "a", "1"); flush(t, f, "a") }, ""},
		{"name without bytes", func(f *FS) { write(t, f, "a", "1"); flush(t, f, ".") }, "a: "},
		{"both", func(f *FS) { write(t, f, "a", "1"); flush(t, f, "a", ".") }, "a: 1"},
		{"overwritten", func(f *FS) { write(t, f, "a", "1"); flush(t, f, "a", "."); write(t, f, "a", "2") }, "a: 1"},
		{"directory not in its parent", func(f *FS) {
			f.Mkdir("d", 0o777)
			write(t, f, "d/a", "1")
			flush(t, f, "d/a", "d")
		}, ""},
		{"renamed, not flushed", func(f *FS) {
			write(t, f, "a", "1")
			write(t, f, "b", "2")
			flush(t, f, "a", "b", ".")
			f.Rename("b", "a")
		}, "a: 1\nb: 2"},
		{"renamed and flushed", func(f *FS) {
			write(t, f, "a", "1")
			write(t, f, "b", "2")
			flush(t, f, "a", "b", ".")
			f.Rename("b", "a")
			flush(t, f, ".")
		}, "a: 2"},
		{"removed, not flushed", func(f *FS) { write(t, f, "a", "1"); flush(t, f, "a", "."); f.Remove("a") }, "a: 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := New()
			test.work(f)
			if got := tree(t, f.Survivor(PowerCut, 0)); got != test.want {
				t.Errorf("after a power cut:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestKillKeepsCompletedCallsButDoesNotFlushThem(t *testing.T) {
	f := New()
	write(t, f, "a", "1")
	killed := f.Survivor(Kill, 0)
	if got := tree(t, killed); got != "a: 1" {
		t.Errorf("after the kill: %q", got)
	}
	if got := tree(t, killed.Survivor(PowerCut, 0)); got != "" {
		t.Errorf("after the power cut that followed: %q", got)
	}
	write(t, killed, "b", "2")
	if got := tree(t, f); got != "a: 1" {
		t.Errorf("the survivor is not a copy: %q", got)
	}
}

// TestCopiesOfADiskAreApart changes a disk and what survived of it in every way, for they share what they can.
func TestCopiesOfADiskAreApart(t *testing.T) {
	const was = "d/\nd/a: abc"
	for name, way := range map[string]func(f *FS, text string){
		"append":    func(f *FS, text string) { change(f, func(h afero.File) { h.WriteAt([]byte(text), 3) }) },
		"overwrite": func(f *FS, text string) { change(f, func(h afero.File) { h.WriteAt([]byte(text[:1]), 1) }) },
		"cut": func(f *FS, text string) {
			change(f, func(h afero.File) { h.Truncate(1); h.WriteAt([]byte(text[:1]), 1) })
		},
		"empty":   func(f *FS, text string) { write(t, f, "d/a", "") },
		"replace": func(f *FS, text string) { write(t, f, "d/b", text); f.Rename("d/b", "d/a") },
		"remove":  func(f *FS, text string) { f.Remove("d/a") },
		"create":  func(f *FS, text string) { write(t, f, "d/b", text) },
		"mkdir":   func(f *FS, text string) { f.Mkdir("d/"+text, 0o777) },
	} {
		f := New()
		f.Mkdir("d", 0o777)
		write(t, f, "d/a", "abc")
		flush(t, f, "d/a", "d", ".")
		killed, cut := f.Survivor(Kill, 0), f.Survivor(PowerCut, 0)
		way(f, "one")
		changed := tree(t, f)
		if got := tree(t, killed); changed == was || got != was {
			t.Errorf("%s: the disk has\n%s\nthe killed\n%s", name, changed, got)
		}
		way(killed, "two")
		if got := tree(t, f); got != changed {
			t.Errorf("%s: the change to the killed made of\n%s\nthis:\n%s", name, changed, got)
		}
		for _, disk := range []*FS{cut, f.Survivor(PowerCut, 0), killed.Survivor(PowerCut, 0)} {
			if got := tree(t, disk); got != was {
				t.Errorf("%s: after a power cut there is\n%s", name, got)
			}
		}
	}
}

// change does something to the file d/a.
func change(f *FS, do func(h afero.File)) {
	h, err := f.OpenFile("d/a", os.O_RDWR, 0)
	if err == nil {
		do(h)
		h.Close()
	}
}

func TestPartsOfWhatWasNotFlushedSurviveBySeed(t *testing.T) {
	f := New()
	write(t, f, "a", strings.Repeat("x", 40))
	flush(t, f, "a", ".")
	h, _ := f.OpenFile("a", os.O_RDWR, 0)
	h.WriteAt([]byte(strings.Repeat("y", 60)), 40)
	write(t, f, "b", "new")
	seen := map[string]bool{}
	for seed := int64(1); seed <= 200; seed++ {
		got := tree(t, f.Survivor(PowerCut, seed))
		seen[got] = true
		if again := tree(t, f.Survivor(PowerCut, seed)); again != got {
			t.Fatalf("seed %d gives %q and %q", seed, got, again)
		}
		if !strings.HasPrefix(got, "a: "+strings.Repeat("x", 40)) {
			t.Fatalf("seed %d lost flushed bytes: %q", seed, got)
		}
	}
	if len(seen) < 50 {
		t.Errorf("200 seeds gave %d outcomes", len(seen))
	}
}

func TestCrashFailsTheKthChangeAndAllAfterIt(t *testing.T) {
	f := New()
	f.CrashAt(4)
	write(t, f, "a", "first") // create, write
	if err := afero.WriteFile(f, "b", []byte("half"), 0o666); !errors.Is(err, ErrCrashed) {
		t.Fatalf("write: %v", err)
	}
	if !f.Failed() {
		t.Error("the crash is not reported")
	}
	if _, err := f.Open("a"); !errors.Is(err, ErrCrashed) {
		t.Errorf("open after the crash: %v", err)
	}
	if got := tree(t, f.Survivor(Kill, 0)); got != "a: first\nb: ha" {
		t.Errorf("left:\n%s", got)
	}
}

func TestErrorStrikesOnce(t *testing.T) {
	f := New()
	write(t, f, "a", "1")
	f.FailAt(2, syscall.EIO)
	if _, err := f.Stat("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Stat("a"); !errors.Is(err, syscall.EIO) {
		t.Errorf("second stat: %v", err)
	}
	if _, err := f.Stat("a"); err != nil || !f.Failed() {
		t.Errorf("third stat: %v", err)
	}
}

// TestAnErrorStays has a disk that is full, or read-only, or worse from some operation on.
func TestAnErrorStays(t *testing.T) {
	steps := []struct {
		what string
		run  func(f *FS) error
	}{
		{"stat", func(f *FS) error { _, err := f.Stat("a"); return err }},
		{"open", func(f *FS) error { _, err := f.Open("a"); return err }},
		{"open for writing", func(f *FS) error { _, err := f.OpenFile("a", os.O_RDWR, 0); return err }},
		{"sync", func(f *FS) error { h, _ := f.Open("a"); return h.Sync() }},
		{"rename", func(f *FS) error { return f.Rename("a", "b") }},
		{"mkdir", func(f *FS) error { return f.Mkdir("d", 0o777) }},
		{"remove", func(f *FS) error { return f.Remove("b") }},
		{"remove again", func(f *FS) error { return f.Remove("b") }},
		{"create", func(f *FS) error { _, err := f.Create("c"); return err }},
	}
	for name, test := range map[string]struct {
		strikes func(Op) bool
		from    int
		want    []string
	}{
		"full":       {Op.Grows, 1, []string{"mkdir", "create"}},
		"full later": {Op.Grows, 2, []string{"create"}},
		"read-only":  {Op.Writes, 1, []string{"open for writing", "sync", "rename", "mkdir", "remove", "remove again", "create"}},
		"broken":     {Op.Changes, 3, []string{"mkdir", "remove", "remove again", "create"}},
		"past":       {Op.Changes, 9, nil},
	} {
		f := New()
		write(t, f, "a", "1")
		f.FailFrom(test.from, syscall.EDQUOT, test.strikes)
		var got []string
		for _, s := range steps {
			if errors.Is(s.run(f), syscall.EDQUOT) {
				got = append(got, s.what)
			}
		}
		if !slices.Equal(got, test.want) || f.Failed() != (len(test.want) > 0) {
			t.Errorf("%s: %q failed, want %q; reported %t", name, got, test.want, f.Failed())
		}
		if left := f.Survivor(Kill, 0); left.Mkdir("new", 0o777) != nil {
			t.Errorf("%s: the survivor fails too", name)
		}
	}
}

func TestOperationsAreRecorded(t *testing.T) {
	f := New()
	f.Mkdir("before", 0o777)
	f.Record()
	f.MkdirAll("d/e", 0o777)
	write(t, f, "d/e/a", "1")
	flush(t, f, "d/e/a", "d/e")
	f.Rename("d/e/a", "/d/b")
	f.Stat("d/b")
	f.RemoveAll("d")
	var got []string
	for _, op := range f.Ops() {
		if op.Changes() {
			got = append(got, op.String())
		}
	}
	want := []string{"mkdir d", "mkdir d/e", "create d/e/a", "write d/e/a", "sync d/e/a", "syncdir d/e",
		"rename d/e/a d/b", "remove d/b", "remove d/e", "remove d"}
	if !slices.Equal(got, want) || f.Changes() != 1+len(want) {
		t.Errorf("recorded %q, want %q; %d changes", got, want, f.Changes())
	}
}

// TestBehavesAsTheOperatingSystem runs one script on a real directory and on an FS.
func TestBehavesAsTheOperatingSystem(t *testing.T) {
	kinds := map[string]error{"not exist": iofs.ErrNotExist, "exist": iofs.ErrExist, "not a directory": syscall.ENOTDIR}
	outcome := func(err error) string {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			if errors.Is(err, kinds[kind]) {
				return kind
			}
		}
		return fmt.Sprint("failed: ", err != nil)
	}
	open := func(name string, flag int, then func(afero.File) error) func(afero.Fs) error {
		return func(fs afero.Fs) error {
			f, err := fs.OpenFile(name, flag, 0o666)
			if err != nil {
				return err
			}
			defer f.Close()
			return then(f)
		}
	}
	writeTo := func(f afero.File) error { _, err := f.WriteAt([]byte("abc"), 2); return err }
	readFrom := func(f afero.File) error { _, err := f.ReadAt(make([]byte, 9), 1); return err }
	list := func(f afero.File) error { _, err := f.Readdirnames(1); return err }
	appendTo := func(f afero.File) error { _, err := f.Write([]byte("+")); return err }
	script := []struct {
		name string
		run  func(afero.Fs) error
	}{
		{"create in a missing directory", open("d/a", os.O_RDWR|os.O_CREATE, writeTo)},
		{"mkdir", func(fs afero.Fs) error { return fs.Mkdir("d", 0o777) }},
		{"mkdir again", func(fs afero.Fs) error { return fs.Mkdir("d", 0o777) }},
		{"list an empty directory", open("d", os.O_RDONLY, list)},
		{"create", open("d/a", os.O_RDWR|os.O_CREATE|os.O_EXCL, writeTo)},
		{"create again", open("d/a", os.O_RDWR|os.O_CREATE|os.O_EXCL, writeTo)},
		{"write without the right", open("d/a", os.O_RDONLY, writeTo)},
		{"read without the right", open("d/a", os.O_WRONLY, readFrom)},
		{"short read", open("d/a", os.O_RDONLY, readFrom)},
		{"append", open("d/a", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, appendTo)},
		{"append on", open("d/a", os.O_APPEND|os.O_WRONLY, appendTo)},
		{"write a directory", open("d", os.O_RDWR, writeTo)},
		{"list a file", open("d/a", os.O_RDONLY, list)},
		{"list", open("d", os.O_RDONLY, list)},
		{"file as a directory", open("d/a/b", os.O_RDWR|os.O_CREATE, writeTo)},
		{"mkdir beneath a file", func(fs afero.Fs) error { return fs.MkdirAll("d/a/b", 0o777) }},
		{"remove a full directory", func(fs afero.Fs) error { return fs.Remove("d") }},
		{"rename", func(fs afero.Fs) error { return fs.Rename("d/a", "b") }},
		{"rename what is missing", func(fs afero.Fs) error { return fs.Rename("d/a", "b") }},
		{"rename over a directory", func(fs afero.Fs) error { return fs.Rename("b", "d") }},
		{"truncate", open("b", os.O_RDWR, func(f afero.File) error { return f.Truncate(5) })},
		{"remove", func(fs afero.Fs) error { return fs.Remove("d") }},
		{"remove what is missing", func(fs afero.Fs) error { return fs.Remove("d") }},
		{"remove all of what is missing", func(fs afero.Fs) error { return fs.RemoveAll("d") }},
		{"stat", func(fs afero.Fs) error { _, err := fs.Stat("b/c"); return err }},
	}
	real, ours := afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()), New()
	for _, step := range script {
		want, got := outcome(step.run(real)), outcome(step.run(ours))
		if got != want {
			t.Errorf("%s: %q, on a real directory %q", step.name, got, want)
		}
	}
	if got, want := tree(t, ours), tree(t, real); got != want {
		t.Errorf("left:\n%s\non a real directory:\n%s", got, want)
	}
}

func TestNamesAreCleaned(t *testing.T) {
	for name, want := range map[string]string{
		"a/b": "a/b", "a": "a", "": ".", ".": ".", "/": ".", "/a/b": "a/b", "a//b": "a/b", "a/./b": "a/b", "a/../b": "b", "../a": "a", "a/": "a", ".a/b": ".a/b",
	} {
		if got := clean(name); got != want {
			t.Errorf("%q is cleaned to %q, want %q", name, got, want)
		}
	}
}

func TestAPrintTellsWhatProgramsSee(t *testing.T) {
	disk := New()
	prints := map[[32]byte]string{}
	step := func(what string, sees bool, do func() error) {
		t.Helper()
		was := disk.Print()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		now := disk.Print()
		if other, there := prints[now]; sees && there {
			t.Errorf("%s: the print is that of %s", what, other)
		}
		if !sees && now != was {
			t.Errorf("%s: the print is another one", what)
		}
		prints[now] = what
	}
	write := func(name, text string) func() error {
		return func() error { return afero.WriteFile(disk, name, []byte(text), 0o644) }
	}
	step("a directory", true, func() error { return disk.Mkdir("a", 0o755) })
	step("a file", true, write("a/f", ""))
	step("bytes in it", true, write("a/f", "one"))
	step("others", true, write("a/f", "two"))
	step("the same again", false, write("a/f", "two"))
	step("another file", true, write("a/g", "two"))
	step("a file of another name", true, func() error { return disk.Rename("a/g", "a/h") })
	step("a directory in place of it", true, func() error { return errors.Join(disk.Remove("a/h"), disk.Mkdir("a/h", 0o755)) })
	step("the same elsewhere", true, func() error { return disk.Rename("a/h", "h") })
	step("reading", false, func() error { _, err := afero.ReadFile(disk, "a/f"); return err })
	if disk.Survivor(Kill, 0).Print() != disk.Print() {
		t.Error("what a kill left has another print")
	}
	if disk.Survivor(PowerCut, 0).Print() != New().Print() {
		t.Error("what a power cut left of what was never flushed is no empty disk")
	}
}
