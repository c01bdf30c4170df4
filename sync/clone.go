package sync

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/replica"
)

// Clone makes a new replica at the root of the file system dir, which must hold none, and pulls all that the source has. opts.Adopt is usually wanted.
//
// A clone that was cut off is a replica, as [CloneBegun] reports, and is cloned into again; a pull from the peer that it notes as the last goes on with it too. An error with no replica says the same.
func Clone(ctx context.Context, dir afero.Fs, from *replica.Replica, to replica.Options, opts Options) (*replica.Replica, *Report, error) {
	r, err := begin(ctx, dir, from, to, opts.Format)
	if err != nil {
		return nil, nil, err
	}
	if peer, err := r.Log().Peer(from.UUID()); err != nil {
		return r, nil, err
	} else if peer.Adopt != opts.Adopt {
		peer = replica.Peer{UUID: from.UUID(), Place: replica.Place{URL: from.Where()}, Adopt: opts.Adopt}
		if err := r.Update(ctx, func(tx *replica.Tx) error { tx.SetPeer(peer); return nil }); err != nil {
			return r, nil, err
		}
	}
	if err := r.SetLastPeer(from.Where()); err != nil { // last: from here on a pull knows all that it needs to go on
		return r, nil, err
	}
	report, err := Pull(ctx, r, from, opts)
	return r, report, err
}

// begin makes the empty replica, or opens the one that an earlier Clone made and did no more with.
func begin(ctx context.Context, dir afero.Fs, from *replica.Replica, to replica.Options, format string) (*replica.Replica, error) {
	id := replica.Identity{Database: from.Database(), Votes: from.Resolutions().Database(), Format: format}
	r, err := replica.Init(ctx, dir, id, to)
	if !errors.Is(err, replica.ErrExists) {
		return r, err
	}
	r, openErr := replica.Open(dir, to)
	if openErr != nil || !justMade(r) && !isUnfinished(r) || r.Database() != id.Database || id.Votes != uuid.Nil && r.Resolutions().Database() != id.Votes || format != "" && r.Format() != format {
		return nil, err
	}
	return r, nil
}

// justMade reports whether nothing was ever done in a replica, so that it does not even know where to pull from.
func justMade(r *replica.Replica) bool {
	last, err := r.LastPeer()
	return err == nil && last == "" && r.Latest() == 0 && r.Resolutions().Latest() == 0
}

// isUnfinished reports whether a replica is a clone that did not come to its end.
func isUnfinished(r *replica.Replica) bool {
	peers, err := r.Peers()
	return err == nil && slices.ContainsFunc(peers, func(p replica.Peer) bool { return p.Adopt })
}

// CloneBegun reports whether the root of dir holds nothing but what a [Clone] leaves that was cut off: files of a replica without
// replica-version, which is written last and makes them one, an empty replica that does not know yet where it comes from, or one that knows that it is a clone in the making.
func CloneBegun(dir afero.Fs) bool {
	if r, err := replica.Open(dir, replica.Options{}); err == nil {
		return justMade(r) || isUnfinished(r)
	}
	return afero.Walk(dir, ".", func(name string, info os.FileInfo, err error) error {
		if err == nil && !replica.LeftOfInit(dir, name, info) {
			err = ErrNotEmpty
		}
		return err
	}) == nil
}
