// Package realserver starts servers that we did not write, nginx, Python's and rsync, for tests
// that say "any static server will do". Each serves one directory on the loopback interface, on a port of its
// own, until the test ends:
//
//	url, ok := realserver.Nginx(t, dir)
//	if !ok {
//		t.Log("nginx is not installed: not tried")
//		return
//	}
//
// Where the environment has PROPHET_REAL_SERVERS=1, as in continuous integration, a server that is not
// installed fails the test instead.
package realserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// How long a server may take to start, and to end after it was asked to, before it is killed.
const (
	startTime = 20 * time.Second
	stopTime  = 5 * time.Second
)

// Python serves dir with python3 -m http.server, which knows neither Range nor compression nor
// kept connections, and returns its URL, with no slash at the end. Not ok: there is no python3.
func Python(tb testing.TB, dir string) (url string, ok bool) {
	tb.Helper()
	python, ok := find(tb, "python3")
	if !ok {
		return "", false
	}
	// It is given port 0, and says on its output which one it got.
	cmd := exec.Command(python, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, "0")
	p := start(tb, cmd)
	port := regexp.MustCompile(`port (\d+)`)
	err := p.await(func() bool { return port.MatchString(p.output()) })
	if err != nil {
		tb.Fatal(err)
	}
	return "http://127.0.0.1:" + port.FindStringSubmatch(p.output())[1], true
}

// process is a server that was started. What it prints goes to a file, so that nobody waits for a pipe.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when the process has ended
}

// start starts cmd and has it end with the test.
func start(tb testing.TB, cmd *exec.Cmd) *process {
	tb.Helper()
	p := &process{cmd, filepath.Join(tb.TempDir(), "output"), make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		tb.Fatal(err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is in its output, if anybody asks
	}()
	tb.Cleanup(p.stop)
	return p
}

// stop asks the process to end, kills it if it does not, and returns when it has ended.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt) // an error means that it has ended
	select {
	case <-p.done:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await returns when ready does. It is an error if the process ends before, or takes too long.
func (p *process) await(ready func() bool) error {
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended early:\n%s", p.cmd.Path, p.output())
		case <-time.After(10 * time.Millisecond):
		}
		if ready() {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer after %v:\n%s", p.cmd.Path, startTime, p.output())
}

// output returns what the process has printed so far.
func (p *process) output() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text))
}

// find looks a program up on PATH, and where Debian keeps servers.
func find(tb testing.TB, program string) (path string, ok bool) {
	tb.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	if os.Getenv("PROPHET_REAL_SERVERS") == "1" {
		tb.Fatalf("%s is not installed, and PROPHET_REAL_SERVERS=1 asks for it", program)
	}
	return "", false
}
