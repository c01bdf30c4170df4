package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/spf13/afero"
)

// findReplica returns the directory of the replica to work on: --replica, else PROPHET_REPO, else
// the working directory or the nearest directory above it that is a replica.
func (e *env) findReplica(g globals) (string, error) {
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
	if !ok {
		return "", &failure{exitNoReplica, hintNoReplica, fmt.Errorf("%s is not a replica", dir)}
	}
	return dir, nil
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

// isReplica reports whether dir is a replica. The resolutions inside a replica are none, nor is the
// root of a mirror that holds databases: neither is what a person works on.
func isReplica(fsys afero.Fs, dir string) (bool, error) {
	ok, err := hasReplicaUUID(fsys, dir)
	if !ok || err != nil || filepath.Base(dir) != "resolutions" {
		return ok, err
	}
	inside, err := hasReplicaUUID(fsys, filepath.Dir(dir))
	return !inside, err
}

func hasReplicaUUID(fsys afero.Fs, dir string) (bool, error) {
	info, err := fsys.Stat(filepath.Join(dir, "replica-uuid"))
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
