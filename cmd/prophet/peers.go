package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/gitconfig"
	"prophet/internal/rsync"
	"prophet/replica"
	psync "prophet/sync"
)

// direction is what a peer is wanted for. In the config a peer may have a URL of its own for each.
type direction int

const (
	pulling direction = iota
	pushing
	publishing
)

// location returns the URL that the config has for a replica, "" if none.
func (d direction) location(r gitconfig.Replica) string {
	switch d {
	case pulling:
		return cmp.Or(r.PullURL, r.URL)
	case pushing:
		return cmp.Or(r.PushURL, r.URL)
	}
	return r.PublishURL
}

// peers finds the replicas that the user's words mean.
type peers struct {
	e      *env
	dir    string // of the replica here
	config gitconfig.Config
	want   direction
}

func (e *env) peers(dir string, want direction) (*peers, error) {
	c, err := e.config(dir)
	return &peers{e, dir, c, want}, err
}

// named returns the location that a word means: a URL, the name of a replica in the config, or a path.
func (p *peers) named(word string) (string, error) {
	if word == "" {
		return "", usagef("the URL is empty")
	}
	r, ok := p.config.Replica(word)
	if !ok && p.want == publishing && rsync.IsPlace(word) {
		return word, nil
	}
	if !ok {
		return p.e.location(word), nil
	}
	if l := p.want.location(r); l != "" {
		return p.configured(l), nil
	}
	key := map[direction]string{pulling: "url or pull-url", pushing: "url or push-url", publishing: "publish-url"}[p.want]
	return "", withHint(usagef("the replica %q in the config has no %s", word, key), "write %s = … under [replica %q] into %s, or name a place itself", strings.TrimPrefix(key, "url or "), word, configFile(p.dir))
}

// location makes a URL or path that the user gave one that means the same everywhere.
func (e *env) location(word string) string {
	if psync.Scheme(word) == "" {
		return e.path(word)
	}
	return word
}

// configured is location for what the config says: paths there start from the replica.
func (p *peers) configured(l string) string {
	if p.want == publishing && rsync.IsPlace(l) {
		return l
	}
	if psync.Scheme(l) == "" && !filepath.IsAbs(l) {
		return filepath.Join(p.dir, l)
	}
	return l
}

// last returns where the replica pulled from or pushed to last.
func (p *peers) last(r *replica.Replica) (string, error) {
	l, err := r.LastPeer()
	if err != nil {
		return "", err
	}
	if l == "" {
		return "", withHint(usagef("an argument is missing: this replica has not exchanged anything with another yet"), "name the other replica by its URL, its directory or its name in the config")
	}
	return p.withLogin(l), nil
}

// withLogin returns the URL in the config that a remembered one, which has no password, was found by; the remembered one if there is none.
func (p *peers) withLogin(remembered string) string {
	for _, r := range p.config.Replicas {
		for _, l := range []string{p.want.location(r), r.URL, r.PullURL, r.PushURL} {
			if l != "" && leadsTo(psync.Shown(l), remembered) {
				return l
			}
		}
	}
	return remembered
}

// leadsTo reports whether two locations are the same, or the second is a database in the mirror that the first one names.
func leadsTo(l, remembered string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(remembered, "/"), strings.TrimSuffix(l, "/"))
	if !ok || rest == "" {
		return ok
	}
	_, err := changeset.ParseUUID(strings.TrimPrefix(rest, "/"))
	return err == nil && rest[0] == '/'
}

// all returns the locations of the replicas in the config and of those that were exchanged with. The replica's own mirror is none of them.
func (p *peers) all(r *replica.Replica) ([]string, error) {
	known, err := r.Peers()
	if err != nil {
		return nil, err
	}
	last, err := r.LastPeer()
	if err != nil {
		return nil, err
	}
	known = slices.DeleteFunc(known, func(k replica.Peer) bool { return k.UUID == r.UUID() && k.Copy }) // its own mirror
	all := p.known(known, last)
	if len(all) == 0 {
		return nil, withHint(usagef("no other replica is known yet"), "name one by its URL or its directory, or write it into the config")
	}
	return all, nil
}

// known returns the locations of the replicas in the config, of these, and the last one exchanged with, which older versions noted alone after a push.
func (p *peers) known(known []replica.Peer, last string) (all []string) {
	add := func(l string) {
		if l != "" && !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	for _, c := range p.config.Replicas {
		if l := p.want.location(c); l != "" {
			add(p.configured(l))
		}
	}
	for _, k := range known {
		for i, at := range k.Places() {
			if l := p.withLogin(at.URL); i == 0 || !p.e.missing(l) { // from where it is gone, it was found elsewhere since
				add(l)
			}
		}
	}
	if !slices.ContainsFunc(all, func(l string) bool {
		return leadsTo(last, psync.Shown(l)) || leadsTo(psync.Shown(l), last) || p.e.sameDir(l, last)
	}) {
		add(p.withLogin(last))
	}
	return all
}

// chosen returns the locations that a command line means: the one that is named, the last one if none is, or all.
func (p *peers) chosen(r *replica.Replica, named string, all bool) ([]string, error) {
	switch {
	case all && named != "":
		return nil, usagef("--all takes no URL")
	case all:
		return p.all(r)
	}
	var l string
	var err error
	if named != "" {
		l, err = p.named(named)
	} else {
		l, err = p.last(r)
	}
	return []string{l}, err
}

// carriers are the ways to reach a replica.
func (e *env) carriers() psync.Carriers {
	web := psync.Web(psync.WebOptions{UserAgent: "prophet/" + version, Proxy: http.ProxyFromEnvironment})
	directory := psync.Directory(e.Fs)
	return psync.Carriers{"": directory, "file": directory, "http": web, "https": web}
}

// openPeer opens the replica of a database at a location, which must not be the one at dir, to do something with it, such as "pull from". What is written there is
// written with the options of the one at dir.
func (e *env) openPeer(ctx context.Context, doing, location string, database uuid.UUID, dir string, g globals) (*replica.Replica, error) {
	if e.sameDir(location, dir) {
		return nil, usagef("%s is this replica itself", psync.Shown(location))
	}
	opts, err := e.peerOptions(location, dir, g)
	if err != nil {
		return nil, err
	}
	r, err := e.carriers().OpenDatabase(ctx, location, database, opts)
	if err != nil {
		return nil, e.peerHint(unreachable(doing, location, err), location, configFile(dir))
	}
	return r, nil
}

// peerOptions are those with which the replica at a location is opened.
func (e *env) peerOptions(location, dir string, g globals) (replica.Options, error) {
	opts, err := e.replicaOptions(dir, g)
	opts.Waiting = func(who string) {
		e.printer(g).notef("%s writes to %s; waiting for it", who, psync.Shown(location))
	}
	return opts, err
}

// openOther opens the replica that the user named, which is to be compared with r at dir.
func (e *env) openOther(ctx context.Context, named string, r *replica.Replica, dir string, g globals) (*replica.Replica, error) {
	peers, err := e.peers(dir, pulling)
	if err != nil {
		return nil, err
	}
	location, err := peers.named(named)
	if err != nil {
		return nil, err
	}
	other, err := e.openPeer(ctx, "compare with", location, r.Database(), dir, g)
	if err != nil {
		return nil, err
	}
	if other.Database() != r.Database() {
		err := fmt.Errorf("compare with %s: it is a replica of %w: %s, not %s", other.Where(), psync.ErrOtherDatabase, other.Database(), r.Database())
		return nil, withHint(err, "only replicas of one database can be compared")
	}
	return other, nil
}

// missing reports whether a location is a path where nothing is.
func (e *env) missing(location string) bool {
	path, err := psync.LocalPath(location)
	if err != nil || psync.ReadOnly(location) {
		return false
	}
	_, err = e.Fs.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// sameDir reports whether a location is a directory, by whatever path.
func (e *env) sameDir(location, dir string) bool {
	path, err := psync.LocalPath(location)
	if err != nil || psync.ReadOnly(location) {
		return false
	}
	a, err := e.Fs.Stat(path)
	if err != nil {
		return false
	}
	b, err := e.Fs.Stat(dir)
	return err == nil && os.SameFile(a, b)
}

// several collects what became of work with several peers: it goes on after one that fails.
type several struct {
	p      *printer
	n      int
	failed []string
	first  error
}

// note takes the outcome of one.
func (s *several) note(location string, err error) {
	s.n++
	if err == nil {
		return
	}
	s.failed = append(s.failed, psync.Shown(location))
	if s.first == nil {
		s.first = err
	}
	s.p.beside("prophet: error: " + safef("%s", err))
	if hint := s.p.e.hintFor(err); hint != "" {
		s.p.beside(hintText(s.p.e.here(hint)))
	}
}

// err returns the outcome of all, with the exit code of the first that failed.
func (s *several) err() error {
	if s.first == nil {
		return nil
	}
	return &failure{code: exitCode(s.first), err: fmt.Errorf("%d of %d replicas failed: %s", len(s.failed), s.n, strings.Join(s.failed, ", "))}
}
