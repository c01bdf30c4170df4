package rsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Copier copies files between a directory here and a place.
type Copier struct {
	Program string // rsync's name, looked for on PATH, or its path
	Dir     string // here, a path of the operating system; it exists
	To      Place

	after func(time.Duration) <-chan time.Time // time.After if nil
}

// What rsync ends with, as its manual has it, and the shell or ssh in its place.
const (
	exitStarting      = 5   // error starting the client-server protocol
	exitSocket        = 10  // error in socket I/O
	exitProtocol      = 12  // error in the protocol data stream: the other end does not answer as an rsync does
	exitSignal        = 20  // received SIGUSR1 or SIGINT
	exitPartial       = 23  // partial transfer due to error, as where there is nothing to copy from
	exitTimeout       = 30  // timeout in data send/receive
	exitDaemonTimeout = 35  // timeout waiting for the daemon's connection
	exitNoCommand     = 127 // the shell there found no such program
	exitSSH           = 255 // ssh failed
)

// How long a program that was interrupted may take to end, and its interruption to be heard of here.
const (
	stopTime = 10 * time.Second
	hearTime = time.Second
)

// Fetch makes Dir hold what the place has at these names, which are slash-separated, "*" standing for any name in a directory, and of directories with all in them if they end in a
// slash. What the place lacks of it is removed from Dir. Files are compared by their bytes. No link is followed, and none made. Where the place does not exist, it is made.
func (c *Copier) Fetch(ctx context.Context, names []string) error {
	args := append([]string{"--recursive", "--checksum", "--delete", "--prune-empty-dirs", "--chmod=u+rwX"}, only(names)...)
	fetch := func() error { return c.run(ctx, "fetch what is there", "", append(args, c.ends(c.To.text, "./")...)) }
	err := fetch()
	var failed *Error
	if !errors.As(err, &failed) || failed.Code != exitPartial {
		return err
	}
	if err := c.make(ctx); err != nil {
		return err
	}
	return fetch()
}

// only returns the rules that leave out all but these names.
func only(names []string) []string {
	var rules []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			rules = append(rules, "--include=/"+name)
		}
	}
	for _, name := range names {
		for i, c := range name {
			if c == '/' {
				add(name[:i+1])
			}
		}
		if strings.HasSuffix(name, "/") {
			name += "**"
		}
		add(name)
	}
	return append(rules, "--exclude=*")
}

// make makes the place, in a directory that exists.
func (c *Copier) make(ctx context.Context) error {
	args := append([]string{"--dirs", "--chmod=Du+rwx,Da+rx", "--exclude=*"}, c.ends("./", c.To.text)...)
	return c.run(ctx, "make the directory", "", args)
}

// Send copies these files of Dir to the place, by their slash-separated names, whatever their times, and removes those there that are gone from Dir. Each is replaced by one rename;
// the web server may read it.
func (c *Copier) Send(ctx context.Context, names, gone []string) error {
	args := []string{"--files-from=-", "--from0", "--ignore-times", "--chmod=Du+rwx,Da+rx,Fu+rw,Fa+r"}
	if len(gone) > 0 {
		args = append(args, "--delete-missing-args")
	}
	list := strings.Join(append(append([]string{}, names...), gone...), "\x00")
	return c.run(ctx, "copy what is new", list, append(args, c.ends("./", c.To.text)...))
}

// ends are the arguments that say from where to where.
func (c *Copier) ends(from, to string) []string {
	if c.To.plain {
		return []string{"--", from, to}
	}
	return []string{"--protect-args", "--", from, to}
}

// Error says that rsync failed.
type Error struct {
	Doing  string // "copy what is new"
	Run    string // the program
	Output string // the end of what it printed, which may hold anything
	Code   int    // it ended with that; -1: it was not run, or did not end by itself
	Err    error
}

func (e *Error) Error() string {
	text := e.Run + ": " + e.Err.Error()
	if e.Output != "" {
		text = e.Output + " (" + text + ")"
	}
	return e.Doing + ": " + text
}

func (e *Error) Unwrap() error { return e.Err }

// Missing reports whether there is no such program to run.
func (e *Error) Missing() bool {
	return errors.Is(e.Err, exec.ErrNotFound) || errors.Is(e.Err, exec.ErrDot) || e.Code < 0 && errors.Is(e.Err, fs.ErrNotExist)
}

// Unreached reports whether no rsync answered at the other end.
func (e *Error) Unreached() bool {
	switch e.Code {
	case exitStarting, exitSocket, exitProtocol, exitTimeout, exitDaemonTimeout, exitNoCommand, exitSSH:
		return true
	}
	return false
}

// run runs rsync, which is interrupted when ctx ends.
func (c *Copier) run(ctx context.Context, doing, input string, args []string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	cmd := exec.CommandContext(ctx, c.Program, args...)
	cmd.Dir, cmd.Stdin = c.Dir, strings.NewReader(input)
	printed := &tail{}
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTime
	err := cmd.Run()
	if err == nil {
		return nil
	}
	code := cmd.ProcessState.ExitCode()
	if code == exitSignal { // it heard of an interruption first
		after := c.after
		if after == nil {
			after = time.After
		}
		select {
		case <-ctx.Done():
		case <-after(hearTime):
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	return &Error{doing, c.Program, printed.lines(), code, err}
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

const mostPrinted = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - mostPrinted; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

// lines returns the lines in one, without those that say how rsync ends, which its exit status says too.
func (t *tail) lines() string {
	var lines []string
	for line := range strings.Lines(string(t.b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "rsync error: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
