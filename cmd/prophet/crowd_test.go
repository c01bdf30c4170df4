package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowdTime is for a long run: go test ./cmd/prophet -run ManyProcesses -crowd 1m -v
var crowdTime = flag.Duration("crowd", 0, "how long processes write and read at once; 0: each does something once")

// party is a directory with the program, at which many processes work.
type party struct {
	t   *testing.T
	dir string
	bin string
}

func newParty(t *testing.T) *party {
	t.Helper()
	return &party{t: t, dir: t.TempDir(), bin: filepath.Join(prophetIn(t), "prophet")}
}

// run runs the program and returns what it prints to each output, and its exit code.
func (p *party) run(args ...string) (out, err string, code int) {
	p.t.Helper()
	c := exec.Command(p.bin, args...)
	var stdout, stderr bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = p.dir, &stdout, &stderr
	c.Env = append(os.Environ(), "EMAIL=ann@example.com", "NOW=", raceOption+"="+raceValue, "GOMAXPROCS="+processors())
	if failed := c.Run(); failed != nil && c.ProcessState == nil {
		p.t.Error(failed)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

// must is run of what has to succeed, with one of the exit codes.
func (p *party) must(codes string, args ...string) string {
	p.t.Helper()
	out, err, code := p.run(args...)
	if !strings.Contains(codes, fmt.Sprint(code)) {
		p.t.Errorf("prophet %q: exit code %d: %s%s", args, code, out, err)
	}
	return out
}

// Whoever is told "Created" finds his record there, and so does everybody who clones.
func TestFortyCreatesAtOnceAreAllThere(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	p.must("0", "init", "bugs")
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() { p.must("0", "create", "-r", "bugs", "Ticket", fmt.Sprintf("n=%d", i)) })
	}
	group.Wait()
	p.must("0", "clone", "-q", "bugs", "copy")
	for _, dir := range []string{"bugs", "copy"} {
		p.must("0", "fsck", "-r", dir)
		list := p.must("0", "search", "-r", dir, "Ticket", "--columns", "n", "--quiet")
		for i := range 40 {
			if !strings.Contains("\n"+list, fmt.Sprintf("\n%d\n", i)) {
				t.Errorf("%s lacks ticket %d", dir, i)
			}
		}
	}
}

// Workers that are processes claim jobs; each job has one worker.
func TestWorkersClaimEachJobOnce(t *testing.T) {
	t.Parallel()
	const workers, jobs = 4, 10
	p := newParty(t)
	p.must("0", "init", "jobs")
	var lines strings.Builder
	for i := range jobs {
		fmt.Fprintf(&lines, `{"created":"2026-01-01 10:00:00","changes":[{"op":"create","type":"Job","uuid":"3f1f7a52-5b5c-4f6e-9c1f-0a6f2d1c9b%02x","props":{"status":"new"}}]}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "jobs.jsonl"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("0", "import", "-r", "jobs", "jobs.jsonl")
	var claimed [jobs + 1]atomic.Int32
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := 1; i <= jobs; i++ {
				_, _, code := p.run("update", "-r", "jobs", fmt.Sprint(i), "--if", "status=new", "status=taken")
				switch code {
				case exitDone:
					claimed[i].Add(1)
				case exitUnmet:
				default:
					t.Errorf("exit code %d", code)
				}
			}
		})
	}
	group.Wait()
	for i := 1; i <= jobs; i++ {
		if n := claimed[i].Load(); n != 1 {
			t.Errorf("job %d was claimed %d times", i, n)
		}
	}
}

// Eight processes write and eight read, each in a way of its own, again and again.
func TestManyProcessesWriteAndReadAtOnce(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	p.must("0", "init", "home")
	p.must("0", "create", "-r", "home", "Ticket", "n=0")
	p.must("0", "clone", "-q", "home", "other")
	p.must("0", "publish", "-q", "-r", "home", "www")
	end := time.Now().Add(*crowdTime)
	var written, read atomic.Int64
	var group sync.WaitGroup
	loop := func(n *atomic.Int64, do func(i int)) {
		group.Go(func() {
			for i := 0; i == 0 || time.Now().Before(end); i++ {
				do(i)
				n.Add(1)
			}
		})
	}
	line := `{"created":"2026-01-01 10:00:00","changes":[{"op":"create","type":"Alarm","uuid":"3f1f7a52-5b5c-4f6e-9c1f-%012x","props":{"n":"1"}}]}` + "\n"
	for _, write := range []func(i int){
		func(i int) { p.must("0", "create", "-r", "home", "Ticket", fmt.Sprint("n=", i)) },
		func(i int) { p.must("0", "update", "-r", "home", "1", fmt.Sprint("n=", i)) },
		func(i int) { p.must("07", "update", "-r", "home", "1", "--if", "m=", fmt.Sprint("m=", i)) },
		func(i int) { p.must("0", "update", "-r", "other", "1", fmt.Sprint("n=other ", i)) },
		func(int) { p.must("03", "pull", "-q", "-r", "home", "other") },
		func(int) { p.must("03", "resolve", "-q", "-r", "home", "--all", "--take", "latest") },
		func(int) { p.must("0", "publish", "-q", "-r", "home", "www") },
		func(i int) {
			name := filepath.Join(p.dir, "alarms.jsonl")
			f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err == nil {
				_, err = fmt.Fprintf(f, line, i)
			}
			if err != nil {
				t.Error(err)
			}
			f.Close()
			p.must("03", "import", "-q", "-r", "home", name)
		},
	} {
		loop(&written, write)
	}
	for i := range 8 {
		rows := 0
		loop(&read, func(n int) {
			switch i {
			case 0:
				p.must("0", "fsck", "-q", "-r", "home")
			case 1:
				to := fmt.Sprint("clone", n)
				p.must("0", "clone", "-q", "www", to)
				p.must("0", "fsck", "-q", "-r", to)
			default:
				now := strings.Count(p.must("0", "log", "-r", "home", "--all", "--json"), "\n")
				if now < rows {
					t.Errorf("the log has %d rows, and had %d", now, rows)
				}
				rows = now
			}
		})
	}
	group.Wait()
	p.must("0", "fsck", "-r", "home")
	t.Logf("%d times something was written, %d times all was read", written.Load(), read.Load())
}
