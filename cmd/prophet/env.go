package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/afero"
	"golang.org/x/term"
)

// env is the world around one run of the program. Commands reach the outside through it, and tests set what they need.
type env struct {
	Stdin    io.Reader
	Asks     bool      // Stdin and Stdout are a terminal, be it a dumb one: somebody can be asked
	Stdout   io.Writer // results, and nothing else
	Terminal bool      // Stdout is one, be it a dumb one
	Stderr   io.Writer // errors, notes, progress
	OutWidth int       // columns of the terminal that Stdout is; 0 if it is none, or a dumb one
	ErrWidth int       // likewise of Stderr
	Getenv   func(string) string
	Dir      string // the working directory, absolute
	Cache    string // where the user keeps what can be made again, absolute; "" if nowhere
	Host     string // the name of this machine
	Fs       afero.Fs
	Now      func() time.Time
	// Exec runs a program on the terminal of this one and waits for it. What the user types meanwhile, Ctrl-C included, is the program's.
	Exec func(name string, args ...string) error

	at      string // the directory of the replica that the command works on, "" if none was looked for yet
	given   string // --replica, of a command that works on a replica that is there
	command string // at work, by its name
	changes bool   // it does more than to show something
	edits   bool   // it makes an edit that names a person
	atEnd   func() // what it has to say after its results; may be nil
}

// systemEnv returns the real world. Reading from its Stdin ends when ctx does.
func systemEnv(ctx context.Context, s *interrupts) *env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "." // it was removed; what is named absolutely still works
	}
	host, _ := os.Hostname()
	cache, _ := os.UserCacheDir() // "" where the environment names none
	e := &env{
		Stdin:    &contextReader{ctx: ctx, r: os.Stdin},
		Asks:     term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
		Stdout:   os.Stdout,
		Terminal: term.IsTerminal(int(os.Stdout.Fd())),
		Stderr:   os.Stderr,
		OutWidth: terminalWidth(os.Stdout),
		ErrWidth: terminalWidth(os.Stderr),
		Getenv:   os.Getenv,
		Dir:      dir,
		Cache:    cache,
		Host:     host,
		Fs:       afero.NewOsFs(),
		Now:      time.Now,
	}
	e.Exec = func(name string, args ...string) error {
		defer s.hold()()
		c := exec.Command(name, args...)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		return c.Run()
	}
	return e
}

// terminalWidth returns the columns of the terminal that f is, 0 if it is none, or says that it cannot move its cursor.
func terminalWidth(f *os.File) int {
	if !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// path returns a path that the user gave as an absolute one.
func (e *env) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(e.Dir, p)
}

// openGiven opens a file that somebody named, and no directory. Where it is no regular file, such as a named pipe that nobody writes to, opening it and reading end when ctx does.
func (e *env) openGiven(ctx context.Context, name string) (io.ReadCloser, error) {
	info, err := e.Fs.Stat(name)
	if err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	if err != nil || info.Mode().IsRegular() {
		return e.Fs.Open(name)
	}
	type opened struct {
		f   afero.File
		err error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := e.Fs.Open(name)
		done <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx) // the program ends, and the file with it
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		return struct {
			io.Reader
			io.Closer
		}{&contextReader{ctx: ctx, r: o.f}, o.f}, nil
	}
}

// contextReader reads from r until ctx ends, even while r waits for somebody to type.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	buf := make([]byte, len(p)) // its own: a read that nobody waits for any more may still fill it
	done := make(chan result, 1)
	go func() {
		n, err := c.r.Read(buf)
		done <- result{n, err}
	}()
	select {
	case <-c.ctx.Done():
		return 0, context.Cause(c.ctx)
	case res := <-done:
		return copy(p, buf[:res.n]), res.err
	}
}
