package main

import (
	"os/exec"
	"strings"
	"testing"
)

func FuzzParseLogEnd(f *testing.F) {
	for _, s := range []string{"1", "LATEST", "LATEST~3", "LATEST~4294967295", "LATEST~-1", "LATEST1", "-1", "0", "4294967296"} {
		f.Add(s, uint32(7))
	}
	f.Fuzz(func(t *testing.T, s string, latest uint32) {
		n, err := parseLogEnd(s, latest)
		if err == nil && strings.HasPrefix(s, "LATEST") && n > latest {
			t.Errorf("%q of %d rows is %d", s, latest, n)
		}
	})
}

// A word that a hint shows for a shell is that word to a shell, whatever is in it. A line break or a NUL is in no command that is copied.
func FuzzShellWord(f *testing.F) {
	for _, s := range []string{"plain", "two words", "it's", "$(touch x)", "`x`", "a;b", "-x", "", "*", "~", "a\\b", "é", "!x", "\x8a", "a'\x1b\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\x00\n\r") {
			return
		}
		shell := "sh"
		if strings.HasPrefix(shellWord(s), "$'") { // not every sh knows that yet
			shell = "bash"
		}
		if _, err := exec.LookPath(shell); err != nil {
			return
		}
		out, err := exec.Command(shell, "-c", "printf %s "+shellWord(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q is %s, which is %q, %v", s, shellWord(s), out, err)
		}
	})
}
