package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/afero"
)

func TestFindReplica(t *testing.T) {
	w := newWorld()
	for _, path := range []string{
		"/home/ann/bugs/replica-version",
		"/home/ann/bugs/resolutions/replica-version",
		"/home/ann/bugs/cas/x/replica-version/file",
		"/home/ann/mirror/prophet.json",
		"/home/ann/mirror/10b1e589-83c2-4e27-917c-42dae1b8cf11/replica-version",
		"/home/ann/resolutions/replica-version", // a replica that happens to have this name
		"/home/ann/file",
		"/home/ann/half/replica-uuid", // its making was cut off
	} {
		w.write(t, path, "10b1e589-83c2-4e27-917c-42dae1b8cf11")
	}
	tests := []struct{ dir, flag, repo, want string }{
		{"/home/ann/bugs", "", "", "/home/ann/bugs"},
		{"/home/ann/bugs/cas/x", "", "", "/home/ann/bugs"},
		{"/home/ann/bugs/resolutions", "", "", "/home/ann/bugs"},
		{"/home/ann/bugs/resolutions/cas", "", "", "/home/ann/bugs"},
		{"/home/ann/bugs/not/there", "", "", "/home/ann/bugs"},
		{"/home/ann", "", "", "no replica in /home/ann or above it"},
		{"/home/ann/mirror", "", "", "no replica in /home/ann/mirror or above it"},
		{"/home/ann/resolutions", "", "", "/home/ann/resolutions"},
		{"/home/ann", "bugs", "", "/home/ann/bugs"},
		{"/home/ann", "./mirror/../bugs/", "", "/home/ann/bugs"},
		{"/home/ann", "/home/ann/bugs", "mirror", "/home/ann/bugs"},
		{"/home/ann", "", "bugs", "/home/ann/bugs"},
		{"/home/ann/bugs", "", "../mirror/10b1e589-83c2-4e27-917c-42dae1b8cf11", "/home/ann/mirror/10b1e589-83c2-4e27-917c-42dae1b8cf11"},
		{"/home/ann/bugs", "../mirror", "", "/home/ann/mirror is not a replica"},
		{"/home/ann/bugs", "", "../mirror", "PROPHET_REPO: /home/ann/mirror is not a replica"},
		{"/home/ann/bugs", "cas", "", "/home/ann/bugs/cas is not a replica"},
		{"/home/ann/bugs", "resolutions", "", "/home/ann/bugs/resolutions is not a replica"},
		{"/home/ann/half", "", "", "no replica in /home/ann/half or above it"},
		{"/home/ann", "half", "", "/home/ann/half is not a replica: it has no replica-version, which is written last"},
		{"/home/ann/bugs", "/nowhere", "", "/nowhere does not exist"},
		{"/home/ann/bugs", "/home/ann/file", "", "/home/ann/file is not a replica"},
	}
	for _, tt := range tests {
		w.Dir, w.vars["PROPHET_REPO"] = tt.dir, tt.repo
		got, err := w.findReplica(globals{replica: tt.flag})
		if err != nil {
			got = err.Error()
			if exitCode(err) != exitNoReplica {
				t.Errorf("%+v: exit code %d", tt, exitCode(err))
			}
		}
		if got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

// locked is a file system in which nothing may be looked at.
type locked struct{ afero.Fs }

func (locked) Stat(name string) (fs.FileInfo, error) {
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrPermission}
}

func TestFindReplicaReportsWhatItMayNotSee(t *testing.T) {
	w := newWorld()
	w.Fs = locked{w.Fs}
	for _, g := range []globals{{}, {replica: "x"}} {
		if _, err := w.findReplica(g); exitCode(err) != exitFailed || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%+v: got %v", g, err)
		}
	}
}

func TestANewReplicaHasOneDirectory(t *testing.T) {
	w := newWorld()
	tests := []struct{ arg, flag, want string }{
		{"", "", ""},
		{"bugs", "", "/home/ann/bugs"},
		{"", "bugs", "/home/ann/bugs"},
		{"bugs", "./bugs/", "/home/ann/bugs"},
		{"bugs", "other", "two directories are given: bugs, and other by --replica"},
	}
	for _, tt := range tests {
		got, err := w.newReplicaDir(tt.arg, globals{replica: tt.flag})
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%+v: got %s, exit code %d", tt, got, exitCode(err))
		}
	}
}
