package main

import (
	"strings"
	"testing"
)

// A command that shows something ends before it is worth to look for garbage. Whatever takes in much looks for it often.
func TestGarbageIsCollectedLate(t *testing.T) {
	s := newStopping(t, 2000)
	collections := func(args ...string) int {
		c, _, text := s.command(args, "GODEBUG=gctrace=1", "GOGC=")
		if err := c.Run(); err != nil {
			t.Fatalf("%s: %v: %s", args, err, text)
		}
		return strings.Count("\n"+text.String(), "\ngc ")
	}
	took := collections("import", "-r", "ann", "tracker.jsonl")
	showed := collections("log", "-r", "ann", "--all")
	if took < 4 || showed > 0 {
		t.Errorf("garbage is collected %d times by import, %d times by log", took, showed)
	}
}
