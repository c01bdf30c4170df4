package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// stop is a command that is interrupted in a known place, and what comes of it.
type stop struct {
	args  []string
	gate  string   // where it is held until the interrupt comes
	hint  string   // that it gives
	left  string   // the directory that it wrote to; "" if none
	rows  uint32   // of the log there afterwards: the batch in hand is done; 0: there is no replica yet
	again []string // the command that goes on; nil: the same
	clear bool     // what is left has to be removed before, as the hint says
	lists bool     // it prints as it goes
}

// TestEveryLongCommandStopsInOrder interrupts the real program in the middle of each long command. It ends with 1, says what is done and how to go on, leaves nothing
// behind that is in the way, and goes on.
func TestEveryLongCommandStopsInOrder(t *testing.T) {
	const batch, all = 1024, 1100
	s := newStopping(t, all)
	for _, stop := range []stop{
		{args: []string{"import", "-r", "ann", "tracker.jsonl"}, gate: "1 rename ann/latest-sequence-no", left: "ann", rows: batch,
			hint: "what came so far stays; the next import of it goes on from there"},
		{args: []string{"pull", "-r", "bob", "ann"}, gate: "1 rename bob/latest-sequence-no", left: "bob", rows: batch,
			hint: "what came so far stays; the next pull goes on from there"},
		{args: []string{"push", "-r", "ann", "zoe"}, gate: "1 rename zoe/latest-sequence-no", left: "zoe", rows: batch,
			hint: "what came so far stays; the next push goes on from there"},
		{args: []string{"clone", "ann", "new"}, gate: "2 rename new/latest-sequence-no", left: "new", rows: batch, again: []string{"pull", "-r", "new"},
			hint: "what came so far stays; \"prophet pull -r " + filepath.Join(s.dir, "new") + " ann\" goes on"},
		{args: []string{"publish", "-r", "ann", "www", "--flat"}, gate: "1 rename www/cas/", left: "www",
			hint: "what came so far stays; readers see nothing there yet, and the next publish goes on"},
		{args: []string{"export", "-r", "ann", "out"}, gate: "1 rename out/cas/", left: "out", clear: true,
			hint: filepath.Join(s.dir, "out") + " holds half a copy; remove it and export again"},
		{args: []string{"fsck", "-r", "ann"}, gate: "5 open ann/prophet/parts/", hint: hintUnchanged},
		{args: []string{"search", "-r", "ann", "Ticket"}, gate: "5 open ann/prophet/parts/"},
		{args: []string{"digest", "-r", "ann", "--records", "Ticket"}, gate: "5 open ann/prophet/parts/", lists: true},
	} {
		t.Run(stop.args[0], func(t *testing.T) { s.interrupt(t, stop) })
	}
}

// stopping is a directory with replicas in which commands are interrupted.
type stopping struct {
	t   *testing.T
	dir string
	all uint32 // lines
}

// newStopping has Ann's empty replica, two clones, and lines to import.
func newStopping(t *testing.T, lines int) *stopping {
	t.Helper()
	s := &stopping{t, t.TempDir(), uint32(lines)}
	_, all := tracker(lines)
	if err := errorsOf(os.WriteFile(s.path("tracker.jsonl"), []byte(all), 0o600), os.Mkdir(s.path("tmp"), 0o700)); err != nil {
		t.Fatal(err)
	}
	s.must("init", "ann")
	s.must("clone", "ann", "bob")
	s.must("clone", "ann", "zoe")
	return s
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stopping) path(name string) string { return filepath.Join(s.dir, name) }

// command is the real program, with more in its environment.
func (s *stopping) command(args []string, env ...string) (c *exec.Cmd, out, err *bytes.Buffer) {
	c, out, err = exec.Command("prophet", args...), new(bytes.Buffer), new(bytes.Buffer)
	c.Dir, c.Stdout, c.Stderr = s.dir, out, err
	c.Env = append(os.Environ(), "EMAIL=ann@example.com", raceOption+"="+raceValue, "GOMAXPROCS="+processors(), "TMPDIR="+s.path("tmp"))
	c.Env = append(c.Env, env...)
	return c, out, err
}

func (s *stopping) must(args ...string) {
	s.t.Helper()
	if c, _, text := s.command(args); c.Run() != nil {
		s.t.Fatalf("%s: %s", args, text)
	}
}

// interrupt holds the command, interrupts it, and lets it be gone on with.
func (s *stopping) interrupt(t *testing.T, stop stop) {
	c, out, text := s.command(stop.args, gateVar+"="+stop.gate)
	run := begin(t, c)
	run.waitFor(s.path("held"))
	run.signal()
	want := "prophet: error: " + stop.args[0] + ": interrupted\n"
	if stop.hint != "" {
		want += "prophet: hint: " + stop.hint + "\n"
	}
	if code := run.end(); code != exitFailed || text.String() != want || out.Len() > 0 && !stop.lists {
		t.Errorf("exit code %d, stdout %q, stderr:\n%s\nwant:\n%s", code, out, text, want)
	}
	s.clean(t)
	if stop.left != "" {
		s.stopped(t, stop)
	}
	again := stop.again
	if again == nil {
		again = stop.args
	}
	if c, _, text := s.command(again); c.Run() != nil {
		t.Errorf("%s: %s", again, text)
	}
	if stop.left != "" {
		s.stands(t, stop.left, s.all)
	}
}

// stopped checks what is left of a command in the directory that it wrote to.
func (s *stopping) stopped(t *testing.T, stop stop) {
	t.Helper()
	s.stands(t, stop.left, stop.rows)
	if stop.clear {
		if err := os.RemoveAll(s.path(stop.left)); err != nil {
			t.Fatal(err)
		}
	}
}

// stands checks that the replica in a directory is sound and has so many rows, or that there is none.
func (s *stopping) stands(t *testing.T, name string, rows uint32) {
	t.Helper()
	fsys := afero.NewBasePathFs(afero.NewOsFs(), s.path(name))
	r, err := replica.Open(fsys, replica.Options{})
	if rows == 0 {
		if err == nil {
			t.Errorf("%s is a replica already", name)
		}
		return
	}
	if err != nil || r.Latest() != rows {
		t.Fatalf("%s: %v, want %d rows", name, err, rows)
	}
	replicatest.Sound(t, fsys, name)
}

// clean checks that no temporary file is left.
func (s *stopping) clean(t *testing.T) {
	t.Helper()
	if err := os.Remove(s.path("held")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if durable.IsTemp(name) || filepath.Dir(name) == s.path("tmp") {
			t.Errorf("%s is left", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A second interrupt ends the program at once, in the middle of a commit: the next import goes on.
func TestASecondInterruptStopsAtOnce(t *testing.T) {
	s := newStopping(t, 50)
	args := []string{"import", "-r", "ann", "tracker.jsonl"}
	c, out, text := s.command(args, gateVar+"=1 rename ann/latest-sequence-no", "GATE_ON=1")
	run := begin(t, c)
	run.waitFor(s.path("held"))
	run.signal()
	run.waitFor(s.path("interrupted"))
	run.signal()
	<-run.done
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && (!status.Signaled() || status.Signal() != syscall.SIGINT) || out.Len()+text.Len() > 0 {
		t.Errorf("it ended with %v, stdout %q, stderr %q", c.ProcessState, out, text)
	}
	replicatest.Sound(t, afero.NewBasePathFs(afero.NewOsFs(), s.path("ann")), "after the second interrupt")
	s.must(args...)
	s.stands(t, "ann", s.all)
}

// An import that reads from a pipe has copied some of it when it is interrupted.
func TestAnInterruptedImportFromAPipeLeavesNoCopyOfIt(t *testing.T) {
	s := newStopping(t, 50)
	c, out, text := s.command([]string{"import", "-r", "ann", "-", "--as", "tracker"})
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	run := begin(t, c)
	if _, err := io.WriteString(in, `{"created":"2018-07-21 14:38:36",`); err != nil {
		t.Fatal(err)
	}
	run.waitFor(s.path("tmp/*"))
	run.signal()
	if code := run.end(); code != exitFailed || !strings.HasPrefix(text.String(), "prophet: error: import: interrupted\n") || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out, text)
	}
	in.Close()
	touch(s.path("held"))
	s.clean(t)
}

// running is a program that runs.
type running struct {
	t    *testing.T
	c    *exec.Cmd
	done chan struct{} // it has ended
}

func begin(t *testing.T, c *exec.Cmd) *running {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{t, c, make(chan struct{})}
	go func() {
		defer close(r.done)
		_ = c.Wait() // its state says how it ended
	}()
	t.Cleanup(func() { _ = c.Process.Kill(); <-r.done })
	return r
}

// waitFor waits until a file exists, by name or pattern, as long as the program runs.
func (r *running) waitFor(pattern string) {
	r.t.Helper()
	for {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			return
		}
		select {
		case <-r.done:
			r.t.Fatalf("%s does not come, the program ended: %v, %v, %v", pattern, r.c.ProcessState, r.c.Stdout, r.c.Stderr)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *running) signal() {
	r.t.Helper()
	if err := r.c.Process.Signal(os.Interrupt); err != nil {
		r.t.Fatal(err)
	}
}

// end waits until the program ends, and returns its exit code.
func (r *running) end() int {
	<-r.done
	return r.c.ProcessState.ExitCode()
}
