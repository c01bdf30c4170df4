package durable

import (
	"testing"

	"github.com/spf13/afero"
)

func TestAFileThatIsKeptIsWhole(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		f, err := Create(fs, "new/begun")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := f.Write([]byte("piece ")); err != nil {
				t.Fatal(err)
			}
		}
		if there, _ := afero.Exists(fs, "new/kept"); there {
			t.Error("it is there before it is whole")
		}
		if err := f.Keep("new/kept"); err != nil {
			t.Fatal(err)
		}
		if got, err := afero.ReadFile(afterPowerCut(fs), "new/kept"); string(got) != "piece piece piece " || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		f, err = Create(fs, "new/begun")
		if err != nil {
			t.Fatal(err)
		}
		f.Discard()
		if entries, err := afero.ReadDir(fs, "new"); len(entries) != 1 || err != nil {
			t.Errorf("%d files, %v", len(entries), err)
		}
	})
}

func TestRemoveLeftTakesEmptyDirectories(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		for _, name := range []string{"a/b/one", "a/b/two", "a/c/three", "d/four"} {
			put(t, fs, name, "x")
		}
		n, err := RemoveLeft(fs, []string{"a/b/one", "a/b/two", "a/b/none", "d/four"})
		if n != 3 || err != nil {
			t.Errorf("%d files, %v", n, err)
		}
		for name, want := range map[string]bool{"a/b": false, "d": false, "a/c/three": true} {
			if there, _ := afero.Exists(fs, name); there != want {
				t.Errorf("%s is there: %t", name, there)
			}
		}
		if _, err := RemoveLeft(fs, []string{"../out"}); err == nil {
			t.Error("a name outside the root")
		}
	})
}
