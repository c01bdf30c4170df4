package sync_test

import (
	"os"
	"testing"

	"prophet/internal/race"
	"prophet/internal/shm"
)

func TestMain(m *testing.M) {
	race.LetGarbageLie()
	if err := shm.Use(); err != nil {
		panic(err)
	}
	code := m.Run()
	if originalsDir != "" {
		os.RemoveAll(originalsDir)
	}
	os.Exit(code)
}
