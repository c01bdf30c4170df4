package sync_test

import (
	"os"
	"testing"

	"prophet/internal/race"
)

func TestMain(m *testing.M) {
	race.LetGarbageLie()
	code := m.Run()
	if originalsDir != "" {
		os.RemoveAll(originalsDir)
	}
	os.Exit(code)
}
