package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func TestInterruptsAreHeldWhileAnotherProgramRuns(t *testing.T) {
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	release := s.hold()
	kill(t)
	select {
	case <-ctx.Done():
		t.Fatal("interrupted while held")
	case <-time.After(100 * time.Millisecond):
	}
	release()
	kill(t)
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("not interrupted")
	}
	if context.Cause(ctx) != errInterrupted {
		t.Errorf("the cause is %v", context.Cause(ctx))
	}
}

func TestTheUsersEditorHasCtrlCToItself(t *testing.T) {
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	if err := systemEnv(ctx, &s).Exec("sh", "-c", "kill -INT $PPID; sleep 0.2"); err != nil || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}

func kill(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// waitMain is a program with a command that takes its time: it makes the file "started", and after the
// first interrupt the file "interrupted". "wait" then ends in order; "wait on" goes on for a minute and ends well.
func waitMain() {
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	list := []*cli.Command{{Name: "wait", Action: func(c *cli.Context) error {
		touch("started")
		<-c.Context.Done()
		touch("interrupted")
		if c.Args().Present() {
			time.Sleep(time.Minute)
			return nil
		}
		return c.Context.Err()
	}}}
	os.Exit(execute(ctx, systemEnv(ctx, &s), list, os.Args[1:]))
}

func touch(name string) {
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		panic(err)
	}
}
