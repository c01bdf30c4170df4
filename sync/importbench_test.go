package sync_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	psync "prophet/sync"
)

// generate writes n lines of a source, the same ones each time: four creates to one update, five properties of 20 to 60 bytes.
func generate(w io.Writer, n int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var bytes [30]byte
	var made []uuid.UUID
	for i := range n {
		op, u := "update", uuid.NewSHA1(database, fmt.Append(nil, i))
		if i%5 == 4 {
			u = made[rnd.IntN(len(made))]
		} else {
			op, made = "create", append(made, u)
		}
		fmt.Fprintf(w, `{"created":"2020-01-02 03:04:05","creator":"ann@example.com","changes":[{"op":%q,"type":"Ticket","uuid":"%s","props":{`, op, u)
		for p, name := range []string{"body", "component", "owner", "status", "summary"} {
			for k := range bytes {
				bytes[k] = byte(rnd.Uint32())
			}
			fmt.Fprintf(w, `%s%q:"%s"`, strings.Repeat(",", min(p, 1)), name, hex.EncodeToString(bytes[:10+rnd.IntN(21)]))
		}
		fmt.Fprintf(w, "}}]}\n")
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
		generate(&text, bench.n)
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
	generate(w, *importChangesets)
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
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := newReplica(t, fsys, "alice")
	report, err := psync.Import(context.Background(), r, "bugs", src, psync.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	took := (after.Sys - before.Sys) >> 20 // never falls: what the process asked of the system
	t.Logf("%d changesets: %d MB", report.Integrated, took)
	if took > 150 {
		t.Errorf("importing %d changesets took %d MB, want 150 at most", report.Integrated, took)
	}
}
