package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

// findReplica returns the directory of the replica to work on: --replica, else PROPHET_REPO, else
// the working directory or the nearest directory above it that is a replica.
func (e *env) findReplica(g globals) (dir string, err error) {
	e.given = g.replica
	e.at, err = e.lookForReplica(g)
	return e.at, err
}

func (e *env) lookForReplica(g globals) (string, error) {
	if word := cmp.Or(g.replica, e.Getenv("PROPHET_REPO")); psync.ReadOnly(word) {
		return "", &failure{exitNoReplica, fmt.Sprintf(`"prophet clone %s DIR" makes a replica of it`, shellWord(psync.Shown(word))),
			fmt.Errorf("%s: %s is on the web, and commands work on a replica in a directory", e.command, psync.Shown(word))}
	}
	if g.replica != "" {
		return theReplica(e.Fs, e.path(g.replica))
	}
	if dir := e.Getenv("PROPHET_REPO"); dir != "" {
		path, err := theReplica(e.Fs, e.path(dir))
		if err != nil {
			return "", &failure{exitCode(err), hintNoReplica, fmt.Errorf("PROPHET_REPO: %w", err)}
		}
		return path, nil
	}
	return replicaAbove(e.Fs, e.Dir)
}

const hintNoReplica = `run "prophet init" to make one, or name one with --replica`

// theReplica returns dir if it is a replica.
func theReplica(fsys afero.Fs, dir string) (string, error) {
	ok, err := isReplica(fsys, dir)
	if err != nil {
		return "", err
	}
	if ok {
		return dir, nil
	}
	if left, err := replica.Remains(durable.Within(fsys, dir)); left && err == nil {
		return "", lostVersion(dir)
	}
	if _, err := fsys.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", &failure{exitNoReplica, hintNoReplica, fmt.Errorf("%s does not exist", dir)}
	}
	if isBegun(fsys, dir) || checkEmptyDir(fsys, dir) != nil && psync.CloneBegun(durable.Within(fsys, dir)) {
		return "", &failure{exitNoReplica, `if "prophet clone" or "prophet init" was cut off there, run it again`,
			fmt.Errorf("%s is not a replica: it has no %s, which is written last", dir, changeset.ReplicaVersionFile)}
	}
	return "", &failure{exitNoReplica, hintNoReplica, fmt.Errorf("%s is not a replica", dir)}
}

// lostVersion is the error of what is left of a replica without replica-version.
func lostVersion(dir string) error {
	return &failure{exitNoReplica, `"prophet fsck --repair" repairs it`,
		fmt.Errorf("%s is not a replica: it has changesets but no %s", dir, changeset.ReplicaVersionFile)}
}

// replicaAbove returns the replica that dir is or lies in.
func replicaAbove(fsys afero.Fs, dir string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		ok, err := isReplica(fsys, d)
		if err != nil {
			return "", err
		}
		if ok {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", &failure{exitNoReplica, hintNoReplica, fmt.Errorf("no replica in %s or above it", dir)}
		}
	}
}

// isReplica reports whether dir is a replica: whether it has a replica-version, which is written last when one is made. The
// resolutions inside a replica are none, nor is the root of a mirror that holds databases: neither is what a person works on.
func isReplica(fsys afero.Fs, dir string) (bool, error) {
	ok, err := isFile(fsys, filepath.Join(dir, changeset.ReplicaVersionFile))
	if !ok || err != nil || filepath.Base(dir) != changeset.ResolutionsDir {
		return ok, err
	}
	inside, err := isFile(fsys, filepath.Join(filepath.Dir(dir), changeset.ReplicaVersionFile))
	return !inside, err
}

// isBegun reports whether the making of a replica in dir was cut off.
func isBegun(fsys afero.Fs, dir string) bool {
	id, err := isFile(fsys, filepath.Join(dir, changeset.ReplicaUUIDFile))
	version, failed := isFile(fsys, filepath.Join(dir, changeset.ReplicaVersionFile))
	return id && !version && err == nil && failed == nil
}

func isFile(fsys afero.Fs, name string) (bool, error) {
	info, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, err // it names the path
	}
	return info.Mode().IsRegular(), nil
}

// newReplicaDir returns the directory for a replica to be made: the command's argument or --replica, which must
// not differ. It is "" if neither is given.
func (e *env) newReplicaDir(arg string, g globals) (string, error) {
	switch {
	case arg == "" && g.replica == "":
		return "", nil
	case arg == "":
		return e.path(g.replica), nil
	case g.replica == "" || e.path(arg) == e.path(g.replica):
		return e.path(arg), nil
	}
	return "", usagef("two directories are given: %s, and %s by --replica", arg, g.replica)
}
