package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"prophet/internal/httpfs"
	"prophet/replica"
	psync "prophet/sync"
)

// reachError says that the replica at a location cannot be opened: what was to be done with it, and why that fails.
type reachError struct {
	location string
	text     string
	err      error
}

func (r *reachError) Error() string { return r.text }
func (r *reachError) Unwrap() error { return r.err }

// unreachable returns the error of a replica that could not be opened, for what was to be done, such as "pull from". The location is named once.
func unreachable(doing, location string, err error) error {
	shown, text := psync.Shown(location), err.Error()
	for _, name := range []string{shown, strings.TrimSuffix(shown, "/")} {
		for _, lead := range []string{"pull from " + name + ": ", "open replica " + name + ": ", "open " + name + ": "} {
			text = strings.TrimPrefix(text, lead)
		}
		if rest, cut := strings.CutPrefix(text, name+" "); cut {
			text = "it " + rest
		}
	}
	return &reachError{location, fmt.Sprintf("%s %s: %s", doing, shown, text), err}
}

const (
	hintLocation = "name the directory of a replica, or the URL of one that was published"
	hintMirror   = `the mirror is damaged; whoever publishes it repairs it with "prophet publish --check DIR"`
	hintNetwork  = "look whether the address is right and the network is there, then try again"
	hintServer   = "the server, or what lies on the way to it, did that: look whether the address is right, and try again, later if need be"
	hintPassword = "write both into the URL, as in https://NAME:PASSWORD@HOST/"
	hintForbids  = "the server lets nobody read that, or hides that it is not there: look whether the address is right, or ask who runs it"
)

// peerHint adds to an error of opening the replica at a location what to do. config is the file that names replicas, "" if there is none.
func (e *env) peerHint(err error, location, config string) error {
	var faulty *replica.FaultyError
	var several *psync.SeveralError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errInterrupted):
		return err
	case errors.As(err, &several):
		return withHint(err, "name one of them: %s", strings.Join(several.Places, ", "))
	case errors.Is(err, fs.ErrNotExist) && e.missing(location) && e.nameOf(location, config) != "":
		return withHint(err, "%s says that %s is there: plug it in or mount it, or name another", config, e.nameOf(location, config))
	case errors.Is(err, fs.ErrNotExist) && e.missing(location) && e.isHost(location):
		return withHint(err, "if that is an address of the web, it begins with https:// or http://: %s", shellWord("https://"+e.shortDir(location)))
	case errors.Is(err, fs.ErrNotExist) && e.missing(location) && config != "":
		return withHint(err, "it is neither a directory nor the name of a replica in %s: %s", config, hintLocation)
	case errors.Is(err, httpfs.ErrUnauthorized) && psync.Shown(location) != location:
		return withHint(err, "it has been given a name or a password: look whether both are right")
	case errors.Is(err, httpfs.ErrUnauthorized) && config != "":
		return withHint(err, `a URL with a password, as in https://NAME:PASSWORD@HOST/, is not remembered; write it into %s, as "prophet help config" shows`, config)
	case errors.Is(err, psync.ErrUnpublished):
		return withHint(err, `it can be read once whoever publishes there has done so again, to the end`)
	case errors.Is(err, replica.ErrNotReplica):
		return withHint(err, hintLocation)
	case e.damagedMirror(err, location):
		return withHint(err, hintMirror)
	case hintOf(err) != hintMirror && errors.As(err, &faulty):
		return withHint(err, `"prophet fsck -r %s" lists all that is damaged there`, shellWord(asReplica(faulty.Where)))
	case hintOf(err) != "":
		return err
	case psync.ReadOnly(location):
		return withHint(err, hintNetwork)
	}
	return withHint(err, hintLocation)
}

// nameOf returns the name that a config has for the replica at a location, "" if none.
func (e *env) nameOf(location, config string) string {
	if config == "" {
		return ""
	}
	known, err := e.peers(filepath.Dir(config), pulling)
	if err != nil {
		return ""
	}
	for _, c := range known.config.Replicas {
		for _, l := range []string{c.URL, c.PullURL, c.PushURL} {
			if l != "" && known.configured(l) == location {
				return c.Name
			}
		}
	}
	return ""
}

// isHost reports whether a path that is not there begins as an address of the web does: with a name that has a point in it.
func (e *env) isHost(location string) bool {
	host, _, _ := strings.Cut(filepath.ToSlash(e.shortDir(location)), "/")
	return strings.Contains(strings.Trim(host, "."), ".")
}

// damagedMirror reports whether an error of opening the replica at a location says that it is damaged, and that somebody publishes it there.
func (e *env) damagedMirror(err error, location string) bool {
	var damage *replica.DamageError
	return errors.As(err, &damage) && (psync.ReadOnly(location) || e.isMirror(location))
}

// isMirror reports whether a location is the directory of a mirror, or of a database in one.
func (e *env) isMirror(location string) bool {
	dir, err := psync.LocalPath(location)
	return err == nil && psync.IsMirror(e.dir(dir))
}

// configFile is the file in which the user names other replicas.
func configFile(dir string) string { return filepath.Join(dir, "config") }
