package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"

	"prophet/internal/terminal"
	"prophet/replica"
	psync "prophet/sync"
)

// The exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitConflicts
	exitNoRecord
	exitNoReplica
	exitOtherDatabase
	exitUnmet
	exitBusy
)

// exitCodes is the table in the manual.
var exitCodes = [...]string{
	exitDone:          "done",
	exitFailed:        "failed; what was reported done before stays done",
	exitUsage:         "wrong usage; nothing was done",
	exitConflicts:     "done, and conflicts were opened (pull, push, import) or left (resolve)",
	exitNoRecord:      "no such record or changeset",
	exitNoReplica:     "no replica here, or none where another one was named",
	exitOtherDatabase: "the other replica is of another database",
	exitUnmet:         "a condition of --if does not hold; nothing was done",
	exitBusy:          "another process writes there, and --wait is over, or it goes on (fsck)",
}

// failure is an error that knows its exit code and what a person can do about it.
type failure struct {
	code int
	hint string // "" if there is nothing to say
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usagef returns an error for a command line that cannot be right.
func usagef(format string, args ...any) *failure {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// withHint adds what to do to an error. Its exit code stays.
func withHint(err error, format string, args ...any) *failure {
	return &failure{code: exitCode(err), hint: fmt.Sprintf(format, args...), err: err}
}

// errConflicts ends a command that has done and printed what was asked for, and opened conflicts.
var errConflicts = &failure{code: exitConflicts, err: errors.New("conflicts were opened")}

// errLeft ends a resolve that went through several conflicts and left some.
var errLeft = &failure{code: exitConflicts, err: errors.New("conflicts are left")}

// outputError is a failure to write results.
type outputError struct{ err error }

func (o *outputError) Error() string { return o.err.Error() }
func (o *outputError) Unwrap() error { return o.err }

// exitCode returns the exit code for an error.
func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil || nobodyReads(err):
		return exitDone
	case errors.As(err, &f):
		return f.code
	}
	code, _ := explain(err)
	return code
}

// hintOf returns what a person can do about an error, "" if there is nothing to say.
func hintOf(err error) string {
	var f *failure
	if errors.As(err, &f) && f.hint != "" {
		return f.hint
	}
	_, hint := explain(err)
	return hint
}

// hintFor is hintOf, and looks at the replicas that the error is about.
func (e *env) hintFor(err error) string {
	var f *failure
	var fork *replica.ForkError
	var forged *psync.ForgedError
	var back *psync.WentBackError
	switch {
	case errors.As(err, &f) && f.hint != "":
		return f.hint
	case errors.As(err, &fork) && fork.There != "":
		return e.hintFork(fork)
	case errors.As(err, &forged):
		return e.hintForged(forged)
	case errors.As(err, &back):
		return hintWentBack(back)
	case errors.Is(err, replica.ErrExported) && e.at != "":
		return fmt.Sprintf(`"prophet clone %s DIR" makes a replica of it that can be edited`, shellWord(cmp.Or(e.given, e.at)))
	}
	if hint := e.hintElsewhere(err); hint != "" {
		return hint
	}
	return hintOf(err)
}

// done reports whether a run that ended with err did what was asked for.
func done(err error) bool {
	code := exitCode(err)
	return code == exitDone || code == exitConflicts
}

// nobodyReads reports whether err says that the reader of our results has had enough of them.
func nobodyReads(err error) bool {
	var o *outputError
	return errors.As(err, &o) && errors.Is(o, syscall.EPIPE)
}

// report prints an error, with its hint, and returns the exit code.
func report(ctx context.Context, e *env, err error) int {
	code := exitCode(err)
	if done(err) {
		return code
	}
	hint := e.hintFor(err)
	if interrupted(ctx, err) {
		err = fmt.Errorf("%s: %w", e.command, errInterrupted)
		if hint == "" && e.changes {
			hint = hintUnchanged
		}
	}
	var o *outputError
	if e.changes && errors.As(err, &o) {
		err = fmt.Errorf("%w; what the command did is done", err)
	}
	e.say("prophet: error: " + terminal.Safe(err.Error()))
	if hint != "" {
		e.say(hintText(e.here(hint)))
	}
	return code
}

// hintText is a hint as it is shown, with all lines but the first indented.
func hintText(hint string) string { return "prophet: hint: " + terminal.SafeLines(hint, "  ") }
