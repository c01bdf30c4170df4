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
	word := strings.Repeat("漢字 ", 10) + "漢字"
	want := `Ticket 1: body
*  1  a\x1b[2Jb
      unknown@desk, 2026-11-22 01:16:51, at /bob; holds for
      now: it is the latest
   2  ` + word + `
      ` + word + `
      ` + word + `
      ` + word + `
      … 6 more lines
      unknown@desk, 2026-11-21 01:16:51, here
`
	if got := w.out.String(); got != want {
		t.Errorf("got\n%s", got)
	}
	for line := range strings.Lines(w.out.String()) {
		if terminal.Width(strings.TrimSuffix(line, "\n")) > 60 {
			t.Errorf("too wide: %s", line)
		}
	}
	w.do(t, "conflicts", "-r", "/ann", "1")
	if got := strings.Count(w.out.String(), "\n"); got != 15 || strings.Contains(w.out.String(), "more lines") {
		t.Errorf("of one record it shows %d lines:\n%s", got, w.out)
	}
}
