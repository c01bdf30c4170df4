package sync_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/workload"
	psync "prophet/sync"
)

// generate writes n lines of a source, the same ones each time.
func generate(tb testing.TB, w io.Writer, n int) {
	tb.Helper()
	if err := (workload.Source{Changesets: n}).WriteLines(w); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkImport(b *testing.B) {
	disk := func() afero.Fs { return afero.NewBasePathFs(afero.NewOsFs(), b.TempDir()) }
	memory := func() afero.Fs { return crashfs.New() }
	for _, bench := range []struct {
		name string
		fsys func() afero.Fs
		n    int
	}{{"memory/1000", memory, 1000}, {"memory/10000", memory, 10_000}, {"disk/1000", disk, 1000}} {
		var text strings.Builder
		generate(b, &text, bench.n)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				importText(b, newReplica(b, bench.fsys(), "alice"), text.String())
			}
			b.ReportMetric(float64(b.N*bench.n)/b.Elapsed().Seconds(), "changesets/s")
		})
	}
}

var importChangesets = flag.Int("import-changesets", 1100, "how many changesets TestImportTakesLittleMemory imports on disk")

// TestImportTakesLittleMemory holds for any number of changesets; 100,000 take a while to write.
func TestImportTakesLittleMemory(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "bugs.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	generate(t, w, *importChangesets)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	src, err := psync.NewSource("bugs.jsonl", f, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	fsys := afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(dir, "alice"))
	if err := os.Mkdir(filepath.Join(dir, "alice"), 0o777); err != nil {
		t.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // as in the program
	debug.FreeOSMemory()                              // what the tests before this one took is not to be taken again unseen
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := newReplica(t, fsys, "alice")
	report, err := psync.Import(context.Background(), r, "bugs", src, psync.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	took := (int64(after.Sys-after.HeapReleased) - int64(before.Sys-before.HeapReleased)) >> 20 // what the process has of the system, which gets it back slowly
	t.Logf("%d changesets: %d MB", report.Integrated, took)
	if took > 150 {
		t.Errorf("importing %d changesets took %d MB, want 150 at most", report.Integrated, took)
	}
}
