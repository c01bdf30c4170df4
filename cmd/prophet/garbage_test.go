package main

import (
	"runtime/debug"
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

// Whatever takes in much begins before the first collection or after it: it is collected often from then on.
func TestTheFirstCollectionLeavesItOften(t *testing.T) {
	was, before := debug.SetGCPercent(usually), garbage.often
	t.Cleanup(func() { debug.SetGCPercent(was); garbage.often = before })
	e := &env{Getenv: func(string) string { return "" }}
	for _, first := range []bool{true, false} {
		garbage.often = false
		debug.SetGCPercent(atFirst)
		if first {
			afterFirst()
			if now := debug.SetGCPercent(usually); now != usually {
				t.Errorf("after the first collection it is at %d percent", now)
			}
		}
		e.lean()
		afterFirst()
		if now := debug.SetGCPercent(usually); now != often {
			t.Errorf("it is collected often, then at %d percent", now)
		}
	}
}
