package main

import (
	"context"
	"errors"
	"fmt"

	"prophet/replica"
	psync "prophet/sync"
)

type forgetOptions struct {
	globals
	place string // as the user named it
}

// forgetDoc is the JSON of info --forget.
type forgetDoc struct {
	Forgotten []peerDoc `json:"forgotten"` // as they were known until now
}

func runForget(ctx context.Context, e *env, o forgetOptions) error {
	e.changes = true
	dir, r, err := e.openHere(o.globals)
	if err != nil {
		return err
	}
	peers, err := e.peers(dir, pulling)
	if err != nil {
		return err
	}
	location, err := peers.named(o.place)
	if err != nil {
		return err
	}
	shown := psync.Shown(location)
	forgotten, err := r.ForgetPlaces(ctx, func(url string) bool { return leadsTo(shown, url) })
	if err != nil {
		return err
	}
	return o.show(e.printer(o.globals), peers, location, forgotten)
}

// show says what was forgotten. Its error says that nothing was.
func (o *forgetOptions) show(p *printer, peers *peers, location string, forgotten []replica.Peer) error {
	shown := psync.Shown(location)
	if peers.configures(location) {
		p.notef("%s names it still: to leave it out of --all, take it out there", configFile(peers.dir))
	}
	if len(forgotten) == 0 {
		return withHint(fmt.Errorf("no other replica was found at %s", shown), `"prophet info" lists where they were found`)
	}
	doc := forgetDoc{}
	for _, peer := range forgotten {
		doc.Forgotten = append(doc.Forgotten, peerDoc{Read: peer.Read, URL: psync.Shown(peer.URL), UUID: peer.UUID})
	}
	if p.json {
		return p.writeJSON(doc)
	}
	return p.donef("Forgot that a replica is found at %s", shown)
}

// configures reports whether the config names a location to exchange changesets with.
func (p *peers) configures(location string) bool {
	for _, r := range p.config.Replicas {
		for _, l := range []string{r.URL, r.PullURL, r.PushURL} {
			if l != "" && leadsTo(psync.Shown(p.configured(l)), psync.Shown(location)) {
				return true
			}
		}
	}
	return false
}

// orForget adds to the error of a replica that cannot be reached how --all leaves it out.
func (x *exchange) orForget(location string, err error) error {
	var reach *reachError
	if !errors.As(err, &reach) {
		return err
	}
	how := fmt.Sprintf(`if it is gone for good, "prophet info --forget %s" leaves it out of --all`, shellWord(psync.Shown(location)))
	if peers, err := x.e.peers(x.dir, pulling); err == nil && peers.configures(location) {
		how = fmt.Sprintf("if it is gone for good, take it out of %s", configFile(x.dir))
	}
	if hint := x.e.hintFor(err); hint != "" {
		how = hint + "; " + how
	}
	return withHint(err, "%s", how)
}
