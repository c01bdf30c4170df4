package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"prophet/internal/terminal"
	"prophet/resolution"
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

func TestLongTextsThatBeginAlikeAreShownWhereTheyDiffer(t *testing.T) {
	w := newWorld()
	long := strings.Repeat("all work and no play ", 30)
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "Ticket", "body=short")
	w.do(t, "clone", "/ann", "/bob")
	w.do(t, "update", "-r", "/ann", "1", "body="+long+"is bad."+long)
	w.Now = func() time.Time { return time.Date(2026, 11, 22, 1, 16, 51, 0, time.UTC) }
	w.do(t, "update", "-r", "/bob", "1", "body="+long+"is good."+long)
	w.OutWidth = 60
	w.do(t, "pull", "-r", "/ann", "/bob")
	for _, command := range []string{"conflicts", "show"} {
		words := []string{command, "-r", "/ann"}
		if command == "show" {
			words = append(words, "1")
		}
		w.do(t, words...)
		for _, want := range []string{"1  … play all work and no play is good.all work and", "2  … play all work and no play is bad.all work and"} {
			if !strings.Contains(w.out.String(), want) {
				t.Errorf("%s: want %q in\n%s", command, want, w.out)
			}
		}
	}
}

func TestOfEqualTimesNoneIsTheLatest(t *testing.T) {
	at, later := "2026-11-21 09:00:00", "2026-11-21 09:00:01"
	for _, tt := range []struct {
		name   string
		rivals []rivalDoc
		want   []string
	}{
		{"one is later", []rivalDoc{{Holds: true, Created: later}, {Created: at}}, []string{"; holds for now: it is the latest", ""}},
		{"as late", []rivalDoc{{Holds: true, Created: at}, {Created: at}}, []string{"; holds for now: it is as late as another one, from the replica with the greater UUID", ""}},
		{"an earlier one has the same value", []rivalDoc{{Holds: true, Created: later}, {Created: at}, {Holds: true, Created: at}}, []string{"; holds for now: it is the latest", "", "; the same value"}},
	} {
		d := conflictDoc{Why: resolution.WhyLatest, Rivals: tt.rivals}
		for i, want := range tt.want {
			if got := d.because(i); got != want {
				t.Errorf("%s: rival %d: got %q, want %q", tt.name, i+1, got, want)
			}
		}
	}
}

func TestConflictsOnATerminalSayWhatTheRecordIs(t *testing.T) {
	w := quarrelling(t)
	for _, tt := range []struct {
		width int
		want  string
	}{
		{80, "Ticket 1: status  (printer)\n"},
		{0, "Ticket 1: status\n"},
		{20, "Ticket 1: status\n"},
	} {
		w.OutWidth = tt.width
		w.do(t, "conflicts", "-r", "/ann")
		if !strings.Contains(w.out.String(), tt.want) {
			t.Errorf("width %d: want %q in\n%s", tt.width, tt.want, w.out)
		}
	}
}
