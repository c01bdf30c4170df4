package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/afero"

	"prophet/internal/race"
	"prophet/internal/shm"
)

func TestMain(m *testing.M) {
	if err := shm.Use(); err != nil {
		panic(err)
	}
	testscript.Main(quick{m}, map[string]func(){"prophet": clockMain, "waiting": waitMain, "holding": holdMain, "limited": limitedMain, "copying": copyMain})
}

// quick looks for garbage seldom while tests run: a fifth of their time went into it. The programs that they start look for it as they do for a user.
type quick struct{ *testing.M }

func (q quick) Run() int {
	race.LetGarbageLie()
	return q.M.Run()
}

// With the race detector in it, a program that ends waits a second for what its threads may still report. The tests start the program a thousand times.
const raceOption, raceValue = "GORACE", "atexit_sleep_ms=10"

// processors is what the program is told of them: to start it for several takes a fifth longer. The race detector, which there is for what runs at a time,
// has all.
func processors() string {
	if race.Enabled {
		return ""
	}
	return "1"
}

// TestStories runs the stories in testdata/script against the real command: see [inside].
func TestStories(t *testing.T) {
	p := testscript.Params{
		RequireExplicitExec: true,
		UpdateScripts:       *updateFiles,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EMAIL", "ann@example.com")
			e.Setenv(raceOption, raceValue)
			e.Setenv("GOMAXPROCS", processors())
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.cache")
			if !*race.All {
				e.Setenv("GOGC", "100") // or what runs inside would have all that comes after it look for garbage more often: see lean
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"canonical": canonical,
			"code":      code,
			"appears":   appears,
			"fixture":   unpackTree(t),
			"serve":     serve,
			"tree":      tree,
			"hide":      hide,
			"inside":    runInside,
		},
	}
	stories(t, &p)
	testscript.Run(t, p)
}

// canonical checks that each line of a file is canonical JSON: canonical stdout.
func canonical(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: canonical FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line = strings.TrimSuffix(line, "\n")
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var v any
		ts.Check(d.Decode(&v))
		want, err := appendJSON(nil, v)
		ts.Check(err)
		if line != string(want) {
			ts.Fatalf("not canonical:\n%s\nwant\n%s", line, want)
		}
	}
}

// code runs a command and checks its exit code: code 2 prophet pull nowhere. What it prints is in stdout and stderr.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARGUMENT ...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// appears waits until a file exists: appears FILE.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears FILE")
	}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not appear", args[0])
}

// world is an env whose outputs a test can look at. No terminal is there until a test sets a width.
type world struct {
	*env
	out, err *bytes.Buffer
	vars     map[string]string
}

func newWorld() *world {
	w := &world{out: new(bytes.Buffer), err: new(bytes.Buffer), vars: map[string]string{"GOGC": "100"}}
	w.env = &env{
		Stdin:  strings.NewReader(""),
		Stdout: w.out,
		Stderr: w.err,
		Getenv: func(name string) string { return w.vars[name] },
		Dir:    "/home/ann",
		Host:   "desk",
		Fs:     afero.NewMemMapFs(),
		Now:    func() time.Time { return time.Date(2026, 11, 21, 1, 16, 51, 0, time.UTC) },
		Exec:   func(string, ...string) error { panic("a program is run") },
	}
	return w
}

// write makes a file, with the directories above it.
func (w *world) write(t *testing.T, path, text string) {
	t.Helper()
	if err := afero.WriteFile(w.Fs, path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStdinEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	r, w := io.Pipe()
	defer w.Close()
	in := &contextReader{ctx: ctx, r: r}
	go w.Write([]byte("ab"))
	got := make([]byte, 2)
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "ab" {
		t.Fatalf("got %q, %v", got, err)
	}
	time.AfterFunc(10*time.Millisecond, func() { cancel(errInterrupted) })
	if n, err := in.Read(got); n != 0 || err != errInterrupted {
		t.Errorf("got %d bytes, %v", n, err)
	}
}
