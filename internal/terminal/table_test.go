package terminal

import (
	"errors"
	"strings"
	"testing"
)

func render(t *testing.T, width int, rows ...[]string) string {
	t.Helper()
	var b strings.Builder
	table := NewTable(&b, width, "ID", "STATUS", "SUMMARY")
	for _, row := range rows {
		if err := table.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableAlignsOnATerminal(t *testing.T) {
	got := render(t, 80, []string{"1", "open", "crash"}, []string{"12", "漢字", "wide"}, []string{"3", "", ""})
	want := `ID  STATUS  SUMMARY
1   open    crash
12  漢字    wide
3
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	got := render(t, 30, []string{"1", "a status of many words", "a summary of many words, 漢字漢字"}, []string{"2", "new", strings.Repeat("x", 1<<20)})
	want := `ID  STATUS        SUMMARY
1   a status of…  a summary o…
2   new           xxxxxxxxxxx…
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(render(t, 7, []string{"1234567890", "b", "漢字漢字"})) {
		if w := Width(strings.TrimSuffix(line, "\n")); w > 7 {
			t.Errorf("%q takes %d columns", line, w)
		}
	}
}

func TestTheColumnInFavorIsCutLast(t *testing.T) {
	row := []string{"1", "a summary of many words", "labels that are as long as all the rest of it", "closed"}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{60, "1  a summary of many words  labels that are as long…  closed\n"},
		{50, "1  a summary of many words  labels that a…  closed\n"},
		{44, "1  a summary of many …  labels that…  closed\n"},
		{30, "1  a summa…  labels …  closed\n"},
		{10, "1  …  …  …\n"},
	} {
		var b strings.Builder
		table := NewTable(&b, tt.width, "A", "B", "C", "D")
		table.Favor(1)
		if err := errors.Join(table.Row(row...), table.Flush()); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(b.String(), "\n")
		if got != tt.want || Width(strings.TrimSuffix(got, "\n")) > tt.width {
			t.Errorf("width %d: got %q, want %q", tt.width, got, tt.want)
		}
	}
}

func TestTableIsTabSeparatedElsewhere(t *testing.T) {
	long := strings.Repeat("x", 500)
	got := render(t, 0, []string{"1", "a\tb", "two\nlines \x1b[m"}, []string{"2", "", long})
	want := "1\ta\\tb\ttwo\\nlines \\x1b[m\n2\t\t" + long + "\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTableIsSafeOnATerminal(t *testing.T) {
	if got := render(t, 80, []string{"1", "\x1b[2J", "a\nb"}); strings.Contains(got, "\x1b") || strings.Count(got, "\n") != 2 {
		t.Errorf("got %q", got)
	}
}

func TestTableWithoutRowsShowsNothing(t *testing.T) {
	if got := render(t, 80); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestTableOfManyRowsKeepsFewOfThem(t *testing.T) {
	var b strings.Builder
	table := NewTable(&b, 80, "N", "TEXT")
	for i := range 3 * lookAhead {
		text := "short"
		if i > 2*lookAhead {
			text = "a longer text"
		}
		if err := table.Row("1", text); err != nil {
			t.Fatal(err)
		}
		if len(table.rows) > lookAhead {
			t.Fatalf("%d rows are kept", len(table.rows))
		}
	}
	if got := b.String(); !strings.HasPrefix(got, "N  TEXT\n1  short\n") || !strings.HasSuffix(got, "1  a lo…\n") {
		t.Errorf("got %.40q … %q", got, got[len(got)-20:])
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestTableReportsAFailedWrite(t *testing.T) {
	for _, width := range []int{0, 80} {
		table := NewTable(full{}, width, "ID")
		if err := errors.Join(table.Row("1"), table.Flush()); err == nil {
			t.Errorf("width %d: no error", width)
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range []struct {
		bytes int64
		want  string
	}{{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"}, {1<<20 - 1, "1.0 MiB"}, {20 << 20, "20.0 MiB"}, {1<<63 - 1, "8.0 EiB"}} {
		if got := Size(tt.bytes); got != tt.want {
			t.Errorf("%d: got %s, want %s", tt.bytes, got, tt.want)
		}
	}
}

func TestAColumnThatIsWhollyShownIsNeverCut(t *testing.T) {
	row := []string{"a summary of many words", "84e2-9c11-0a6f", "labels that are as long as all the rest of it"}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{60, "a summary of many wo…  84e2-9c11-0a6f  labels that are as l…\n"},
		{28, "a su…  84e2-9c11-0a6f  labe…\n"},
		{10, "a s…  84e2-9c11-0a6f  lab…\n"},
	} {
		var b strings.Builder
		table := NewTable(&b, tt.width, "A", "B", "C")
		table.Whole(-1, 1)
		if err := errors.Join(table.Row(row...), table.Flush()); err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(b.String(), "\n"); got != tt.want {
			t.Errorf("%d columns: got %q, want %q", tt.width, got, tt.want)
		}
	}
}
