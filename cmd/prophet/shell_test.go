package main

import "testing"

func TestWordsOfCommandsAreQuotedForAShell(t *testing.T) {
	for word, want := range map[string]string{
		"/srv/bugs-2.d":        "/srv/bugs-2.d",
		"http://a.b:80/x%20y/": "http://a.b:80/x%20y/",
		"with space":           "'with space'",
		"Ann's":                `'Ann'\''s'`,
		"büro":                 "'büro'",
		"x;rm y":               "'x;rm y'",
		"~":                    "'~'",
		"":                     "''",
		"it's\n\x1b\xff\\":     `$'it\'s\012\033\377\\'`,
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
}

func TestCommandsInHintsNameTheReplicaThatWasNamed(t *testing.T) {
	const hint = `"prophet log" and "prophet show 1", "prophet fsck -r there", "prophet help log", "prophet init", "prophet parts 1\n"`
	w := newWorld()
	if got := w.here(hint); got != hint {
		t.Errorf("where none was named: %s", got)
	}
	w.given = "my bugs"
	want := `"prophet log -r 'my bugs'" and "prophet show -r 'my bugs' 1", "prophet fsck -r there", "prophet help log", "prophet init", "prophet parts 1\n"`
	if got := w.here(hint); got != want {
		t.Errorf("got %s", got)
	}
}
