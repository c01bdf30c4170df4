package sync

import (
	"context"

	"github.com/spf13/afero"

	"prophet/replica"
)

// Clone makes a new replica at the root of the file system dir, which must hold none, and pulls all that the source has. A clone that was
// cut off is a replica, and a pull from the peer that it notes as the last goes on with it. opts.Adopt is usually wanted.
func Clone(ctx context.Context, dir afero.Fs, from *replica.Replica, to replica.Options, opts Options) (*replica.Replica, *Report, error) {
	id := replica.Identity{Database: from.Database(), Votes: from.Resolutions().Database()}
	r, err := replica.Init(ctx, dir, id, to)
	if err != nil {
		return nil, nil, err
	}
	if err := r.SetLastPeer(from.Where()); err != nil {
		return r, nil, err
	}
	if opts.Adopt {
		peer := replica.Peer{UUID: from.UUID(), URL: from.Where(), Adopt: true}
		if err := r.Update(ctx, func(tx *replica.Tx) error { tx.SetPeer(peer); return nil }); err != nil {
			return r, nil, err
		}
	}
	report, err := Pull(ctx, r, from, opts)
	return r, report, err
}
