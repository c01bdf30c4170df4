package sync_test

import (
	"os"
	"runtime/debug"
	"testing"

	"prophet/internal/race"
)

// TestMain lets garbage lie for longer: what these tests make is small and soon gone, and to look for it took a seventh of their time. Not under the
// race detector, with which that came to two gigabytes.
func TestMain(m *testing.M) {
	if !race.Enabled {
		debug.SetGCPercent(400)
	}
	code := m.Run()
	if originalsDir != "" {
		os.RemoveAll(originalsDir)
	}
	os.Exit(code)
}
