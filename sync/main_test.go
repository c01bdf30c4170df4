package sync_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage lie for longer: what these tests make is small and soon gone, and to look for it took a seventh of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	code := m.Run()
	if originalsDir != "" {
		os.RemoveAll(originalsDir)
	}
	os.Exit(code)
}
