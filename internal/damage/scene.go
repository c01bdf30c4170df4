// Package damage is what tests of damaged replicas share: a scene, a replica that has something of everything, with a mirror of it and a peer that has all that
// it has; the kinds of files in them; and the damages that each can take. Tests go through all kinds and damages: one that has no case, and no reason in
// words why it cannot have one, fails them.
//
// With -all every file of the scene is damaged, and every bit of it, and all cases of each damage are healed; without it, some that -seed chooses. -several N
// is how many times two or three files are damaged at once. A benchmark measures a check of a replica with -size N changesets:
//
//	go test ./internal/damage -all -several 1000 -v -timeout 6h
//	go test ./internal/damage -run '^$' -bench Check -size 100000
package damage

import (
	"context"
	"encoding/binary"
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/v1peer"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

// Scene is a replica, a mirror of it, and a peer that has all its changesets. It is the same bytes in each run.
type Scene struct {
	Replica  *crashfs.FS // of Ann, which was one of the original before; Open opens it
	Mirror   *crashfs.FS // the published one, with a [psync.MirrorFile]
	Peer     *crashfs.FS // of Carol, who pulled all from it at last
	Database uuid.UUID   // the directory of the mirror is named after it
	Records  Records
}

// Records are some records of the scene.
type Records struct {
	Open    changeset.RecordID // in conflict over its status; touched by Ann, Bob and the merge
	Decided changeset.RecordID // was in conflict, and Ann decided, with a vote
	Deleted changeset.RecordID
	Quiet   changeset.RecordID // written twice by Ann, so that it has a superseded version
	Listed  changeset.RecordID // a changeset to it has another representation on the list
	Old     changeset.RecordID // the original made it, and gave it its local id
}

// places are where the replicas of the scene say that they are.
const (
	AnnAt   = "/scene/ann"
	BobAt   = "/scene/bob"
	CarolAt = "/scene/carol"
)

// Copy returns a copy of which nothing is shared.
func (s *Scene) Copy() *Scene {
	c := *s
	c.Replica, c.Mirror, c.Peer = s.Replica.Survivor(crashfs.Kill, 0), s.Mirror.Survivor(crashfs.Kill, 0), s.Peer.Survivor(crashfs.Kill, 0)
	return &c
}

// MirrorTree is where the replica's files are in the mirror.
func (s *Scene) MirrorTree() afero.Fs { return afero.NewBasePathFs(s.Mirror, s.Database.String()) }

// options are those of a replica of the scene: what differs from run to run is set.
func options(seed uint64, where, creator string) replica.Options {
	clock, next := newClock(), newUUIDs(seed)
	return replica.Options{Where: where, Creator: creator, Now: clock, NewUUID: next, Sleep: func(time.Duration) {}}
}

// newClock returns a clock that goes on by a second with each look.
func newClock() func() time.Time {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time { now = now.Add(time.Second); return now }
}

// newUUIDs returns a source of UUIDs of version 4.
func newUUIDs(seed uint64) func() uuid.UUID {
	n := uint64(0)
	return func() (u uuid.UUID) {
		n++
		u = uuid.NewSHA1(uuid.UUID{}, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seed), n))
		u[6] = u[6]&0x0f | 0x40
		return u
	}
}

// AnnOptions are those to open the replica with; the seed makes the UUIDs that it gives.
func AnnOptions(seed uint64) replica.Options { return options(seed, AnnAt, "ann@example.com") }

// builder makes the scene.
type builder struct {
	t               testing.TB
	ctx             context.Context
	s               *Scene
	ann, bob, carol *replica.Replica
	vic             *v1peer.Peer

	annFS, bobFS, vicFS, carolFS *crashfs.FS
}

// New makes the scene.
func New(t testing.TB) *Scene {
	t.Helper()
	b := &builder{t: t, ctx: context.Background(), s: &Scene{}, annFS: crashfs.New(), bobFS: crashfs.New(), vicFS: crashfs.New(), carolFS: crashfs.New()}
	b.original()
	b.takeOver()
	b.edits()
	b.conflicts()
	b.representations()
	b.finish()
	return b.s
}

func (b *builder) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("make the scene: %v", err)
	}
}

// original makes a replica of the original, with local ids and a config, and another one that cloned it.
func (b *builder) original() {
	ann, err := v1peer.Init(b.annFS, v1peer.Options{Creator: "ann@example.com", Now: newClock(), NewUUID: newUUIDs(1)})
	b.check(err)
	b.s.Records.Old, err = ann.Create("Ticket", map[string]string{"summary": "from the old days", "status": "new"})
	b.check(err)
	second, err := ann.Create("Ticket", map[string]string{"summary": "also old", "status": "new"})
	b.check(err)
	b.check(ann.Update(b.s.Records.Old, map[string]string{"status": "open"}))
	b.write(b.annFS, "userdata/local-id-cache",
		fmt.Sprintf(`{"_meta":{"maximum_luid":7},"%s":7,"%s":3}`, b.s.Records.Old.UUID, second.UUID))
	b.write(b.annFS, "config", "[user]\n\temail-address = ann@example.com\n[replica \"bob\"]\n\turl = "+BobAt+"\n")
	b.vic, err = v1peer.Clone(b.vicFS, b.annFS, v1peer.Options{Creator: "vic@example.com", Now: newClock(), NewUUID: newUUIDs(2)})
	b.check(err)
}

func (b *builder) write(fsys afero.Fs, name, text string) {
	b.t.Helper()
	b.check(fsys.MkdirAll(path.Dir(name), 0o777))
	b.check(afero.WriteFile(fsys, name, []byte(text), 0o666))
}

// takeOver lets Ann use our program, change her replica's UUID, and have two clones.
func (b *builder) takeOver() {
	var err error
	b.ann, err = replica.Open(b.annFS, AnnOptions(3))
	b.check(err)
	b.s.Database = b.ann.Database()
	b.s.Records.Quiet = b.create("Ticket", "summary", "quiet", "status", "new")
	b.check(b.ann.Reidentify(b.ctx))
	b.bob = b.clone(b.bobFS, options(4, BobAt, "bob@example.com"))
	b.carol = b.clone(b.carolFS, options(5, CarolAt, "carol@example.com"))
}

func (b *builder) clone(fsys afero.Fs, opts replica.Options) *replica.Replica {
	b.t.Helper()
	r, _, err := psync.Clone(b.ctx, fsys, b.ann, opts, psync.Options{Adopt: true})
	b.check(err)
	b.check(r.SetLastPeer(AnnAt))
	return r
}

func (b *builder) create(typ string, props ...string) (rec changeset.RecordID) {
	b.t.Helper()
	b.edit(b.ann, func(e *replica.Edit) (err error) {
		rec, err = e.Create(typ, pairs(props))
		return err
	})
	return rec
}

func (b *builder) edit(r *replica.Replica, f func(e *replica.Edit) error) {
	b.t.Helper()
	_, err := r.Edit(b.ctx, f)
	b.check(err)
}

func (b *builder) update(r *replica.Replica, rec changeset.RecordID, props ...string) {
	b.t.Helper()
	b.edit(r, func(e *replica.Edit) error { return e.Update(rec, pairs(props)) })
}

func pairs(list []string) map[string]string {
	props := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		props[list[i]] = list[i+1]
	}
	return props
}

// pull brings over what another replica has by now.
func (b *builder) pull(to *replica.Replica, from afero.Fs, where string) {
	b.t.Helper()
	source, err := replica.Open(from, replica.Options{Where: where})
	b.check(err)
	_, err = psync.Pull(b.ctx, to, source, psync.Options{})
	b.check(err)
	b.check(to.SetLastPeer(where))
}

// edits are Ann's own.
func (b *builder) edits() {
	r := &b.s.Records
	b.update(b.ann, r.Quiet, "status", "open", "owner", "ann")
	r.Open = b.create("Ticket", "summary", "contested", "status", "new")
	r.Decided = b.create("Ticket", "summary", "was contested", "status", "new")
	r.Deleted = b.create("Note", "text", "to be deleted")
	b.create("Note", "text", "with\nlines and an é", "votes", "3")
	b.edit(b.ann, func(e *replica.Edit) error { return e.Delete(r.Deleted) })
	b.edit(b.ann, func(e *replica.Edit) error { return e.SetRule("Note", "votes", resolution.RuleSum) })
	b.pull(b.bob, b.annFS, AnnAt)
	b.pull(b.carol, b.annFS, AnnAt)
}

// conflicts lets Ann pull edits of Bob and Carol that are in conflict with hers. She decides one of them; Bob decided another one, so that there are votes of two.
func (b *builder) conflicts() {
	r := &b.s.Records
	b.update(b.bob, r.Open, "status", "stalled")
	b.update(b.bob, r.Decided, "status", "stalled")
	b.update(b.carol, r.Decided, "owner", "carol")
	b.update(b.ann, r.Open, "status", "open")
	b.update(b.ann, r.Decided, "status", "resolved", "owner", "ann")
	b.pull(b.bob, b.carolFS, CarolAt)
	b.pull(b.ann, b.bobFS, BobAt)
	b.pull(b.ann, b.carolFS, CarolAt)
	b.update(b.ann, r.Decided, "status", "resolved")
	b.pull(b.bob, b.annFS, AnnAt)
	b.update(b.bob, r.Decided, "owner", "bob")
	b.pull(b.ann, b.bobFS, BobAt)
}

// representations lets Ann get changes of Bob's by way of Vic, who uses the original, before she reads Bob's own log. Only Bob knows what they had seen.
func (b *builder) representations() {
	b.edit(b.bob, func(e *replica.Edit) (err error) {
		b.s.Records.Listed, err = e.Create("Ticket", pairs([]string{"summary", "by way of vic", "status", "new"}))
		return err
	})
	b.update(b.bob, b.s.Records.Listed, "status", "open")
	_, err := b.vic.Pull(b.bobFS, v1peer.To)
	b.check(err)
	b.pull(b.ann, b.vicFS, "/scene/vic")
	b.pull(b.ann, b.bobFS, BobAt)
	b.update(b.ann, b.s.Records.Quiet, "status", "resolved")
	b.update(b.ann, b.s.Records.Listed, "owner", "ann")
}

// finish publishes, and lets Carol pull all.
func (b *builder) finish() {
	b.s.Replica, b.s.Peer, b.s.Mirror = b.annFS, b.carolFS, crashfs.New()
	b.pull(b.carol, b.annFS, AnnAt)
	_, err := psync.Publish(b.ctx, b.ann, b.s.Mirror, psync.PublishOptions{InHead: -1})
	b.check(err)
}
