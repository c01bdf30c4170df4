package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"prophet/internal/terminal"
)

// do runs a command line in the world, which has to end with one of the codes 0 and 3.
func (w *world) do(t *testing.T, words ...string) {
	t.Helper()
	w.out.Reset()
	out := w.Stdout
	if code := run(context.Background(), w.env, words); code != exitDone && code != exitConflicts {
		t.Fatalf("%q: exit code %d: %s", words, code, w.err)
	}
	w.Stdout = out
}

func TestConflictsFitTheTerminal(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "Ticket", "body=short")
	w.do(t, "clone", "/ann", "/bob")
	w.do(t, "update", "-r", "/ann", "1", "body="+strings.Repeat("漢字 ", 100))
	w.Now = func() time.Time { return time.Date(2026, 11, 22, 1, 16, 51, 0, time.UTC) }
	w.do(t, "update", "-r", "/bob", "1", "body=a\x1b[2Jb")
	w.OutWidth = 60
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.do(t, "conflicts", "-r", "/ann")
	lines := strings.Split(strings.TrimSuffix(w.out.String(), "\n"), "\n")
	if len(lines) != 5 || lines[0] != "Ticket 1: body" || lines[1] != `*  1  a\x1b[2Jb` || !strings.HasSuffix(lines[3], "…") {
		t.Errorf("got\n%s", w.out)
	}
	for _, line := range lines {
		if terminal.Width(line) > 60 {
			t.Errorf("too wide: %s", line)
		}
	}
}
