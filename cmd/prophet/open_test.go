package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/internal/httpfs"
	"prophet/replica"
	psync "prophet/sync"
)

func TestErrorsOfLibrariesAreExplained(t *testing.T) {
	tests := []struct {
		err  error
		code int
		hint string
	}{
		{replica.ErrNoRecord, exitNoRecord, `"prophet search" lists the records`},
		{replica.ErrNotReplica, exitNoReplica, hintNoReplica},
		{psync.ErrOtherDatabase, exitOtherDatabase, "--force brings them together all the same, and nothing takes them apart again; for a copy of that one, clone it into a directory that does not exist"},
		{&replica.AmbiguousError{Prefix: "abcd"}, exitUsage, "write more of the UUID, or the local id"},
		{&replica.VersionError{Where: "/bugs", Version: "2"}, exitFailed, "a later version of prophet reads it"},
		{replica.ErrExported, exitFailed, `"prophet clone URL DIR" makes a replica of it that can be edited`},
		{&replica.DamageError{Path: "x", Err: errors.New("torn")}, exitFailed, `"prophet fsck" lists all that is damaged`},
		{&replica.DamageError{Path: "x", Err: fmt.Errorf("%w: do this", replica.ErrCutOff)}, exitFailed, ""},
		{fmt.Errorf("%w: %w", replica.ErrUncertain, fs.ErrPermission), exitFailed, `once the disk works again, look with "prophet log" whether it is there before you do it again`},
		{&cas.CorruptError{Path: "x"}, exitFailed, `"prophet fsck" lists all that is damaged`},
		{fs.ErrPermission, exitFailed, "look who may read and write there"},
		{&fs.PathError{Op: "open", Path: "/srv/bugs/prophet/lock", Err: fs.ErrPermission}, exitFailed, `look who may read and write there; "prophet help claims" says how several users share a replica`},
		{syscall.EMFILE, exitFailed, hintFiles},
		{syscall.ENFILE, exitFailed, hintAllFiles},
		{httpfs.ErrUnauthorized, exitFailed, hintPassword},
		{&fs.PathError{Op: "fetch", Path: "https://h/x", Err: fs.ErrPermission}, exitFailed, hintForbids},
		{&httpfs.FetchError{Answered: true, Err: errors.New("500")}, exitFailed, hintServer},
		{&httpfs.FetchError{Err: errors.New("refused")}, exitFailed, hintNetwork},
		{errors.New("else"), exitFailed, ""},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("pull: %w", tt.err)} {
			if got := exitCode(err); got != tt.code {
				t.Errorf("%v: exit code %d, want %d", err, got, tt.code)
			}
			if got := hintOf(err); got != tt.hint {
				t.Errorf("%v: hint %q, want %q", err, got, tt.hint)
			}
		}
	}
	err := withHint(fmt.Errorf("edit: %w", replica.ErrNoRecord), "your text is kept")
	if exitCode(err) != exitNoRecord || hintOf(err) != "your text is kept" {
		t.Errorf("a hint of one's own: %d, %q", exitCode(err), hintOf(err))
	}
}

func TestAWriterSaysWhomItWaitsFor(t *testing.T) {
	w := newWorld()
	opts, err := w.replicaOptions("/bugs", globals{})
	if err != nil {
		t.Fatal(err)
	}
	opts.Waiting("another process")
	opts.Warn("odd \x1b")
	want := "prophet: another process writes to /bugs; waiting for it\nprophet: warning: odd \\x1b\n"
	if w.err.String() != want || opts.Creator != "unknown@desk" || opts.Where != "/bugs" {
		t.Errorf("got %q, %+v", w.err, opts)
	}
}

func TestABeginningThatFitsSeveralRecordsNamesNone(t *testing.T) {
	w := newWorld()
	n := byte(0)
	r, err := replica.Init(t.Context(), afero.NewBasePathFs(w.Fs, "/bugs"), replica.Identity{}, replica.Options{NewUUID: func() uuid.UUID {
		n++
		return uuid.UUID{0: 0xab, 1: 0xcd, 15: n}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Ticket", nil); return err }); err != nil {
			t.Fatal(err)
		}
	}
	want := `prophet: error: "ABCD" is the beginning of more than one record: Ticket abcd0000-0000-0000-0000-000000000005, ` +
		"Ticket abcd0000-0000-0000-0000-000000000006\nprophet: hint: write more of the UUID, or the local id\n"
	if code := run(t.Context(), w.env, []string{"show", "ABCD", "-r", "/bugs"}); code != exitUsage || w.err.String() != want {
		t.Errorf("exit code %d, %s", code, w.err)
	}
}
