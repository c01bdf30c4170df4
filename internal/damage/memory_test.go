package damage_test

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/internal/damage"
	"prophet/internal/replicatest"
	"prophet/internal/workload"
	"prophet/replica"
	psync "prophet/sync"
)

var size = flag.Int("size", 10_000, "how many changesets the replica has that BenchmarkCheck checks")

// BenchmarkCheck measures a check of a replica on disk, how many times what it takes to read and hash the same bytes, and how much memory is live in it at most.
func BenchmarkCheck(b *testing.B) {
	disk := directory(b)
	grow(b, disk, *size)
	readAll(b, disk) // so that both find all in the system's memory
	start := time.Now()
	bytes := readAll(b, disk)
	reading := time.Since(start)
	b.SetBytes(int64(bytes))
	for b.Loop() {
		checkAll(b, disk)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/reading.Seconds(), "times-reading")
	peak := replicatest.PeakWhile(disk, *size/4, func(fsys afero.Fs) { checkAll(b, fsys) })
	b.ReportMetric(float64(peak>>10), "KB-live")
}

func directory(b *testing.B) afero.Fs { return afero.NewBasePathFs(afero.NewOsFs(), b.TempDir()) }

// grow makes a replica with so many changesets.
func grow(b *testing.B, fsys afero.Fs, n int) {
	b.Helper()
	var lines bytes.Buffer
	check(b, workload.Source{Changesets: n}.WriteLines(&lines))
	r := replicatest.Init(b, fsys, replica.Options{})
	source, err := psync.NewSource("large.jsonl", bytes.NewReader(lines.Bytes()), nil, "")
	check(b, err)
	defer source.Close()
	_, err = psync.Import(b.Context(), r, "large", source, psync.ImportOptions{})
	check(b, err)
}

// readAll reads and hashes all files, and returns how many bytes they have.
func readAll(b *testing.B, fsys afero.Fs) (bytes int) {
	b.Helper()
	names, err := damage.Files(fsys)
	check(b, err)
	for _, name := range names {
		text, err := afero.ReadFile(fsys, name)
		check(b, err)
		cas.Sum(text)
		bytes += len(text)
	}
	return bytes
}

func checkAll(b *testing.B, fsys afero.Fs) {
	b.Helper()
	check(b, replica.Check(b.Context(), fsys, replica.Options{Scratch: directory(b)}, func(p replica.Problem) {
		b.Errorf("%s: %s", p.Path, p.Text)
	}, nil))
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
