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

// ifCutOff is ifInterrupted, and the same for work that ended with an error for which there is a remedy, such as a full disk: what was committed until then stays, too.
func ifCutOff(ctx context.Context, err error, format string, args ...any) error {
	if remedy := remedyOf(err); remedy != "" {
		return withHint(err, remedy+"; "+format, args...)
	}
	return ifInterrupted(ctx, err, format, args...)
}

// remedyOf returns what to do, before anything is run again, where the system has no room or no leave for something, or a server or the network failed; "" if the error is of neither.
func remedyOf(err error) string {
	switch hintOf(err) {
	case hintFull:
		return makeRoom
	case hintLarge:
		return raiseLimit
	case hintFiles:
		return raiseFiles
	case hintAllFiles:
		return closeFiles
	case hintServer, hintNetwork:
		return hintOf(err)
	}
	return ""
}

// hintUnchanged is what to do after a command that was interrupted before it changed something.
const hintUnchanged = "nothing was changed; run it again"
