package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/hostile"
	"prophet/internal/race"
	"prophet/replica"
	psync "prophet/sync"
)

// What a hostile mirror may cost the program: the process is killed, or its writes fail, beyond that.
const (
	mostMemory = 768 << 20 // bytes of data, as the kernel counts it
	mostFile   = 8 << 20   // bytes of one file
	mostDisk   = 16 << 20  // bytes of all that it writes
)

// longAttacks makes the table of attacks whole: go test ./cmd/prophet -run Hostile -hostile -v -timeout 1h
var longAttacks = flag.Bool("hostile", false, "run the attacks too that take minutes")

// mirrorURL is the mirror's address. The program gets there by a proxy, which is the test.
const mirrorURL = "http://mirror.example"

// limitedMain is the program, with the limits above: it runs the command lines that it reads, and writes a besieged for each.
func limitedMain() {
	limitProcess(mostMemory, mostFile)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var words []string
		if err := in.Decode(&words); err != nil {
			os.Exit(0)
		}
		var b besieged
		var s interrupts
		var text bytes.Buffer
		ctx, stop := s.watch(context.Background())
		e := systemEnv(ctx, &s)
		e.Stdin, e.Asks, e.Stdout, e.Stderr = strings.NewReader(""), false, &text, &text
		b.Code = run(ctx, e, words)
		stop()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.Out, b.Memory = text.String(), m.Sys
		if err := out.Encode(b); err != nil {
			panic(err)
		}
		if m.Sys > mostMemory/8 { // to give back what is small costs more than an attack
			debug.FreeOSMemory()
		}
	}
}

// besieged is how a command ended.
type besieged struct {
	Code   int
	Out    string // what it printed, to either output
	Memory uint64 // bytes that the process has taken at most
}

// target is a process that runs the program, and all that it can reach: its requests go to mirror, whatever they are for.
type target struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
	died      bytes.Buffer
	home      string // where it may write
	memory    uint64 // that it has taken
	web       *httptest.Server
	mirror    atomic.Pointer[http.Handler]
	elsewhere atomic.Int64 // requests that were not for the mirror
}

func newTarget(t *testing.T, self string) *target {
	t.Helper()
	g := &target{home: t.TempDir()}
	g.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if "http://"+r.Host != mirrorURL {
			g.elsewhere.Add(1)
		}
		(*g.mirror.Load()).ServeHTTP(w, r)
	}))
	c := exec.Command(self)
	c.Args[0], c.Dir, c.Stderr = "limited", g.home, &g.died
	c.Env = append(os.Environ(), "http_proxy="+g.web.URL, "HTTP_PROXY="+g.web.URL, "https_proxy="+g.web.URL, "TMPDIR="+g.home,
		"EMAIL=ann@example.com", "GOMAXPROCS="+processors(), raceOption+"="+raceValue)
	in, err := c.StdinPipe()
	out, failed := c.StdoutPipe()
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	g.cmd, g.in, g.out = c, in, bufio.NewReader(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return g
}

// run runs a command, with the mirror on its other end. An error says that the process died of it.
func (g *target) run(mirror http.Handler, words ...string) (b besieged, err error) {
	g.mirror.Store(&mirror)
	line, _ := json.Marshal(words)
	if _, err = g.in.Write(append(line, '\n')); err == nil {
		line, err = g.out.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &b)
	}
	g.web.CloseClientConnections()
	g.memory = b.Memory
	return b, err
}

// end ends the process, and returns what it said when it died.
func (g *target) end() string {
	g.in.Close()
	_ = g.cmd.Wait()
	g.web.CloseClientConnections()
	g.web.Close()
	return fmt.Sprintf("%.200s", g.died.String())
}

// siege is the table of attacks under way.
type siege struct {
	world  *hostile.World
	victim map[bool]map[string]string // its files: it has read the mirror of yesterday, or that of today
	self   string                     // this program

	mu     sync.Mutex
	memory uint64 // the most that a process has taken
	disk   int64
	ran    int
}

// targets is how many processes are besieged at a time: an attack waits more than it works.
const targets = 8

// TestAHostileMirrorCanFailAPullAndNothingElse runs each attack against the real program, which clones the mirror and pulls from it.
func TestAHostileMirrorCanFailAPullAndNothingElse(t *testing.T) {
	t.Parallel() // the attacks wait for most of their time
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{world: hostile.NewWorld(t), self: self, victim: map[bool]map[string]string{}}
	for _, today := range []bool{false, true} {
		s.victim[today] = s.makeVictim(t, today)
	}
	type task struct {
		hostile.Attack
		command string
	}
	tasks := make(chan task)
	var all sync.WaitGroup
	for range targets {
		all.Go(func() {
			g := newTarget(t, self)
			for a := range tasks {
				err := s.run(t, g, a.Attack, a.command)
				if err != nil {
					t.Errorf("%s, %s: %v", a.Name, a.command, err)
				}
				if errors.Is(err, errDied) || *longAttacks || g.memory > mostMemory/4 { // what it has taken counts, even if it is free
					g.end()
					g = newTarget(t, self)
				}
			}
			g.end()
		})
	}
	n := 0
	try := func(a hostile.Attack, command string) {
		if n++; n%race.Step == 0 {
			tasks <- task{a, command}
		}
	}
	for i, a := range hostile.Attacks() {
		one := a.Clone != "" && a.Clone == a.Pull && !*longAttacks && !*race.All // they end alike: one of them does, by turns
		if a.Long && !*longAttacks {
			continue
		}
		if !a.Heavy && !(one && i%2 == 0) || *longAttacks {
			try(a, "clone")
		}
		if !(one && i%2 == 1) || a.Heavy {
			try(a, "pull")
		}
	}
	close(tasks)
	all.Wait()
	t.Logf("%d attacks, %d commands; at most %.0f MiB of memory, of %d, and %.1f MiB on disk, of %d",
		len(hostile.Attacks()), s.ran, float64(s.memory)/(1<<20), mostMemory>>20, float64(s.disk)/(1<<20), mostDisk>>20)
}

// makeVictim makes a replica that was cloned from the honest mirror and edited since, and returns its files.
func (s *siege) makeVictim(t *testing.T, today bool) map[string]string {
	t.Helper()
	state := s.world.Yesterday
	if today {
		state = s.world.Today
	}
	g := newTarget(t, s.self)
	defer g.end()
	dir := filepath.Join(g.home, "victim")
	for _, words := range [][]string{{"clone", mirrorURL, dir}, {"create", "-r", dir, "Ticket", "summary=the victim's own", "status=mine"}} {
		if b, err := g.run(hostile.NewMirror(s.world, state), words...); err != nil || b.Code != exitDone {
			t.Fatalf("%v: %v, %s", words, err, b.Out)
		}
	}
	return filesBelow(t, dir)
}

var errDied = errors.New("the process died")

// run runs one attack against one command.
func (s *siege) run(t *testing.T, g *target, a hostile.Attack, command string) error {
	world := *s.world
	dir := filepath.Join(t.TempDir(), "replica")
	want, words := a.Clone, []string{"clone", mirrorURL, dir}
	world.Victim = uuid.MustParse(s.victim[a.Old][changeset.ReplicaUUIDFile])
	if command == "pull" {
		if err := writeFiles(dir, s.victim[a.Old]); err != nil {
			return err
		}
		want, words = a.Pull, []string{"pull", "-r", dir, "--conflicts-ok", mirrorURL}
	}
	if want == "" && a.Harmless == "" {
		return errors.New("the table says neither what the error is nor why there is none")
	}
	m := hostile.NewMirror(&world, world.Today)
	a.Lie(m)
	before := filesBelow(t, dir)
	b, disk, err := watched(g, dir, m, words)
	if err != nil {
		return fmt.Errorf("%w: %v, %s", errDied, err, g.end())
	}
	after := filesBelow(t, dir)
	s.note(t, b, disk)
	switch raw := unsafe.FindString(b.Out); {
	case g.elsewhere.Swap(0) > 0:
		return errors.New("the program asked another server")
	case raw != "":
		return fmt.Errorf("it printed %q, in %q", raw, b.Out)
	case want == "" && b.Code != exitDone:
		return fmt.Errorf("exit code %d, %s", b.Code, b.Out)
	case want == "":
		return s.holds(a, &world, dir, command)
	case a.Kept:
		before = after
	}
	return failed(b, want, before, after)
}

// failed checks how an attack ends that fails.
func failed(b besieged, want string, before, after map[string]string) error {
	switch {
	case b.Code == exitDone || b.Code == exitConflicts:
		return fmt.Errorf("it succeeds, want %q: %s", want, b.Out)
	case !strings.Contains(b.Out, "prophet: error: ") || strings.Contains(b.Out, "this is a bug"):
		return fmt.Errorf("no error is told: %s", b.Out)
	case !regexp.MustCompile(want).MatchString(b.Out):
		return fmt.Errorf("want %q: %s", want, b.Out)
	case !strings.Contains(b.Out, mirrorURL):
		return fmt.Errorf("the error does not name the mirror: %s", b.Out)
	case !maps.Equal(before, after):
		return fmt.Errorf("the replica was changed: %s\n%s", difference(before, after), b.Out)
	}
	return nil
}

// holds checks a replica that has pulled from a mirror whose lies are harmless.
func (s *siege) holds(a hostile.Attack, w *hostile.World, dir, command string) error {
	ours, err := replica.Open(afero.NewBasePathFs(afero.NewOsFs(), dir), replica.Options{Where: dir})
	if err != nil {
		return err
	}
	var problems []replica.Problem
	err = replica.Check(context.Background(), ours.FS(), replica.Options{}, func(p replica.Problem) { problems = append(problems, p) }, nil)
	if err != nil || len(problems) > 0 {
		return fmt.Errorf("fsck: %v, %v", problems, err)
	}
	if moved := ours.UUID() != w.Victim; command == "pull" && moved != a.Moves {
		return fmt.Errorf("it got another UUID: %t, want %t", moved, a.Moves)
	}
	if a.Alone {
		return nil
	}
	if err := s.hasOwn(ours, command); err != nil {
		return err
	}
	if a.Holds != nil {
		return a.Holds(w, ours)
	}
	return nil
}

// hasOwn checks that the victim's own edit is there, and that what alice made since comes.
func (s *siege) hasOwn(ours *replica.Replica, command string) error {
	own := 0
	for rec, err := range ours.All("Ticket") {
		if err != nil {
			return err
		}
		if rec.Props["status"] == "mine" {
			own++
		}
	}
	if command == "pull" && own != 1 {
		return fmt.Errorf("the victim's own record is there %d times", own)
	}
	alice := afero.NewMemMapFs()
	for name, b := range s.world.AliceBytes {
		if err := afero.WriteFile(alice, strings.TrimPrefix(name, s.world.Database.String()+"/"), b, 0o600); err != nil {
			return err
		}
	}
	from, err := replica.Open(alice, replica.Options{Where: "alice", Mirror: true})
	if err != nil {
		return err
	}
	if _, err := psync.Pull(context.Background(), ours, from, psync.Options{}); err != nil {
		return fmt.Errorf("then, from alice: %w", err)
	}
	return hostile.Shows(ours, s.world.Other, "by alice")
}

// watched runs a command, and returns how many bytes it had written at most: below dir, and below its home.
func watched(g *target, dir string, m http.Handler, words []string) (b besieged, disk int64, err error) {
	done := make(chan struct{})
	var watcher sync.WaitGroup
	look := func() { disk = max(disk, sizeBelow(dir)+sizeBelow(g.home)) }
	watcher.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				look()
			}
		}
	})
	b, err = g.run(m, words...)
	close(done)
	watcher.Wait()
	look()
	return b, disk, err
}

// note adds what a command took to the figures.
func (s *siege) note(t *testing.T, b besieged, disk int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran++
	s.memory, s.disk = max(s.memory, b.Memory), max(s.disk, disk)
	if disk > mostDisk || b.Memory > 2*mostMemory && !race.Enabled { // of address space the runtime takes more than it uses
		t.Errorf("%d bytes on disk, %d bytes of memory", disk, b.Memory)
	}
}

// unsafe is what a terminal would obey, or a person would misread.
var unsafe = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

// filesBelow returns the files below a directory that is there or not, but for the lock, which holds nothing.
func filesBelow(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

func sizeBelow(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it is gone again
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// difference names the files that differ.
func difference(before, after map[string]string) string {
	var names []string
	for name, text := range after {
		if was, ok := before[name]; !ok || was != text {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, "-"+name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
