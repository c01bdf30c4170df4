package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
	psync "prophet/sync"
)

// The JSON of digest --types and --records with another replica: a line for each that differs.
type (
	typeComparisonDoc struct {
		Here  *typeDigestDoc `json:"here"` // null: no such record lives
		There *typeDigestDoc `json:"there"`
		Type  string         `json:"type"`
	}
	recordComparisonDoc struct {
		Here  *string   `json:"here"` // null: it does not live
		ID    *uint32   `json:"id"`
		There *string   `json:"there"`
		Type  string    `json:"type"`
		UUID  uuid.UUID `json:"uuid"`
	}
)

// comparison is the replica here beside another one.
type comparison struct {
	p     *printer
	peer  string // as the user named it, without a password
	ours  *replica.Replica
	other *replica.Replica
}

// compareWith holds the replica in a directory against the peer.
func (o *digestOptions) compareWith(ctx context.Context, p *printer, dir string, r *replica.Replica) error {
	theirs, err := p.e.openOther(ctx, o.peer, r, dir, o.globals)
	if err != nil {
		return err
	}
	c := &comparison{p, psync.Shown(o.peer), r, theirs}
	switch {
	case o.record != "":
		return c.record(o.record)
	case (o.types || o.records != "") && theirs.Mirror():
		return withHint(usagef("compare with %s: a web server does not list its records", theirs.Where()), `%s; "prophet digest %s --record ID" compares one record`,
			c.withClone("--types"), shellWord(c.peer))
	case o.types:
		return c.types(ctx)
	case o.records != "":
		return c.records(ctx, o.records)
	}
	return c.all(ctx)
}

// all compares what the replicas show as a whole.
func (c *comparison) all(ctx context.Context) error {
	here, err := c.ours.Digest(ctx)
	if err != nil {
		return err
	}
	there, err := c.other.Digest(ctx)
	switch {
	case errors.Is(err, replica.ErrNoDigest):
		return withHint(err, "let who publishes it do that again, with this program; or %s", c.withClone())
	case err != nil:
		return err
	}
	return c.showAll(here, there)
}

// showAll prints both digests. Its error says that they differ.
func (c *comparison) showAll(here, there replica.Digests) error {
	differ := differing(here, there)
	var err error
	if c.p.json {
		err = c.p.writeJSON(comparisonDoc{differ, len(differ) == 0, newDigestDoc(here), newDigestDoc(there)})
	} else {
		err = errors.Join(c.p.linef("here   %s", here), c.p.linef("there  %s", there))
	}
	switch {
	case err != nil:
		return err
	case len(differ) == 0:
		return c.equal("both show the same")
	}
	return withHint(fmt.Errorf("the two replicas differ in %s", list(differ)), "%s; if they still differ then, %s", c.exchange(), c.whereToLook(differ))
}

// equal says that nothing differs.
func (c *comparison) equal(what string) error {
	if c.p.json {
		return nil
	}
	return c.p.donef("Equal: %s.", what)
}

// exchange says what makes two replicas equal that have not met.
func (c *comparison) exchange() string {
	brings := c.pullAndPush()
	for _, r := range []*replica.Replica{c.ours, c.other} {
		lost, err := r.Log().LostEdits()
		if err != nil || len(lost) == 0 {
			continue
		}
		if published := r.Mirror() || r.CheckEditable() != nil; !published {
			if waiting, err := r.Log().Waiting(); err == nil && len(waiting) == 0 {
				continue // others get what it shows
			}
		} else {
			return brings + fmt.Sprintf(`, but not what builds on changesets that %s was published without: its publisher has lost them`, r.Where())
		}
		return brings + fmt.Sprintf(`, but not what builds on changesets that %s has lost: "prophet fsck -r %s --repair" looks for them`, r.Where(), shellWord(r.Where()))
	}
	return brings
}

// pullAndPush says which commands bring what is missing.
func (c *comparison) pullAndPush() string {
	if c.other.Mirror() || c.other.CheckEditable() != nil {
		return fmt.Sprintf(`"prophet pull %s" brings what this one lacks; the other one gets what it lacks when somebody publishes there`, shellWord(c.peer))
	}
	return fmt.Sprintf(`"prophet pull %s" and "prophet push %[1]s" bring what one of the two lacks`, shellWord(c.peer))
}

// whereToLook names the command that shows more of what differs first.
func (c *comparison) whereToLook(differ []string) string {
	switch web, votes, settings := c.other.Mirror(), differ[0] == "votes", differ[0] == "settings"; {
	case web && votes:
		return fmt.Sprintf(`"prophet clone %s DIR" and compare what "prophet dump" and "prophet dump -r DIR" have under "resolutions", or ask who publishes it for that`, shellWord(c.location()))
	case votes:
		return fmt.Sprintf(`compare what "prophet dump" and "prophet dump -r %s" have under "resolutions"`, shellWord(c.location()))
	case web && settings:
		return c.withClone("--records", changeset.SettingsType)
	case web:
		return c.withClone("--types")
	case settings:
		return fmt.Sprintf(`"prophet digest %s --records %s" says in which`, shellWord(c.peer), changeset.SettingsType)
	}
	return fmt.Sprintf(`"prophet digest %s --types" says in which types of records`, shellWord(c.peer))
}

// withClone says how to compare with a clone what a web server does not tell.
func (c *comparison) withClone(flags ...string) string {
	return fmt.Sprintf(`"prophet clone %s DIR" and "prophet digest DIR%s" compare with a clone of it`, shellWord(c.location()), strings.Join(append([]string{""}, flags...), " "))
}

// location is where the other replica is, for commands that take no name in the config.
func (c *comparison) location() string {
	if psync.ReadOnly(c.peer) {
		return c.peer
	}
	return asReplica(c.other.Where())
}

// types lists the types whose records differ.
func (c *comparison) types(ctx context.Context) error {
	here, err := c.ours.Log().DigestTypes(ctx)
	if err != nil {
		return err
	}
	there, err := c.other.Log().DigestTypes(ctx)
	if err != nil {
		return err
	}
	t, n := c.p.table("TYPE", "HERE", "THERE"), 0
	t.Whole(1, 2)
	for a, b := range paired(here, there, func(d replica.TypeDigest) string { return d.Type }) {
		if a != nil && b != nil && *a == *b {
			continue
		}
		n++
		err := c.row(t, typeComparisonDoc{newTypeDigestDoc(a), newTypeDigestDoc(b), either(a, b).Type}, either(a, b).Type, typeText(a), typeText(b))
		if err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil || n == 0 {
		return errors.Join(err, c.equal("the records of all types are the same"))
	}
	return withHint(fmt.Errorf("the two replicas differ in %s of records", counted(n, "type")), `"prophet digest %s --records TYPE" says in which records`, shellWord(c.peer))
}

func newTypeDigestDoc(d *replica.TypeDigest) *typeDigestDoc {
	if d == nil {
		return nil
	}
	return &typeDigestDoc{d.Digest.String(), d.Records, d.Type}
}

// typeText shows a type's digest, with how many records it is of.
func typeText(d *replica.TypeDigest) string {
	if d == nil {
		return "none"
	}
	return d.Digest.Short() + ", " + counted(d.Records, "record")
}

// records lists the records of a type that differ.
func (c *comparison) records(ctx context.Context, typ string) error {
	here, err := digestedRecords(ctx, c.ours, typ)
	if err != nil {
		return err
	}
	there, err := digestedRecords(ctx, c.other, typ)
	if err != nil {
		return err
	}
	ids, err := c.ours.LocalIDs()
	if err != nil {
		return err
	}
	if len(here)+len(there) == 0 {
		return noteUnknownType(c.p, c.ours, typ)
	}
	t, n := c.p.table("ID", "UUID", "HERE", "THERE"), 0
	t.Whole(0, 1, 2, 3)
	for a, b := range paired(here, there, func(d replica.DigestedRecord) string { return d.ID.UUID.String() }) {
		if a != nil && b != nil && a.Digest == b.Digest {
			continue
		}
		n++
		u := either(a, b).ID.UUID
		doc := recordComparisonDoc{digestOf(a, replica.Digest.String), idOrNull(ids[u]), digestOf(b, replica.Digest.String), typ, u}
		if err := c.row(t, doc, shortID(ids[u], u), u.String(), digestText(a), digestText(b)); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil || n == 0 {
		return errors.Join(err, c.equal("all records of type "+typ+" are the same"))
	}
	return withHint(fmt.Errorf("the two replicas differ in %s of type %s", counted(n, "record"), typ), `"prophet digest %s --record ID" says in which properties`, shellWord(c.peer))
}

// digestedRecords are the living records of a type, by UUID.
func digestedRecords(ctx context.Context, r *replica.Replica, typ string) (list []replica.DigestedRecord, err error) {
	for d, err := range r.Log().DigestRecords(ctx, typ) {
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// digestOf returns a record's digest as text, nil if there is none.
func digestOf(d *replica.DigestedRecord, text func(replica.Digest) string) *string {
	if d == nil {
		return nil
	}
	s := text(d.Digest)
	return &s
}

func digestText(d *replica.DigestedRecord) string {
	if s := digestOf(d, replica.Digest.Short); s != nil {
		return *s
	}
	return "none"
}

// row prints what differs: as JSON, or as a row of the table.
func (c *comparison) row(t *terminal.Table, doc any, cells ...string) error {
	if c.p.json {
		return c.p.writeJSON(doc)
	}
	return t.Row(cells...)
}

// paired yields what is in two sorted lists, side by side where the keys are equal; nil stands for what one of them lacks.
func paired[T any](here, there []T, key func(T) string) iter.Seq2[*T, *T] {
	return func(yield func(a, b *T) bool) {
		for len(here)+len(there) > 0 {
			var a, b *T
			if len(there) == 0 || len(here) > 0 && key(here[0]) <= key(there[0]) {
				a, here = &here[0], here[1:]
			}
			if len(there) > 0 && (a == nil || key(*a) == key(there[0])) {
				b, there = &there[0], there[1:]
			}
			if !yield(a, b) {
				return
			}
		}
	}
}

// either returns the one that is there.
func either[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}
