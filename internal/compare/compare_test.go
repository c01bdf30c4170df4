package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prophet/internal/workload"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && workers[os.Args[1]] != nil {
		os.Exit(mainCode(os.Args[1:]))
	}
	code := m.Run()
	if err := os.RemoveAll(builtIn); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// builtIn is where the program lies that the tests measure, "" before it is built.
var builtIn string

// prophet is that program. To build it takes a second.
func prophet(t *testing.T) string {
	t.Helper()
	if builtIn != "" {
		return filepath.Join(builtIn, "prophet")
	}
	var err error
	if builtIn, err = os.MkdirTemp("", "compare-"); err != nil {
		t.Fatal(err)
	}
	if _, err := (&bench{home: builtIn, opts: &options{}}).build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(builtIn, "prophet")
}

// inMemory returns a directory that is flushed for nothing, if the system has one.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "compare-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// compare measures and returns the tables as rows of cells.
func compare(t *testing.T, args ...string) (rows [][]string) {
	t.Helper()
	dir := inMemory(t)
	tracker := filepath.Join(dir, "real.jsonl")
	if err := writeFile(tracker, workload.Source{Seed: 1, Changesets: 20}.WriteLines); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	args = append([]string{"--memory", dir, "--on", "memory", "--runs", "1", "--short-runs", "1", "--tracker", tracker, "--prophet", prophet(t)}, args...)
	if err := run(t.Context(), args, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	left, err := filepath.Glob(filepath.Join(dir, "compare-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %q, %v", left, err)
	}
	for line := range strings.Lines(out.String()) {
		if cells := strings.Split(strings.Trim(line, "|\n "), " | "); len(cells) > 1 {
			rows = append(rows, cells)
		}
	}
	return rows
}

func TestEveryRowIsMeasured(t *testing.T) {
	measured := compare(t, "--sizes", "20", "--fossil", "/none")
	has := func(row string, cell ...string) bool {
		return slices.ContainsFunc(measured, func(cells []string) bool {
			return cells[0] == row && slices.ContainsFunc(cells, func(c string) bool { return slices.Contains(cell, c) })
		})
	}
	for _, r := range rows {
		want := []string{"yes", "no"}
		if _, err := exec.LookPath("git"); err != nil {
			want = append(want, "git is not installed")
		}
		if r.name == "create" || r.name == "history" { // whose targets are Fossil's times
			want = []string{"Fossil is not installed"}
		}
		if !has(r.name, want...) {
			t.Errorf("no line of %s says %q:\n%v", r.name, want, measured)
		}
	}
}

func TestWithoutGitTheRowSaysSo(t *testing.T) {
	measured := compare(t, "--sizes", "10", "--rows", "import", "--git", "/none", "--fossil", "/none")
	want := []string{"import", "time", "memory", "10", "git is not installed"}
	if !slices.ContainsFunc(measured, func(cells []string) bool {
		return cells[len(cells)-1] == "?" && slices.Equal(append(cells[:4:4], cells[5]), want)
	}) {
		t.Errorf("got %v", measured)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{"--rows", "none"}, {"--on", "moon"}, {"--sizes", "0"}, {"--sizes", "many"}, {"--runs", "0"}, {"word"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestVerdicts(t *testing.T) {
	took := func(name string, times ...time.Duration) (m measured) {
		m.name = name
		for _, wall := range times {
			m.samples = append(m.samples, sample{usage: usage{Wall: wall, CPU: wall / 2}})
		}
		return m
	}
	ours := took("prophet", 40*time.Millisecond, 20*time.Millisecond, 90*time.Millisecond)
	theirs := took("git", 40*time.Millisecond, 50*time.Millisecond, 60*time.Millisecond)
	for want, got := range map[string]verdict{
		"CPU | 10 ms |  |  |  | at most 9.0 ms | no":                      below("CPU", ours.cpu(), 9*time.Millisecond, shownTime),
		"time | 20 ms | git, 40 ms | 0.5 (0.8) | 0.5 | at most 0.5 | yes": times("time", ours, theirs, 0.5),
		"late | 20 ms | git, 40 ms | 0.5 (0.8) | 0.5 | at most 0.4 | no":  times("late", ours, theirs, 0.4),
		"gone | 20 ms | git is not installed |  |  | at most 1 | ?":       times("gone", ours, measured{missing: "git is not installed"}, 1),
		"beside | 20 ms | git, 40 ms | 0.5 (0.8) | 0.5 |  | ":             aside("beside", ours, theirs),
		"requests | 9 |  |  |  | at most 8 | no":                          counts("requests", 9, 8),
		"bytes | 20 kB | JSON, 10.0 MB | 0.00195 |  | at most 0.13 | yes": sizes("bytes", 20<<10, 10<<20-1, "JSON", "", 0.13),
		"memory | 20 kB | git is not installed |  |  | at most 1 | ?":     sizes("memory", 20<<10, 0, "git", "git is not installed", 1),
		"clone: time | at 1000 | at 10 | 1.2 |  | at most 1.2 | yes":      steadiness{"clone: time": {10: 1, 100: 9, 1000: 1.2}}.outcome("memory").verdicts[0],
		"files | 3 | 2 changesets | 1.5 |  | at most 0.01 | no":           sizes("files", 3, 2, "changesets", "", 0.01).plain(3, 2),
	} {
		if got.String() != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheServerCountsAndHides(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a/prophet/mirror": "ours", "a/prophet.json": "ours", "a/latest": strings.Repeat("1", 1000)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := serve(dir, false, true)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.close()
	zip, err := serve(dir, true, false)
	if err != nil {
		t.Fatal(err)
	}
	defer zip.close()
	const missing = "404 page not found\n"
	for url, want := range map[string]string{
		plain.url + "/a/prophet/mirror": missing, plain.url + "/a/prophet.json": missing, plain.url + "/a/latest": strings.Repeat("1", 1000),
		zip.url + "/a/prophet/mirror": "ours", zip.url + "/a/latest": strings.Repeat("1", 1000),
	} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("%s: %q %v", url, body, err)
		}
	}
	if got := plain.asked(); len(got) != 3 || plain.sent.Load() < 1000 || zip.sent.Load() > 1000 {
		t.Errorf("asked for %q, %d bytes; compressed %d", got, plain.sent.Load(), zip.sent.Load())
	}
	plain.reset()
	if len(plain.asked()) != 0 || plain.sent.Load() != 0 {
		t.Error("counters are not zero after reset")
	}
}
