package main

import (
	"testing"

	"prophet/internal/gitconfig"
)

func TestCreator(t *testing.T) {
	w := newWorld()
	w.Host = ""
	steps := []struct{ name, value, want string }{
		{"", "", "unknown@localhost"},
		{"USER", "ann", "ann@localhost"},
		{"EMAIL", "mail@example.com", "mail@example.com"},
		{"PROPHET_EMAIL", "prophet@example.com", "prophet@example.com"},
	}
	for _, s := range steps {
		w.vars[s.name] = s.value
		if got := w.creator(gitconfig.Config{}); got != s.want {
			t.Errorf("with %s: got %s, want %s", s.name, got, s.want)
		}
	}
	if got := w.creator(gitconfig.Config{Email: "config@example.com"}); got != "config@example.com" {
		t.Errorf("got %s", got)
	}
}
