package durable

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// tree is what a file system holds, name to bytes; directories have a slash at the end.
type tree map[string]string

func read(t *testing.T, fs afero.Fs) tree {
	t.Helper()
	got := tree{}
	err := afero.Walk(fs, ".", func(name string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.IsDir() {
			got[name+"/"] = ""
			return nil
		}
		b, err := afero.ReadFile(fs, name)
		got[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// files returns the data of the tree: no directories, no journal.
func (s tree) files() tree {
	left := maps.Clone(s)
	maps.DeleteFunc(left, func(name, _ string) bool { return strings.HasSuffix(name, "/") || name == Journal })
	return left
}

// String lists the tree, so that a failed test can show it.
func (s tree) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "\n\t%s: %q", name, s[name])
	}
	return b.String()
}

func wantFiles(t *testing.T, fs afero.Fs, want tree) {
	t.Helper()
	if got := read(t, fs).files(); !maps.Equal(got, want) {
		t.Errorf("holds:%s\nwant:%s", got, want)
	}
}

// everywhere runs a test on each kind of file system: memory, a real directory, one that forgets what was not flushed.
func everywhere(t *testing.T, test func(t *testing.T, fs afero.Fs)) {
	t.Run("memory", func(t *testing.T) { test(t, afero.NewMemMapFs()) })
	t.Run("disk", func(t *testing.T) { test(t, afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())) })
	t.Run("after power cut", func(t *testing.T) { test(t, crashfs.New()) })
}

// afterPowerCut returns what a power cut leaves of fs, if that kind of file system can tell.
func afterPowerCut(fs afero.Fs) afero.Fs {
	if disk, ok := fs.(*crashfs.FS); ok {
		return disk.Survivor(crashfs.PowerCut, 0)
	}
	return fs
}

func put(t *testing.T, fs afero.Fs, name, text string) {
	t.Helper()
	if err := WriteFile(fs, name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, tx *Tx, points ...Point) {
	t.Helper()
	if err := tx.Commit(points...); err != nil {
		t.Fatal(err)
	}
}
