package damage

import (
	"testing"

	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// NewPacked makes a scene whose replica is of format 2 and has all but the last changesets in parts, several in each log: Ann cloned the replica of [New] and went on. Carol has all of it in format 1.
func NewPacked(t testing.TB) *Scene {
	t.Helper()
	b := &builder{t: t, ctx: t.Context(), s: New(t), annFS: crashfs.New()}
	b.carolFS = b.s.Peer
	opts := options(7, AnnAt, "ann@example.com")
	opts.PackFrom = 1
	source, err := replica.Open(b.s.Replica, replica.Options{Where: BobAt})
	b.check(err)
	b.ann, _, err = psync.Clone(b.ctx, b.annFS, source, opts, psync.Options{Adopt: true, Format: replica.FormatParts})
	b.check(err)
	b.update(b.ann, b.s.Records.Open, "status", "new", "owner", "bob")
	b.create("Ticket", "summary", "made with parts", "status", "new")
	b.update(b.ann, b.s.Records.Quiet, "status", "reopened")
	b.carol, err = replica.Open(b.carolFS, options(8, CarolAt, "carol@example.com"))
	b.check(err)
	b.update(b.carol, b.s.Records.Quiet, "owner", "carol")
	b.update(b.ann, b.s.Records.Quiet, "owner", "ann again")
	b.pull(b.ann, b.carolFS, CarolAt)
	b.update(b.ann, b.s.Records.Quiet, "owner", "carol")
	opts.PackFrom = 0
	b.ann, err = replica.Open(b.annFS, opts)
	b.check(err)
	b.update(b.ann, b.s.Records.Quiet, "owner", "nobody")
	b.pull(b.ann, b.carolFS, CarolAt)
	b.finish()
	return b.s
}
