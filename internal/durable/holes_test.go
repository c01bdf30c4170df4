package durable_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"prophet/internal/durable"
)

func TestPastHole(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const data, size = 8 << 20, 16 << 20
	if _, err = f.WriteAt([]byte("x"), data); err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	if end := durable.PastHole(f, 100, size); end < 100 || end > data || runtime.GOOS == "linux" && end == 100 {
		t.Errorf("the first hole ends at %d", end)
	}
	if end := durable.PastHole(f, data, size); end != data {
		t.Errorf("where there is data a hole ends at %d", end)
	}
	if end := durable.PastHole(f, size-1, size); runtime.GOOS == "linux" && end != size {
		t.Errorf("the last hole ends at %d", end)
	}
}
