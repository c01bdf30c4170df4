package main

import (
	"context"
	"os"
	"os/signal"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urfave/cli/v2"
)

func TestInterruptsAreHeldWhileAnotherProgramRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s interrupts
		signals, interrupted := make(chan os.Signal), 0
		go s.follow(t.Context(), signals, func() { interrupted++ })
		release := s.hold()
		signals <- os.Interrupt
		synctest.Wait()
		if interrupted > 0 {
			t.Error("interrupted while held")
		}
		release()
		signals <- os.Interrupt
		synctest.Wait()
		if interrupted != 1 {
			t.Errorf("interrupted %d times", interrupted)
		}
	})
}

func TestASignalInterrupts(t *testing.T) {
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	kill(t)
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
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
	came := make(chan os.Signal, 1)
	signal.Notify(came, os.Interrupt)
	defer signal.Stop(came)
	t.Chdir(t.TempDir())
	go func() {
		<-came
		touch("came") // the editor ends only then
	}()
	editor := "kill -INT $PPID; until [ -e came ]; do sleep 0.02; done"
	if err := systemEnv(ctx, &s).Exec("sh", "-c", editor); err != nil || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}

func kill(t *testing.T) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err != nil {
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
