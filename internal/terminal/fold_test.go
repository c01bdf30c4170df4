package terminal

import (
	"slices"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"abc", 5, []string{"abc"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two", 7, []string{"one two"}},
		{"one  two", 4, []string{"one ", "two"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"ab cdefgh", 4, []string{"ab", "cdef", "gh"}},
		{"  indented text", 10, []string{"  indented", "text"}},
		{"漢字漢字", 5, []string{"漢字", "漢字"}},
		{"漢字", 1, []string{"漢", "字"}},
		{"a\tb", 80, []string{"a    b"}},
		{"abc", 0, []string{"a", "b", "c"}},
	}
	for _, tt := range tests {
		if got := Fold(tt.in, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d columns: got %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestFoldOfALongValueTakesLittleTime(t *testing.T) {
	if got := Fold(strings.Repeat("a word ", 1<<19), 70); len(got) != 1<<19/10+1 {
		t.Errorf("got %d lines", len(got))
	}
}

func FuzzFold(f *testing.F) {
	f.Add("one two 漢字 e\u0301", 4)
	f.Fuzz(func(t *testing.T, s string, width int) {
		s, width = Safe(s), max(2, width%100)
		lines := Fold(s, width)
		for _, line := range lines {
			if Width(line) > width && firstCell(line) != line { // one character may be wider
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		blank := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := strings.Join(lines, ""); blank(got) != blank(s) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
