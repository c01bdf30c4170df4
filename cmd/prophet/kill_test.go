package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/replicatest"
	"prophet/replica"
)

var (
	kills    = flag.Int("kills", 24, "how often the program is killed while it imports, pulls, pushes, publishes and creates")
	killSeed = flag.Uint64("killseed", 1, "of the moments of the kills, in parts of the time that the work takes")
	lines    = flag.Int("lines", 0, "lines that are imported; 0: 100, and 1,500 for more than 24 kills")
)

// TestAKilledProgramLosesNothing kills the real program at random moments. What was reported is there, fsck finds nothing, and the same command
// goes on: in the end all is as without kills. Hundreds of kills:
//
//	go test ./cmd/prophet -run AKilled -kills 500 -killseed 2 -lines 1500 -v -timeout 2h
func TestAKilledProgramLosesNothing(t *testing.T) {
	n := *lines
	if n == 0 {
		n = 100
		if *kills > 24 {
			n = 1500
		}
	}
	k := &killing{t: t, base: t.TempDir(), rng: rand.New(rand.NewPCG(*killSeed, 0)), hits: map[string]map[string]int{}}
	k.prepare(n)
	done := 0
	for round := 0; done < *kills && round < 2+*kills/4; round++ { // a kill may come too late, when its command is done
		done += k.round(min(*kills-done, 24))
	}
	k.print()
	if done < *kills {
		t.Errorf("%d of %d kills came in time", done, *kills)
	}
}

// killing is work that is killed again and again. Its directory base has Ann's replica, two clones of it in which other edits were made, and a file to import;
// calm is a copy of it in which the work was done without a kill.
type killing struct {
	t     *testing.T
	base  string
	calm  string
	dir   string // of the round
	rng   *rand.Rand
	takes map[string]time.Duration
	hits  map[string]map[string]int // by command, by where they hit
}

// killSteps are what is killed: each a command, and the replica or mirror that it writes.
var killSteps = []struct {
	target string
	args   []string
}{
	{"ann", []string{"import", "-r", "ann", "tracker.jsonl"}},
	{"bob", []string{"pull", "-r", "bob", "ann", "--conflicts-ok"}},
	{"zoe", []string{"push", "-r", "ann", "zoe", "--conflicts-ok"}},
	{"www", []string{"publish", "-r", "ann", "www", "--flat"}},
}

// prepare makes base and calm.
func (k *killing) prepare(n int) {
	k.t.Helper()
	early, all := tracker(n)
	k.takes = map[string]time.Duration{}
	k.check(os.WriteFile(filepath.Join(k.base, "tracker.jsonl"), []byte(early), 0o600))
	k.must(k.base, "init", "ann")
	k.must(k.base, "import", "-r", "ann", "tracker.jsonl")
	for _, who := range []string{"bob", "zoe"} {
		k.must(k.base, "clone", "ann", who)
		k.must(k.base, "update", "-r", who, "1", "status="+who)
		k.time(k.base, "create", "-r", who, "Note", "text="+who)
	}
	k.check(os.WriteFile(filepath.Join(k.base, "tracker.jsonl"), []byte(all), 0o600))
	k.calm = k.copy()
	for _, s := range killSteps {
		k.time(k.calm, s.args...)
	}
}

// time notes how long a command takes.
func (k *killing) time(dir string, args ...string) {
	k.t.Helper()
	start := time.Now()
	k.must(dir, args...)
	k.takes[args[0]] = time.Since(start)
}

// tracker returns lines to import, some of them first: records that are made, and updated.
func tracker(n int) (early, all string) {
	var b strings.Builder
	for i := range n {
		if i == 10 {
			early = b.String()
		}
		op, rec := "create", uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i))
		if i%5 == 4 {
			op, rec = "update", uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i%3))
		}
		fmt.Fprintf(&b, `{"created":"2018-07-21 %02d:%02d:%02d","creator":"ann","changes":[{"op":%q,"type":"Ticket","uuid":%q,"props":{"status":"s%d"}}]}`+"\n",
			i/3600, i/60%60, i%60, op, rec, i)
	}
	return early, b.String()
}

func (k *killing) check(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// copy returns a copy of the base.
func (k *killing) copy() string {
	k.t.Helper()
	dir := k.t.TempDir()
	k.check(os.CopyFS(dir, os.DirFS(k.base)))
	return dir
}

// command is the real program in a directory.
func (k *killing) command(dir string, args ...string) (c *exec.Cmd, out *bytes.Buffer) {
	c, out = exec.Command("prophet", args...), new(bytes.Buffer)
	c.Dir, c.Stdout, c.Stderr = dir, out, new(bytes.Buffer)
	c.Env = append(os.Environ(), "EMAIL=ann@example.com", raceOption+"="+raceValue, "GOMAXPROCS="+processors())
	return c, out
}

// must runs a command that has to end well.
func (k *killing) must(dir string, args ...string) {
	k.t.Helper()
	if c, _ := k.command(dir, args...); c.Run() != nil {
		k.t.Fatalf("%s: %s", args, c.Stderr)
	}
}

// round does all the work once, with so many kills at most, and returns how many there were.
func (k *killing) round(most int) (killed int) {
	k.t.Helper()
	k.dir = k.copy()
	for i, s := range killSteps {
		for range (most - killed) / (len(killSteps) + 1 - i) {
			if !k.kill(s.target, s.args...) {
				break
			}
			killed++
		}
		k.must(k.dir, s.args...)
	}
	for _, s := range killSteps {
		k.same(s.target)
	}
	for created := 0; killed < most && created < 100; created++ { // a create takes so little that not every kill comes in time
		if k.killCreate() {
			killed++
		}
	}
	k.check(os.RemoveAll(k.dir))
	return killed
}

// kill starts a command, kills it at some moment, and looks at what is left. It reports false if the command came to its end before.
func (k *killing) kill(target string, args ...string) bool {
	k.t.Helper()
	was := k.look(target)
	killed, out := k.cut(args...)
	if !killed {
		return false
	}
	now := k.look(target)
	k.note(args[0], was, now)
	when := fmt.Sprintf("%s, killed, after it said %q", args[0], out)
	want := lookAt(k.t, filepath.Join(k.calm, target)).rows
	if now.rows < was.rows || now.rows > want || strings.HasSuffix(out, "\n") && now.rows < want {
		k.t.Fatalf("%s: %d rows of %d, %d before", when, now.rows, want, was.rows)
	}
	if target != "www" {
		replicatest.Sound(k.t, k.files(target), when)
	} else if now.rows != 0 && now.rows != want {
		k.t.Fatalf("%s: the mirror shows %d rows", when, now.rows)
	}
	return true
}

// cut starts a command and kills it at a random moment of the time that it took when it came to its end last. It returns what it wrote to standard output.
func (k *killing) cut(args ...string) (killed bool, out string) {
	k.t.Helper()
	c, b := k.command(k.dir, args...)
	start := time.Now()
	k.check(c.Start())
	timer := time.AfterFunc(time.Duration(k.rng.Float64()*float64(k.takes[args[0]])), func() { _ = c.Process.Kill() })
	err := c.Wait()
	timer.Stop()
	var exit *exec.ExitError
	if killed = errors.As(err, &exit) && !exit.Exited(); err != nil && !killed {
		k.t.Fatalf("%s: %v, %s", args, err, c.Stderr)
	}
	if !killed {
		k.takes[args[0]] = time.Since(start)
	}
	return killed, b.String()
}

// killCreate kills a create. A record that was reported is there.
func (k *killing) killCreate() bool {
	k.t.Helper()
	was := k.look("ann")
	killed, out := k.cut("create", "-r", "ann", "Note", "text=killed")
	now := k.look("ann")
	if more := now.rows - was.rows; more > 1 || more < 1 && out != "" {
		k.t.Fatalf("create, killed, after it said %q: %d rows more", out, more)
	}
	if killed {
		k.note("create", was, now)
		replicatest.Sound(k.t, k.files("ann"), "create, killed")
	}
	return killed
}

func (k *killing) files(target string) afero.Fs {
	return afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(k.dir, target))
}

// found is what there is of a replica or mirror.
type found struct {
	rows   uint32
	files  int
	commit bool // one is under way
}

func (k *killing) look(target string) found {
	k.t.Helper()
	return lookAt(k.t, filepath.Join(k.dir, target))
}

func lookAt(t *testing.T, dir string) (f found) {
	t.Helper()
	if journal, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(durable.Journal))); err == nil {
		f.commit = bytes.Count(journal, []byte("\n")) > 1
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			f.files++
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	r, err := replica.Open(afero.NewBasePathFs(afero.NewOsFs(), dir), replica.Options{})
	var damage *replica.DamageError
	switch {
	case errors.Is(err, replica.ErrNotReplica) || errors.As(err, &damage) && damage.Path == changeset.ReplicaVersionFile:
		return f
	case err != nil:
		t.Fatal(err)
	}
	f.rows = r.Latest()
	return f
}

// note counts where a kill hit.
func (k *killing) note(command string, was, now found) {
	where := "before it wrote"
	switch {
	case now.commit:
		where = "in a commit"
	case now.rows > was.rows:
		where = "after a commit"
	case now.files > was.files:
		where = "between files"
	}
	if k.hits[command] == nil {
		k.hits[command] = map[string]int{}
	}
	k.hits[command][where]++
}

// same fails the test unless what was done with kills is what was done without.
func (k *killing) same(target string) {
	k.t.Helper()
	var views []replicatest.View
	for _, dir := range []string{k.calm, k.dir} {
		r, err := replica.Open(afero.NewBasePathFs(afero.NewOsFs(), filepath.Join(dir, target)), replica.Options{})
		k.check(err)
		v, err := replicatest.Look(r, changeset.RecordID.String)
		k.check(err)
		views = append(views, v)
	}
	if views[0] != views[1] {
		k.t.Errorf("%s shows, after kills,\n%s\nand without\n%s", target, views[1], views[0])
	}
	replicatest.Sound(k.t, k.files(target), target+", in the end")
}

// print prints the table of kills.
func (k *killing) print() {
	columns := []string{"before it wrote", "between files", "in a commit", "after a commit"}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t%s\t\n", strings.Join(columns, "\t"))
	total := 0
	for _, command := range slices.Sorted(maps.Keys(k.hits)) {
		fmt.Fprintf(w, "%s\t", command)
		for _, c := range columns {
			fmt.Fprintf(w, "%d\t", k.hits[command][c])
			total += k.hits[command][c]
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	k.t.Logf("%d kills:\n%s", total, &b)
}
