package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"prophet/internal/gitconfig"
	"prophet/replica"
	psync "prophet/sync"
)

func infoCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "info",
		Usage:    "say what and where this replica is, and whom it knows",
		Category: aboutReplica,
		Flags:    []cli.Flag{&cli.StringFlag{Name: "forget", Usage: "instead, forget that a replica is found at `URL`: --all leaves it out then"}},
		Description: `
Shows the directory of the replica, the UUIDs of replica and database, how much
there is, the digest of it, who makes the edits, the replicas that changesets
were exchanged with, how far the log of each was read, and those that have a
name in the config.

  prophet info
  prophet info --json

Where another replica is gone for good, or lies elsewhere now, "prophet pull
--all" and "prophet push --all" fail to reach it each time. Then name the place,
by its URL, its directory or its name in the config:

  prophet info --forget ../bugs-of-dave

Nothing that came from there is lost, and to exchange changesets with it again,
name it to "prophet pull". What the config names is for you to remove there.`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			if c.IsSet("forget") {
				return runForget(c.Context, e, forgetOptions{globalsOf(c), c.String("forget")})
			}
			return runInfo(c.Context, e, infoOptions{globalsOf(c)})
		},
	}
}

type infoOptions struct{ globals }

// The JSON of info.
type (
	infoDoc struct {
		Changesets uint32      `json:"changesets"` // rows in the log
		Conflicts  int         `json:"conflicts"`  // records with something open
		Creator    string      `json:"creator"`    // of the edits that are made now
		Database   uuid.UUID   `json:"database"`
		Deleted    int         `json:"deleted"` // records
		Digest     *digestDoc  `json:"digest"`  // null: a record cannot be read
		Format     string      `json:"format"`
		Former     []uuid.UUID `json:"former,omitempty"` // UUIDs of the replica before it was copied or restored
		LastPeer   string      `json:"last_peer"`        // empty: none yet
		Named      []namedDoc  `json:"named"`            // replicas in the config
		Path       string      `json:"path"`
		Peers      []peerDoc   `json:"peers"`
		Records    int         `json:"records"` // that live
		Replica    uuid.UUID   `json:"replica"`

		digest string // as people compare it
	}
	namedDoc struct {
		Name       string `json:"name"`
		PublishURL string `json:"publish_url"`
		PullURL    string `json:"pull_url"`
		PushURL    string `json:"push_url"`
		URL        string `json:"url"`
		UUID       string `json:"uuid"` // as it is written there
	}
	peerDoc struct {
		Also []string `json:"also,omitempty"` // where else it was found before
		Read uint32   `json:"read"`           // rows of its log that were read
		// Unfinished says that this replica is a clone of it that was cut off.
		Unfinished bool      `json:"unfinished,omitempty"`
		URL        string    `json:"url"`
		UUID       uuid.UUID `json:"uuid"`
	}
)

func runInfo(ctx context.Context, e *env, o infoOptions) error {
	dir, r, err := e.openHere(o.globals)
	if err != nil {
		return err
	}
	config, err := e.config(dir)
	if err != nil {
		return err
	}
	doc := infoDoc{Changesets: r.Latest(), Creator: e.creator(config), Database: r.Database(), Format: r.Format(), Named: namedDocs(config),
		Path: dir, Peers: []peerDoc{}, Replica: r.UUID()}
	if err := doc.count(ctx, r); err != nil {
		return err
	}
	p := e.printer(o.globals)
	if p.json {
		return p.writeJSON(doc)
	}
	return doc.print(p)
}

// count fills in what has to be looked for in the replica.
func (d *infoDoc) count(ctx context.Context, r *replica.Replica) (err error) {
	if d.Records, d.Deleted, err = r.CountRecords(ctx); err != nil {
		return err
	}
	open, err := r.InConflict()
	if err != nil {
		return err
	}
	d.Conflicts = len(open)
	d.findDigest(ctx, r)
	if d.Former, err = r.Log().Former(); err != nil {
		return err
	}
	if d.LastPeer, err = r.LastPeer(); err != nil {
		return err
	}
	peers, err := r.Peers()
	for _, p := range peers {
		if p.UUID == r.UUID() { // its own mirror
			continue
		}
		d.Peers = append(d.Peers, newPeerDoc(p))
	}
	return err
}

func newPeerDoc(p replica.Peer) peerDoc {
	d := peerDoc{Read: p.Read, URL: psync.Shown(p.URL), Unfinished: p.Adopt, UUID: p.UUID}
	for _, at := range p.Also {
		d.Also = append(d.Also, psync.Shown(at.URL))
	}
	return d
}

// findDigest fills in the digest. A damaged record keeps nobody from being told the rest.
func (d *infoDoc) findDigest(ctx context.Context, r *replica.Replica) {
	digest, err := r.Digest(ctx)
	if err != nil {
		d.digest = "unknown: " + err.Error()
		return
	}
	doc := newDigestDoc(digest)
	d.Digest, d.digest = &doc, digest.String()
}

// namedDocs returns the replicas in the config. A password in a URL there is the user's own, but no output is the place for it.
func namedDocs(c gitconfig.Config) []namedDoc {
	docs := []namedDoc{}
	for _, r := range c.Replicas {
		docs = append(docs, namedDoc{r.Name, psync.Shown(r.PublishURL), psync.Shown(r.PullURL), psync.Shown(r.PushURL), psync.Shown(r.URL), r.UUID})
	}
	return docs
}

func (d *infoDoc) print(p *printer) error {
	lines := [][2]string{
		{"path", d.Path},
		{"replica", d.Replica.String()},
		{"database", d.Database.String()},
		{"format", d.Format},
		{"changesets", fmt.Sprintf("%d (with bookkeeping)", d.Changesets)},
		{"records", fmt.Sprintf("%d (and %d deleted)", d.Records, d.Deleted)},
		{"conflicts", counted(d.Conflicts, "record")},
		{"digest", d.digest},
		{"creator", d.Creator},
	}
	for _, u := range d.Former {
		lines = append(lines, [2]string{"formerly", u.String()})
	}
	for _, peer := range d.Peers {
		lines = append(lines, [2]string{"peer", peer.text()})
	}
	if d.LastPeer != "" {
		lines = append(lines, [2]string{"last peer", d.LastPeer})
	}
	for _, n := range d.Named {
		lines = append(lines, [2]string{"named", n.text()})
	}
	for _, l := range lines {
		if err := p.linef("%-11s %s", l[0]+":", l[1]); err != nil {
			return err
		}
	}
	return nil
}

// text says where a peer is found.
func (d *peerDoc) text() string {
	nowhere := "(found nowhere now)"
	if len(d.Also) > 0 {
		nowhere = "(not where it was found last)"
	}
	read := "nothing of it was read yet"
	if d.Read > 0 {
		read = fmt.Sprintf("read up to its changeset %d", d.Read)
	}
	if d.Unfinished {
		read += ", and the clone of it is not finished: a pull goes on"
	}
	text := fmt.Sprintf("%s %s, %s", d.UUID, cmp.Or(d.URL, nowhere), read)
	if len(d.Also) > 0 {
		text += ", also at " + strings.Join(d.Also, ", ")
	}
	return text
}

// text lists what the config says of a replica.
func (d *namedDoc) text() string {
	text := d.Name
	for _, part := range [][2]string{{"url", d.URL}, {"pull-url", d.PullURL}, {"push-url", d.PushURL}, {"publish-url", d.PublishURL}, {"uuid", d.UUID}} {
		if part[1] != "" {
			text += ", " + part[0] + " " + part[1]
		}
	}
	return text
}
