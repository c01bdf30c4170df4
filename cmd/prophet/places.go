package main

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// places says where edits were made, to somebody who works on one replica.
type places struct {
	here  *replica.Replica
	db    uuid.UUID            // the database
	names map[uuid.UUID]string // of other replicas: what the config calls them, else where they were found
}

// newPlaces knows of the replicas that here, or r, exchanges changesets with. What cannot be read is not known: it only helps.
func newPlaces(e *env, r, here *replica.Replica) *places {
	pl := &places{here, here.Database(), map[uuid.UUID]string{}}
	pl.learn(r)
	if r.UUID() != here.UUID() {
		pl.names[r.UUID()] = r.Where()
		pl.learn(here)
	}
	pl.nameByConfig(e, here.Where())
	delete(pl.names, here.UUID())
	pl.forgetFormer()
	return pl
}

// forgetFormer leaves out that a former UUID of the replica here was found where that is: under it, others write from then on.
func (pl *places) forgetFormer() {
	former, _ := pl.here.Log().Former()
	for _, u := range former {
		if pl.names[u] == pl.here.Where() {
			delete(pl.names, u)
		}
	}
}

// made says of a rival where it was made.
func (pl *places) made(d *rivalDoc, id changeset.ID) (err error) {
	d.Where = pl.names[id.Origin]
	if d.Here, err = pl.here.Log().Wrote(id); err != nil || d.Here {
		d.Where = ""
		return err
	}
	former, err := pl.here.Log().Former()
	d.copied = slices.Contains(former, id.Origin)
	return err
}

func (pl *places) learn(r *replica.Replica) {
	peers, _ := r.Peers()
	for _, p := range peers {
		if at := p.Home(); at != "" {
			pl.names[p.UUID] = at
		}
	}
}

// nameByConfig gives the names in the config of the replica in a directory to those that it knows by UUID or URL.
func (pl *places) nameByConfig(e *env, dir string) {
	known, err := e.peers(dir, pulling)
	if err != nil {
		return
	}
	for _, c := range known.config.Replicas {
		if u, err := changeset.ParseUUID(c.UUID); err == nil {
			pl.names[u] = c.Name
		}
		for u, found := range pl.names {
			for _, l := range []string{c.URL, c.PullURL, c.PushURL} {
				if l != "" && leadsTo(psync.Shown(known.configured(l)), found) {
					pl.names[u] = c.Name
				}
			}
		}
	}
}

// of says where a rival was written: "here", "at office", "at /srv/bugs", "replica 10b1e589". Of a database in a mirror, which may hold
// others, it is the mirror: that is long enough. What came under a former UUID of the replica here, it lost and got back, or a copy of it wrote it.
func (pl *places) of(d rivalDoc) string {
	switch {
	case d.Here:
		return "here"
	case d.Where != "":
		return "at " + strings.TrimSuffix(d.Where, "/"+pl.db.String())
	case d.copied:
		return "here before a restore, or in a copy"
	}
	return "replica " + d.Origin[:8]
}
