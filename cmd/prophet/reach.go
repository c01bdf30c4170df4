package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"prophet/replica"
	psync "prophet/sync"
)

// reachError says that the replica at a location cannot be opened: what was to be done with it, and why that fails.
type reachError struct {
	text string
	err  error
}

func (r *reachError) Error() string { return r.text }
func (r *reachError) Unwrap() error { return r.err }

// unreachable returns the error of a replica that could not be opened, for what was to be done, such as "pull from". The location is named once.
func unreachable(doing, location string, err error) error {
	shown, text := psync.Shown(location), err.Error()
	for _, name := range []string{shown, strings.TrimSuffix(shown, "/")} {
		for _, lead := range []string{"open replica " + name + ": ", "open " + name + ": "} {
			text = strings.TrimPrefix(text, lead)
		}
		if rest, cut := strings.CutPrefix(text, name+" "); cut {
			text = "it " + rest
		}
	}
	return &reachError{fmt.Sprintf("%s %s: %s", doing, shown, text), err}
}

const (
	hintLocation = "name the directory of a replica, or the URL of one that was published"
	hintNetwork  = "look whether the address is right and the network is there, then try again"
)

// peerHint adds to an error of opening the replica at a location what to do. config is the file that names replicas, "" if there is none.
func (e *env) peerHint(err error, location, config string) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist) && e.missing(location) && config != "":
		return withHint(err, "it is neither a directory nor the name of a replica in %s: %s", config, hintLocation)
	case errors.Is(err, fs.ErrPermission) && psync.ReadOnly(location) && config != "":
		return withHint(err, `a URL with a password is not remembered; write it into %s, as "prophet help config" shows`, config)
	case errors.Is(err, replica.ErrNotReplica):
		return withHint(err, hintLocation)
	case hintOf(err) != "":
		return err
	case psync.ReadOnly(location):
		return withHint(err, hintNetwork)
	}
	return withHint(err, hintLocation)
}

// configFile is the file in which the user names other replicas.
func configFile(dir string) string { return filepath.Join(dir, "config") }
