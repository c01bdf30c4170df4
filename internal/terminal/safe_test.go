package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafeShowsWhatATerminalWouldObey(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"plain text, ~ and \\n", "plain text, ~ and \\n"},
		{"grüße 漢字 e\u0301 👩\u200d👧 नमस्\u200dते", "grüße 漢字 e\u0301 👩\u200d👧 नमस्\u200dते"},
		{"no\u00a0break", "no\u00a0break"},
		{"a\x1b[31mred\x1b[0m", `a\x1b[31mred\x1b[0m`},
		{"title\x1b]0;x\a", `title\x1b]0;x\x07`},
		{"a\nb\r\nc\td", `a\nb\r\nc\td`},
		{"\x00\x7f", `\x00\x7f`},
		{"c1 \u0085\u009b31m", `c1 \u0085\u009b31m`},
		{"raw c1 \x9b31m", `raw c1 \x9b31m`},
		{"bad \xff\xfe utf8 \xe2\x82", `bad \xff\xfe utf8 \xe2\x82`},
		{"a real \ufffd", "a real \ufffd"},
		{"user\u202egpj.exe", `user\u202egpj.exe`},
		{"\u2066x\u2069 \u200e\u200f\u061c", `\u2066x\u2069 \u200e\u200f\u061c`},
		{"line\u2028sep\u2029", `line\u2028sep\u2029`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"tag\U000e0041", `tag\U000e0041`},
	}
	for _, tt := range tests {
		if got := Safe(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSafeLinesKeepsLinesAndTabs(t *testing.T) {
	got := SafeLines("one\ttab\r\ntwo\x1b\n\nfour\rx", "  ")
	want := "one\ttab\n  two\\x1b\n  \n  four\\rx"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b[31m\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Safe(s)
		if !utf8.ValidString(got) || firstUnsafe(got) != len(got) || Safe(got) != got {
			t.Errorf("%q: got %q", s, got)
		}
		if strings.Contains(got, "\n") {
			t.Errorf("%q: got a line break: %q", s, got)
		}
	})
}
