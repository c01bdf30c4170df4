package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/internal/durable"
	psync "prophet/sync"
)

// failing returns a command that prints a line and then ends with err.
func failing(e *env, err error) []*cli.Command {
	return []*cli.Command{{Name: "fail", Action: func(c *cli.Context) error {
		p := e.printer(globalsOf(c))
		if err := p.linef("a result"); err != nil {
			return err
		}
		return err
	}}}
}

func TestErrorsArePrintedWithTheirHintAndCode(t *testing.T) {
	tests := []struct {
		err  error
		code int
		want string
	}{
		{nil, exitDone, ""},
		{errConflicts, exitConflicts, ""},
		{errors.New("no luck"), exitFailed, "prophet: error: no luck\n"},
		{usagef("no %s", "sense"), exitUsage, "prophet: error: no sense\n"},
		{fmt.Errorf("here: %w", withHint(usagef("no sense"), "read %s", "it")), exitUsage, "prophet: error: here: no sense\nprophet: hint: read it\n"},
		{withHint(errors.New("no luck"), "try again"), exitFailed, "prophet: error: no luck\nprophet: hint: try again\n"},
		{errors.New("value \x1b[31m\nis bad"), exitFailed, `prophet: error: value \x1b[31m\nis bad` + "\n"},
		{fmt.Errorf("push: %w", syscall.EPIPE), exitFailed, "prophet: error: push: broken pipe\n"},
		{fmt.Errorf("pull: %w", &psync.ForgedError{ID: changeset.ID{Seq: 2}, Here: "/bugs", There: "/x"}), exitFailed,
			"prophet: error: pull: changeset 00000000-0000-0000-0000-000000000000:2 is another edit in /x than the one in /bugs that its origin is made from: no replica can have that, it is made up\n" +
				"prophet: hint: do not pull from there; if it took that up from somebody else, its owner mends it by \"prophet reidentify -r /x /bugs\"\n"},
		{&psync.ForgedError{Here: "/bugs", There: "/x"}, exitFailed,
			"prophet: error: /x has other edits under the names of those in /bugs, and again after each of 8 moves: no replica can have that, it is made up\nprophet: hint: do not pull from there\n"},
		{fmt.Errorf("create: %w", syscall.ENOSPC), exitFailed,
			"prophet: error: create: no space left on device\nprophet: hint: the state before holds; make room, then run the same command again\n"},
		{fmt.Errorf("create: %w", syscall.EROFS), exitFailed,
			"prophet: error: create: read-only file system\nprophet: hint: nothing can be written there: somebody with the right to must mount it for writing; or work in a copy on another disk\n"},
		{&durable.BusyError{Path: "lock", Who: "process 4711 (prophet), which is stopped,"}, exitBusy,
			"prophet: error: process 4711 (prophet), which is stopped, has the lock lock\nprophet: hint: it goes on with \"kill -CONT 4711\", and then lets go of the lock\n"},
		{context.Canceled, exitFailed, "prophet: error: context canceled\n"},
	}
	for _, tt := range tests {
		w := newWorld()
		code := execute(context.Background(), w.env, failing(w.env, tt.err), []string{"fail"})
		if code != tt.code || w.err.String() != tt.want || w.out.String() != "a result\n" {
			t.Errorf("%v: exit code %d, stderr %q, stdout %q", tt.err, code, w.err, w.out)
		}
	}
}

func TestAPanicIsReportedAsABug(t *testing.T) {
	w := newWorld()
	list := []*cli.Command{{Name: "fail", Action: func(*cli.Context) error { panic("index out of range") }}}
	if code := execute(context.Background(), w.env, list, []string{"fail"}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	want := "prophet: error: this is a bug in prophet: index out of range\nprophet: hint: please report it, with the command line\n"
	if w.err.String() != want {
		t.Errorf("got %s", w.err)
	}
}

func TestAnInterruptedRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	for _, err := range []error{errInterrupted, ctx.Err(), fmt.Errorf("pull from http://x/: %w", ctx.Err())} {
		w := newWorld()
		if code := execute(ctx, w.env, failing(w.env, err), []string{"fail"}); code != exitFailed || w.err.String() != "prophet: error: fail: interrupted\n" {
			t.Errorf("%v: exit code %d, %s", err, code, w.err)
		}
	}
}

func TestAnotherErrorOfAnInterruptedRunIsItself(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errInterrupted)
	w := newWorld()
	execute(ctx, w.env, failing(w.env, errors.New("no luck")), []string{"fail"})
	if w.err.String() != "prophet: error: no luck\n" {
		t.Errorf("got %s", w.err)
	}
}

// brokenWriter fails with err.
type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestResultsThatCannotBeWritten(t *testing.T) {
	tests := []struct {
		writing, err error
		code         int
		want         string
	}{
		{syscall.EPIPE, nil, exitDone, ""},
		{syscall.EPIPE, errConflicts, exitConflicts, ""},
		{syscall.EPIPE, errors.New("no luck"), exitFailed, "prophet: error: no luck\n"},
		{syscall.ENOSPC, nil, exitFailed, "prophet: error: no space left on device\n"},
		{syscall.ENOSPC, errConflicts, exitFailed, "prophet: error: no space left on device\n"},
		{syscall.ENOSPC, usagef("no sense"), exitUsage, "prophet: error: no sense\n"},
	}
	for _, tt := range tests {
		w := newWorld()
		w.Stdout = brokenWriter{tt.writing}
		code := execute(context.Background(), w.env, failing(w.env, tt.err), []string{"fail"})
		if code != tt.code || w.err.String() != tt.want {
			t.Errorf("%v, %v: exit code %d, %s", tt.writing, tt.err, code, w.err)
		}
	}
}

func TestALongListEndsWhenNobodyReads(t *testing.T) {
	w := newWorld()
	w.Stdout = brokenWriter{syscall.EPIPE}
	lines := 0
	list := []*cli.Command{{Name: "list", Action: func(c *cli.Context) error {
		for ; lines < 1_000_000; lines++ {
			if err := w.printer(globals{}).linef("a line"); err != nil {
				return err
			}
		}
		return nil
	}}}
	if code := execute(context.Background(), w.env, list, []string{"list"}); code != exitDone || w.err.Len() > 0 || lines > 100_000 {
		t.Errorf("exit code %d after %d lines, %s", code, lines, w.err)
	}
}

func TestHelpReportsAFailedWrite(t *testing.T) {
	w := newWorld()
	w.Stdout = brokenWriter{io.ErrShortWrite}
	if code := run(context.Background(), w.env, []string{"help"}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
