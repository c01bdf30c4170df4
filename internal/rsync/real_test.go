package rsync

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"prophet/internal/realserver"
)

// way is a way to a directory with a real rsync: what to write before a path there.
type way struct{ name, to, root string }

// ways returns those that there are here: none without rsync.
func ways(t *testing.T) (all []way) {
	shell, ok := realserver.RemoteShell(t)
	if !ok {
		t.Log("rsync is not installed: not tried")
		return nil
	}
	t.Setenv("RSYNC_RSH", shell)
	served, reached := t.TempDir(), t.TempDir()
	url, _ := realserver.Rsync(t, served)
	return []way{{"by a remote shell", "ann@www:" + reached, reached}, {"served", url, served}}
}

// real returns a copier between a new directory and a path by that way, and the directory there.
func (w way) real(t *testing.T, path string) (c *Copier, there string) {
	t.Helper()
	place, err := Parse(w.to + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return &Copier{Program: "rsync", Dir: t.TempDir(), To: place}, filepath.Join(w.root, path)
}

// write writes files below a directory, by their names.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// has checks which files are below a directory.
func has(t *testing.T, what, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		got[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%s: %q, %v; want %q", what, got, err, want)
	}
}

func TestARealRsyncCopiesThereAndBack(t *testing.T) {
	for _, w := range ways(t) {
		for _, path := range []string{"bugs", "$(touch x); 'y' \"z\" & Zoë", "-rf"} {
			t.Run(w.name+" to "+path, func(t *testing.T) {
				c, there := w.real(t, path)
				names := []string{"db/cas/", "db/number", "*/version"}
				if err := c.Fetch(t.Context(), names); err != nil {
					t.Fatal(err)
				}
				has(t, "a new place", there, map[string]string{})

				one := map[string]string{"db/cas/1": "one", "db/cas/with a space\nand more": "two", "db/-number": "3", "db/number": "8"}
				write(t, c.Dir, one)
				send := []string{"db/cas/1", "db/cas/with a space\nand more", "db/-number", "db/number"}
				if err := c.Send(t.Context(), send, nil); err != nil {
					t.Fatal(err)
				}
				has(t, "after a copy", there, one)
				for name, want := range map[string]fs.FileMode{"db": 0o755, "db/number": 0o644} {
					if info, err := os.Stat(filepath.Join(there, name)); err != nil || info.Mode().Perm()&0o444 != want&0o444 {
						t.Errorf("%s cannot be read by a web server: %v, %v", name, info.Mode(), err)
					}
				}

				// The same size, and most likely the same second.
				write(t, c.Dir, map[string]string{"db/number": "9"})
				if err := os.Remove(filepath.Join(c.Dir, "db", "cas", "1")); err != nil {
					t.Fatal(err)
				}
				if err := c.Send(t.Context(), []string{"db/number"}, []string{"db/cas/1", "db/cas/never"}); err != nil {
					t.Fatal(err)
				}
				has(t, "after another copy", there, map[string]string{"db/cas/with a space\nand more": "two", "db/-number": "3", "db/number": "9"})

				// What others did there comes here, but for what was not asked for.
				write(t, there, map[string]string{"db/number": "7", "db/cas/x/y": "new", "db/other": "x", "d2/version": "1", "d2/more": "x", "d3/deep/version": "x"})
				if err := errors.Join(os.Symlink("/etc", filepath.Join(there, "db", "cas", "link")), os.Symlink("number", filepath.Join(there, "version"))); err != nil {
					t.Fatal(err)
				}
				if err := c.Fetch(t.Context(), names); err != nil {
					t.Fatal(err)
				}
				has(t, "fetched", c.Dir, map[string]string{"db/-number": "3", "db/number": "7", "db/cas/with a space\nand more": "two", "db/cas/x/y": "new", "d2/version": "1"})
			})
		}
	}
}

func TestARealRsyncThatCannotWriteSaysSo(t *testing.T) {
	for _, w := range ways(t) {
		c, _ := w.real(t, "no/such/directory")
		var failed *Error
		if err := c.Fetch(t.Context(), []string{"a"}); !errors.As(err, &failed) || failed.Doing != "make the directory" || failed.Output == "" || failed.Missing() || failed.Unreached() {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}
