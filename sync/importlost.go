package sync

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/replica"
)

// takeBackLost gives the replica the changesets back that it has lost and that lines of the source make. An import makes them of the source alone, so they are made once more, up to the last of these
// lines, in a replica in memory that has nothing else, and taken from there. A rehearsal only says how many these are. A line that makes another changeset than the one that was lost is an error.
func (im *importing) takeBackLost(ctx context.Context) error {
	if im.lost == 0 {
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
	lost, err := im.to.Log().Lost()
	if err != nil {
		return err
	}
	if im.opts.DryRun {
		if err := im.refuseOthers(lost, scratch); err != nil {
			return err
		}
		im.report.Restored += im.losses
		im.warn(fmt.Sprintf("%d of the changesets that %s has lost would come back from %s", im.losses, im.to.Where(), im.src.where))
		return nil
	}
	if err := im.takeBack(ctx, scratch, im.src.where, im.opts.Warn); err != nil {
		return err
	}
	return im.refuseOthers(lost, scratch)
}

func (im *importing) warn(text string) {
	if im.opts.Warn != nil {
		im.opts.Warn(text)
	}
}

// refuseOthers returns an error for the first line of which the changeset is lost, and which makes another one in a replica that has nothing but the source. Of a changeset of which not even the SHA-1 is known, any may be the one.
func (im *importing) refuseOthers(lost []changeset.Row, made *replica.Replica) error {
	slices.SortFunc(lost, func(a, b changeset.Row) int { return a.ID.Compare(b.ID) })
	for _, row := range lost {
		if row.ID.Origin == im.origin && row.ID.Seq <= im.lost && row.Key != (cas.Key{}) && !made.Makes(row) {
			return fmt.Errorf("%s line %d: %w", im.src.where, row.ID.Seq, pastError("this line said something else when it was imported, and what it made is lost here"))
		}
	}
	return nil
}
