package crowd

import (
	"os"
	"testing"

	"prophet/internal/race"
)

func TestMain(m *testing.M) {
	race.LetGarbageLie()
	os.Exit(m.Run())
}
