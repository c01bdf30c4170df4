package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"

	"prophet/internal/durable"
	"prophet/internal/rsync"
	"prophet/replica"
	psync "prophet/sync"
)

// publishTo is where a replica is published to.
type publishTo struct {
	shown   string // it, as it may be shown
	dir     string // it, if it is a directory
	pulled  string // how pull is told of it; "" if it cannot be
	seen    string // which state readers see of a publication that was cut off
	publish func(ctx context.Context, r *replica.Replica, opts psync.PublishOptions) (*psync.Published, error)
}

// publishingTo finds out where the user's word for the mirror of a replica leads.
func (e *env) publishingTo(r *replica.Replica, word string) (*publishTo, error) {
	peers, err := e.peers(r.Where(), publishing)
	if err != nil {
		return nil, err
	}
	location, err := peers.named(word)
	if err != nil {
		return nil, err
	}
	if rsync.IsPlace(location) {
		return e.publishingElsewhere(r, location)
	}
	dir, err := e.localTarget(location)
	if err != nil {
		return nil, err
	}
	seen := "the state before"
	if listed, err := isFile(e.Fs, filepath.Join(dir, psync.MirrorFile)); err == nil && !listed && !e.isMirror(dir) {
		seen = "nothing there yet"
	}
	return &publishTo{shown: dir, dir: dir, pulled: e.shortDir(dir), seen: seen, publish: func(ctx context.Context, r *replica.Replica, opts psync.PublishOptions) (*psync.Published, error) {
		unmake, err := durable.MakeRoot(e.Fs, dir)
		if err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
		pub, err := psync.Publish(ctx, r, e.dir(dir), opts)
		if err != nil {
			unmake()
		}
		return pub, err
	}}, nil
}

// publishingElsewhere is publishingTo a place that rsync reaches. The copy of the mirror is the user's own, one for each replica and place.
func (e *env) publishingElsewhere(r *replica.Replica, location string) (*publishTo, error) {
	place, err := rsync.Parse(location)
	if err != nil {
		return nil, withHint(usagef("%s: %w", psync.Shown(location), err), `"prophet help rsync" shows how places on other machines are written; a directory here that has a colon in its name is written ./name`)
	}
	if e.Cache == "" {
		return nil, withHint(errors.New("publish: there is no directory for what can be made again, and so for a copy of the mirror"), "set XDG_CACHE_HOME or HOME")
	}
	sum := sha256.Sum256([]byte(r.UUID().String() + "\n" + place.String()))
	copies := filepath.Join(e.Cache, "prophet", "publish", fmt.Sprintf("%x", sum[:8]))
	there := &rsync.Copier{Program: cmp.Or(e.Getenv("RSYNC"), "rsync"), Dir: filepath.Join(copies, psync.CopyDir), To: place}
	return &publishTo{shown: psync.Shown(location), seen: "the state before or after", publish: func(ctx context.Context, r *replica.Replica, opts psync.PublishOptions) (*psync.Published, error) {
		if _, err := durable.MakeRoot(e.Fs, copies); err != nil {
			return nil, fmt.Errorf("publish: make the directory for a copy of the mirror: %w", err)
		}
		return psync.PublishElsewhere(ctx, r, e.dir(copies), there, opts)
	}}, nil
}

// rsyncHint says what to do where rsync fails.
func rsyncHint(failed *rsync.Error) string {
	const goesOn = "; readers see the state before or after, and the next publish goes on"
	switch {
	case failed.Missing():
		return "install rsync 3.1 or later; if it is not on PATH, let the environment variable RSYNC be the path of the program"
	case failed.Unreached():
		return "look whether host and path are right, whether ssh, or what RSYNC_RSH names, logs in there, and whether rsync is installed there too" + goesOn
	}
	return "look whether you may write there, whether the directory above it exists and whether there is room" + goesOn
}
