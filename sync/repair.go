package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
)

// Repair is [replica.Repair] that also brings back votes, where all of them are lost: from each of the sources that has some, as a pull does, and nothing else of what these have.
func Repair(ctx context.Context, fsys afero.Fs, opts replica.Options, how replica.RepairOptions) error {
	v := &votesRepair{opts: opts, how: how}
	how.Report, how.Sources, how.More = v.hold, v.open, v.more
	if err := replica.Repair(ctx, fsys, opts, how); err != nil {
		v.tellLost()
		return err
	}
	return v.bring(ctx, fsys)
}

// votesRepair brings back votes of which nothing is left.
type votesRepair struct {
	opts    replica.Options
	how     replica.RepairOptions
	asked   bool
	sources []*replica.Replica
	others  []*replica.Replica // what else there is where the sources are: see beside
	lost    *replica.Mended    // that they are, if the repair found that out; told where nobody has any
}

var votesIndex = changeset.ResolutionsDir + "/" + changeset.IndexFile

func (v *votesRepair) hold(m replica.Mended) {
	if m.Path == votesIndex && m.Outcome == replica.IsLost {
		v.lost = &m
		return
	}
	v.tell(m)
}

func (v *votesRepair) tell(m replica.Mended) {
	if v.how.Report != nil {
		v.how.Report(m)
	}
}

func (v *votesRepair) tellLost() {
	if v.lost != nil {
		v.tell(*v.lost)
	}
}

// open opens the sources, once.
func (v *votesRepair) open(ctx context.Context) []*replica.Replica {
	if !v.asked && v.how.Sources != nil {
		v.sources, v.others = v.split(v.how.Sources(ctx))
	}
	v.asked = true
	return v.sources
}

// more opens what is asked for single objects alone.
func (v *votesRepair) more(ctx context.Context) []*replica.Replica {
	more := v.others
	if v.how.More != nil {
		first, then := v.split(v.how.More(ctx))
		more = slices.Concat(more, first, then)
	}
	return more
}

// split returns what is asked first at each place, and what is there beside it: of a mirror's packs and its v1 tree each may have what the other one has lost. Each place has one word on what rows there are; that of a
// directory is its tree's where its packs cannot be read.
func (v *votesRepair) split(places []*replica.Replica) (first, then []*replica.Replica) {
	for _, r := range places {
		other := beside(r, nil) // what is wrong there is told by who has no other
		if other != nil && !r.Mirror() && !hasRows(r) && hasRows(other) {
			r, other = other, r
		}
		if first = append(first, r); other != nil {
			then = append(then, other)
		}
	}
	return first, then
}

// hasRows reports whether the rows of both logs can be read.
func hasRows(r *replica.Replica) bool {
	for _, l := range []*replica.Log{r.Log(), r.Resolutions()} {
		for _, err := range l.Rows(1, l.Latest()) {
			if err != nil {
				return false
			}
		}
	}
	return true
}

// bring brings the votes, if they are all lost, by this repair or since an earlier one.
func (v *votesRepair) bring(ctx context.Context, fsys afero.Fs) error {
	opts := v.opts
	opts.Warn = nil // what is wrong was told as such
	r, err := replica.Open(fsys, opts)
	if err != nil {
		v.tellLost()
		return nil // the check that follows says why
	}
	if lost, err := r.Resolutions().AllLost(); !lost || err != nil {
		v.tellLost()
		return err
	}
	n, from := 0, []string(nil)
	for _, source := range v.open(ctx) {
		if source.Resolutions().Latest() == 0 {
			continue
		}
		came, err := bringVotes(ctx, r, source, Options{Warn: v.opts.Warn})
		if ctx.Err() != nil {
			v.tellLost()
			return ctx.Err()
		}
		if n += came; came > 0 {
			from = append(from, source.Where())
		}
		if err != nil && v.opts.Warn != nil {
			v.opts.Warn(fmt.Sprintf("%v; its other votes do not come", err))
		}
	}
	if n == 0 {
		v.tellLost()
		return nil
	}
	v.tell(replica.Mended{Path: votesIndex, Outcome: replica.IsFetched,
		Text: fmt.Sprintf("nothing was left of the votes; %d came from %s, and nothing says whether there were more", n, strings.Join(from, ", "))})
	return nil
}

// bringVotes pulls the votes alone, and returns how many came.
func bringVotes(ctx context.Context, to, from *replica.Replica, opts Options) (int, error) {
	p := newPull(to, from, opts)
	p.onVotes = true
	if err := p.persist(ctx, p.runPacks); err != nil {
		return p.report.Votes, fmt.Errorf("pull votes from %s: %w", from.Where(), err)
	}
	return p.report.Votes, nil
}
