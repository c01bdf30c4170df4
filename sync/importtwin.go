package sync

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// warnOfTwin warns where nothing was imported under the name of the source, and all its lines were under another one: they are made once more then, by the same file under another name.
func (im *importing) warnOfTwin(ctx context.Context) error {
	if im.known > 0 || im.fresh == 0 || im.opts.Warn == nil {
		return nil
	}
	origins, err := im.origins(ctx)
	if err != nil {
		return err
	}
	for _, origin := range origins {
		all, err := im.hasAll(ctx, origin)
		if err != nil {
			return err
		}
		if all {
			im.warn(fmt.Sprintf("all that %s says is here already, from a source of another name (its changesets are those of %s): under this name it is made once more; name the source with --as, as it was imported first, to have nothing twice", im.src.where, origin))
			return nil
		}
	}
	return nil
}

// origins returns the sources from which the first line may have come before: those whose line of that number touches its first record.
func (im *importing) origins(ctx context.Context) (origins []uuid.UUID, err error) {
	r, err := im.begin(nil)
	if err != nil {
		return nil, err
	}
	defer r.lines.close()
	c, err := im.changeset(ctx, r)
	if err != nil {
		return nil, err
	}
	versions, err := im.to.Log().Versions(c.Changes[0].Record)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		row, err := im.to.Log().Row(v.Seq)
		if err != nil {
			return nil, err
		}
		if isImportOrigin(row.ID.Origin) && row.ID.Seq == c.ID.Seq {
			origins = append(origins, row.ID.Origin)
		}
	}
	return origins, nil
}

// hasAll reports whether every line of the source was imported as that of another one.
func (im *importing) hasAll(ctx context.Context, origin uuid.UUID) (bool, error) {
	other := *im
	other.origin = origin
	r, err := other.begin(nil)
	if err != nil {
		return false, err
	}
	defer r.lines.close()
	for r.lines.no < im.last {
		c, err := other.changeset(ctx, r)
		if err != nil {
			return false, err
		}
		if known, err := other.compare(c); !known || err != nil {
			return false, ctx.Err() // that it says something else is no error of this source, and what cannot be read is told where it is needed
		}
	}
	return true, nil
}
