package main

import (
	"context"
	"errors"
)

// errInterrupted is the cause of a context that a signal cancelled.
var errInterrupted = errors.New("interrupted")

// interrupted reports whether an error says no more than that a signal ended the run.
func interrupted(ctx context.Context, err error) bool {
	return context.Cause(ctx) == errInterrupted && (errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted))
}

// ifInterrupted adds to the error of work that was interrupted what of it stays and how to go on. Who adds nothing has changed nothing.
func ifInterrupted(ctx context.Context, err error, format string, args ...any) error {
	if !interrupted(ctx, err) {
		return err
	}
	return withHint(err, format, args...)
}

// ifCutOff is ifInterrupted, and the same for work that a full disk ended, or a file that may not grow: what was committed until then stays, too.
func ifCutOff(ctx context.Context, err error, format string, args ...any) error {
	switch hintOf(err) {
	case hintFull:
		return withHint(err, makeRoom+"; "+format, args...)
	case hintLarge:
		return withHint(err, raiseLimit+"; "+format, args...)
	}
	return ifInterrupted(ctx, err, format, args...)
}

// hintUnchanged is what to do after a command that was interrupted before it changed something.
const hintUnchanged = "nothing was changed; run it again"
