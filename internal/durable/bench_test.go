package durable

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spf13/afero"
)

// BenchmarkCommit makes a commit as an edit does, and one of 1,000 objects and rows as an import does, both flushed. With
// TMPDIR=/dev/shm it measures all but the disk. (Renaming in an afero.MemMapFs costs as much as there are files.)
func BenchmarkCommit(b *testing.B) {
	for _, objects := range []int{1, 1000} {
		b.Run(fmt.Sprintf("objects=%d", objects), func(b *testing.B) { benchmark(b, objects) })
	}
}

func benchmark(b *testing.B, objects int) {
	fs := afero.NewBasePathFs(afero.NewOsFs(), b.TempDir())
	row, old := make([]byte, 44), ""
	for n := 0; b.Loop(); n++ {
		tx := Begin(fs)
		for i := range objects {
			tx.Put(fmt.Sprintf("cas/%x/%d-%d", i%256, n, i), row)
			tx.Append("rows", int64(44*(n*objects+i)), row)
		}
		if err := tx.Commit(Point{"latest", old, strconv.Itoa(n + 1)}); err != nil {
			b.Fatal(err)
		}
		old = strconv.Itoa(n + 1)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*objects), "µs/object")
}

// BenchmarkLock takes a lock that is free and lets go of it, with the proof that nobody else can get it and without.
func BenchmarkLock(b *testing.B) {
	name := filepath.Join(b.TempDir(), "lock")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, proof := range []bool{true, false} {
		b.Run(fmt.Sprintf("proof=%v", proof), func(b *testing.B) {
			for b.Loop() {
				l, err := systemLock(name)
				if err != nil {
					b.Fatal(err)
				}
				if ok, err := l.try(); !ok || err != nil {
					b.Fatal(ok, err)
				}
				if !proof {
					l.again = nil
				}
				unlock, err := l.proven()
				if err != nil {
					b.Fatal(err)
				}
				if err := unlock(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
