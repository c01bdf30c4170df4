package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prophet/internal/realserver"
)

// TestARealRsyncPublishes publishes through the rsync that is installed, by a remote shell and to one that serves, and clones what came of it.
func TestARealRsyncPublishes(t *testing.T) {
	shell, ok := realserver.RemoteShell(t)
	if !ok {
		t.Log("rsync is not installed: not tried")
		return
	}
	t.Setenv("RSYNC_RSH", shell)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("EMAIL", "ann@example.com")
	dir, served := t.TempDir(), t.TempDir()
	url, _ := realserver.Rsync(t, served)
	do := func(want string, args ...string) {
		t.Helper()
		var printed bytes.Buffer
		e := systemEnv(t.Context(), new(interrupts))
		e.Dir, e.Stdout, e.Stderr = dir, &printed, &printed
		if code := run(t.Context(), e, args); code != 0 || !strings.Contains(printed.String(), want) {
			t.Fatalf("%q: exit code %d\n%s", args, code, printed.String())
		}
	}
	for there, to := range map[string]string{filepath.Join(dir, "our mirror"): "www:" + filepath.Join(dir, "our mirror"), filepath.Join(served, "bugs"): url + "/bugs"} {
		do("Made", "init", "bugs")
		do("Created", "create", "-r", "bugs", "Ticket", "summary=printer")
		do(": 1 changeset, 1 record", "publish", "-r", "bugs", to)
		do(": nothing new", "publish", "-r", "bugs", to)
		do("Created", "create", "-r", "bugs", "Ticket", "summary=scanner")
		do(": 1 changeset, 1 record", "publish", "-r", "bugs", to)
		do("", "delete", "-r", "bugs", "2")
		do(": 1 changeset, 1 deleted record", "publish", "-r", "bugs", "--prune", to)
		do("no problems", "fsck", there)
		do("no file was missing", "publish", "-r", "bugs", "--check", to)
		do("Cloned", "clone", there, "clone")
		do("", "digest", "-r", "clone", "bugs")
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "clone")), os.RemoveAll(filepath.Join(dir, "bugs"))); err != nil {
			t.Fatal(err)
		}
	}
}
