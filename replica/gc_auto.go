package replica

import (
	"context"
	"errors"
	"fmt"

	"prophet/internal/parts"
)

// tidy runs gc after a commit, where that is worth it. The commit is made: an error is no error of it.
func (r *Replica) tidy(ctx context.Context) {
	opts := GCOptions{Auto: parts.GCAlways != "yes"}
	if r.rehearsal || opts.Auto && !r.wantsGC() {
		return
	}
	_, err := r.GC(ctx, opts)
	if err != nil && ctx.Err() == nil && !errors.As(err, new(*BusyError)) {
		r.warn(fmt.Sprintf("what was done is done, but the replica could not be tidied: %v", err))
	}
}

// wantsGC reports whether so much is loose, or are there so many small parts, that it is worth it, and a gc can do something about that. Nothing is read for it but, where much is loose, which of that is lost.
func (r *Replica) wantsGC() bool {
	for _, l := range []*Log{r.log, r.votes} {
		packs, err := l.packs()
		if err != nil || r.format != FormatParts {
			return false
		}
		small := 0
		for _, ref := range packs.list {
			if rowsOf(ref) < autoRows {
				small++
			}
		}
		if small > autoParts {
			if from, to := autoMerge(packs.list); to > from {
				return true
			}
		}
		if packs.loose(l.latest) > autoLoose && len(packs.list) < parts.MaxParts {
			if rows, err := l.foldable(packs); err == nil && rows > autoLoose { // else no gc can work
				return true
			}
		}
	}
	return false
}

// autoMerge is [gc.toMerge] of a gc that runs by itself.
func autoMerge(list parts.List) (from, to int) {
	return (&gc{opts: GCOptions{Auto: true}}).toMerge(list)
}

// foldable is how many rows are loose that are not listed as lost.
func (l *Log) foldable(packs *packs) (uint32, error) {
	lost, err := l.lostRows()
	if err != nil {
		return 0, err
	}
	loose := packs.loose(l.latest)
	for row := range lost {
		if _, covered := packs.list.Covering(row); !covered && row <= l.latest {
			loose--
		}
	}
	return loose, nil
}
