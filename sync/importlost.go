package sync

import (
	"context"

	"github.com/spf13/afero"

	"prophet/replica"
)

// takeBackLost gives the replica the changesets back that it has lost and that lines of the source make. An import makes them of the source alone, so they are made once more, up to the last of these
// lines, in a replica in memory that has nothing else, and taken from there. A rehearsal does not.
func (im *importing) takeBackLost(ctx context.Context) error {
	if im.lost == 0 || im.opts.DryRun {
		return nil
	}
	scratch, err := replica.Init(ctx, afero.NewMemMapFs(), replica.Identity{Database: im.to.Database()}, replica.Options{Where: im.src.where})
	if err != nil {
		return err
	}
	again := &importing{intake: newIntake(scratch, PreferNone), src: im.src, origin: im.origin, seed: im.seed, sums: im.sums, last: im.lost, fresh: 1}
	if err := again.write(ctx); err != nil {
		return err
	}
	n, err := im.to.TakeBack(ctx, scratch)
	if n == 0 {
		return err
	}
	im.report.Restored += n
	if im.opts.Warn != nil {
		im.opts.Warn(cameBack(n, im.to, im.src.where))
	}
	return err
}
