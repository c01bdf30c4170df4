package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// editing by a fake: it reads the file that it is to edit, and writes text in its place.
func (w *world) editsTo(t *testing.T, text string) (path *string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	path = new(string)
	w.Exec = func(name string, args ...string) error {
		if len(args) != 4 || name != "sh" || args[1] != `myedit -f "$1"` {
			t.Errorf("runs %s %q", name, args)
		}
		*path = args[len(args)-1]
		if info, err := os.Stat(*path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if before, err := os.ReadFile(*path); err != nil || string(before) != "before" {
			t.Errorf("edits %q, %v", before, err)
		}
		return os.WriteFile(*path, []byte(text), 0o600)
	}
	w.vars["EDITOR"] = "vim"
	w.vars["VISUAL"] = "myedit -f"
	return path
}

func TestEdit(t *testing.T) {
	w := newWorld()
	path := w.editsTo(t, "after")
	got := ""
	if err := w.edit("before", func(edited string) error { got = edited; return nil }); err != nil || got != "after" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := os.Stat(*path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestEditedTextIsKeptWhenItCannotBeUsed(t *testing.T) {
	w := newWorld()
	path := w.editsTo(t, "after")
	err := w.edit("before", func(string) error { return usagef("line 1: bad") })
	var f *failure
	if !errors.As(err, &f) || f.hint != "your text is kept in "+*path || exitCode(err) != exitUsage || err.Error() != "line 1: bad" {
		t.Errorf("got %+v", err)
	}
	if text, err := os.ReadFile(*path); err != nil || string(text) != "after" {
		t.Errorf("kept %q, %v", text, err)
	}
}

func TestEditWithoutAnEditor(t *testing.T) {
	w := newWorld()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	w.Exec = func(_ string, args ...string) error { return errors.New(args[1]) }
	err := w.edit("before", func(string) error { return nil })
	if err == nil || err.Error() != `editor vi: vi "$1"` {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(tmp + "/*"); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}

func TestEditRefusesAHugeText(t *testing.T) {
	w := newWorld()
	path := w.editsTo(t, "")
	run := w.Exec
	w.Exec = func(name string, args ...string) error {
		return errors.Join(run(name, args...), os.Truncate(*path, maxEdited+1))
	}
	if err := w.edit("before", func(string) error { return nil }); err == nil || !strings.Contains(err.Error(), "more than 64.0 MiB") {
		t.Errorf("got %v", err)
	}
}
