package main

import (
	"strings"
	"testing"

	"prophet/internal/terminal"
)

// changed returns what history prints of an update from one text to another, on a terminal of that width.
func changed(t *testing.T, width int, from, to string) string {
	t.Helper()
	w := newWorld()
	w.do(t, "init", "/bugs")
	w.do(t, "create", "-r", "/bugs", "Ticket", "body="+from)
	w.do(t, "update", "-r", "/bugs", "1", "body="+to)
	w.OutWidth = width
	w.do(t, "history", "-r", "/bugs", "1", "--graph")
	_, got, _ := strings.Cut(w.out.String(), "update Ticket 1\n")
	for line := range strings.Lines(w.out.String()) {
		if n := terminal.Width(strings.TrimSuffix(line, "\n")); n > width {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	return got
}

func TestOnATerminalTheHistoryShowsWhatWasChangedInAText(t *testing.T) {
	const printer = "The printer on the second floor, the one beside the kitchen, jams every Monday."
	for _, tt := range []struct {
		name, from, to, want string
		width                int
	}{
		{"short", "new", "open", "        body: new -> open\n", 80},
		{"too long for the line", "the printer by the kitchen", "the printer by the garden", `        body:
          the printer by the [-kitchen-]{+garden+}
`, 52},
		{"long", printer, strings.Replace(printer, "every", "on", 1), `        body:
          The printer on the second floor, the one beside the
          kitchen, jams [-every-]{+on+} Monday.
`, 62},
		{"lines", "one\ntwo\nthree\nfour\n", "one\ntwo\nthree\n4\n", `        body:
          …
          three
          [-four-]{+4+}
`, 80},
		{"a line break", "one\ntwo", "one\ntwo\n", `        body:
          one
          two{+\n+}
`, 80},
	} {
		if got := changed(t, tt.width, tt.from, tt.to); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestOnATerminalATextThatIsNewAltogetherTakesSomeLines(t *testing.T) {
	lines := strings.Repeat("what was\n", 1000)
	for _, to := range []string{strings.Repeat("wide ", 100_000), strings.ReplaceAll(lines, "w", "th")} {
		got := changed(t, 60, lines, to)
		if n := strings.Count(got, "\n"); n > manyLines+2 || !strings.Contains(got, "{+") {
			t.Errorf("%d lines:\n%s", n, got)
		}
	}
}
