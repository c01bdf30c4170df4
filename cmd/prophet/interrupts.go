package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// interrupts ends a run in an orderly way: the first Ctrl-C (or SIGTERM) cancels its
// context, the second one ends the process at once. A write to a pipe that nobody reads is an error, not the end.
type interrupts struct{ held atomic.Int32 }

// watch returns a context that the first signal cancels, with errInterrupted as the cause. Stop ends the watching.
func (s *interrupts) watch(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go s.follow(ctx, signals, func() {
		signal.Stop(signals) // from here on a signal does what it does by default
		cancel(errInterrupted)
	})
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// follow calls interrupt at the first signal that is not held, and ends then or with ctx.
func (s *interrupts) follow(ctx context.Context, signals <-chan os.Signal, interrupt func()) {
	for {
		select {
		case <-signals:
			if s.held.Load() > 0 {
				continue
			}
			interrupt()
			return
		case <-ctx.Done():
			return
		}
	}
}

// hold makes signals without effect until release, while another program has the terminal.
func (s *interrupts) hold() (release func()) {
	s.held.Add(1)
	return func() { s.held.Add(-1) }
}
