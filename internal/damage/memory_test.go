package damage_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/internal/damage"
	"prophet/internal/replicatest"
	"prophet/replica"
)

var checkSize = flag.Int("check-size", 0, "measure a check of a replica with so many changesets, on disk")

func check(t *testing.T, fsys, scratch afero.Fs) {
	t.Helper()
	if err := replica.Check(t.Context(), fsys, replica.Options{Scratch: scratch}, func(p replica.Problem) {
		t.Errorf("%s: %s", p.Path, p.Text)
	}, nil); err != nil {
		t.Fatal(err)
	}
}

// TestFiguresOfACheck measures a check against reading and hashing the same bytes.
func TestFiguresOfACheck(t *testing.T) {
	if *checkSize == 0 {
		return
	}
	disk := afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())
	damage.Grow(t, disk, *checkSize)
	read := func() (bytes int) {
		names, err := damage.Files(disk)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := afero.ReadFile(disk, name)
			if err != nil {
				t.Fatal(err)
			}
			cas.Sum(b)
			bytes += len(b)
		}
		return bytes
	}
	read() // so that both find all in the system's memory
	start := time.Now()
	bytes := read()
	reading := time.Since(start)
	start = time.Now()
	check(t, disk, afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()))
	checking := time.Since(start)
	peak := replicatest.PeakWhile(disk, *checkSize/4, func(fsys afero.Fs) { check(t, fsys, afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())) })
	fmt.Printf("%d changesets, %d MB: reading and hashing all %.1f s, a check %.1f s, %.1f times that; at most %d KB live\n",
		*checkSize, bytes>>20, reading.Seconds(), checking.Seconds(), checking.Seconds()/reading.Seconds(), peak>>10)
}
