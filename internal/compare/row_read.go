package main

import (
	"context"
	"fmt"

	"prophet/internal/workload"
)

// status is the property that is searched for, in Names.
const status = 3

// searchRow looks for the records whose status is that of the first one.
func searchRow(ctx context.Context, s *scene) (outcome, error) {
	value := s.source.Last(1)[0].Values[status]
	var ours, checkout, repository string
	all, err := s.contest(ctx, s.opts.shortRuns,
		side{"prophet search", s.programs.prophet, func(ctx context.Context) (err error) {
			ours, err = s.history().replica(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			return s.total(ctx, printing(s.prophet("search", workload.Type, workload.Names[status]+"="+value, "-r", ours)))
		}},
		side{"git grep", s.programs.git, func(ctx context.Context) (err error) {
			checkout, err = s.history().checkout(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			return s.total(ctx, printing(in(checkout, s.git("grep", "-lF", workload.Names[status]+": "+value))))
		}},
		side{"fossil ticket show", s.programs.fossil, func(ctx context.Context) (err error) {
			repository, err = s.history().tickets(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			filter := workload.FossilFields[status] + "='" + value + "'"
			return s.total(ctx, printing(s.fossil("ticket", "show", "0", filter, "-R", repository)))
		}},
	)
	if err != nil {
		return outcome{}, err
	}
	return outcome{measured: all, verdicts: []verdict{times("time", all[0], all[1], 1)}}, nil
}

// hot is how many changes the record has whose history is shown.
const hot = 1000

// historyRow shows the history of a record whose changes lie together, and of one whose changes lie scattered among the others.
func historyRow(ctx context.Context, s *scene) (outcome, error) {
	changes := min(hot, s.n)
	h := history{s, "hot", workload.Source{Changesets: s.n, Scattered: changes, Together: changes}}
	var sides []side
	for _, lying := range []string{"together", "scattered"} {
		c := workload.Changeset{Record: h.source.TogetherRecord()}
		if lying == "scattered" {
			c.Record = h.source.ScatteredRecord()
		}
		sides = append(sides, h.sides(lying, c)...)
	}
	all, err := s.contest(ctx, s.opts.runs, sides...)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{measured: all, steady: map[string]float64{}}
	for i, most := range []float64{2, 5} {
		ours, git, fossil := all[3*i], all[3*i+1], all[3*i+2]
		what := fmt.Sprintf("%d changes %s", changes, []string{"together", "scattered"}[i])
		o.verdicts = append(o.verdicts, times(what, ours, fossil, most), aside(what, ours, git))
		o.steady[what] = ours.least().Seconds()
	}
	return o, nil
}

// sides show the history of the record of c.
func (h history) sides(lying string, c workload.Changeset) []side {
	var ours, checkout, repository string
	return []side{
		{"prophet history, " + lying, h.programs.prophet, func(ctx context.Context) (err error) {
			ours, err = h.replica(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			return h.total(ctx, printing(h.prophet("history", c.Record.String(), "-r", ours)))
		}},
		{"git log -p, " + lying, h.programs.git, func(ctx context.Context) (err error) {
			checkout, err = h.checkout(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			return h.total(ctx, printing(in(checkout, h.git("log", "-p", "--", c.Path()))))
		}},
		{"fossil ticket history, " + lying, h.programs.fossil, func(ctx context.Context) (err error) {
			repository, err = h.tickets(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			return h.total(ctx, printing(h.fossil("ticket", "history", c.FossilID(), "-R", repository)))
		}},
	}
}

// fsckRow checks a replica, and for comparison reads and hashes its files.
func fsckRow(ctx context.Context, s *scene) (outcome, error) {
	ours, err := s.history().replica(ctx)
	if err != nil {
		return outcome{}, err
	}
	all, err := s.contest(ctx, s.opts.runs,
		side{"prophet fsck", s.programs.prophet, nil, func(ctx context.Context) (sample, error) { return s.total(ctx, s.prophet("fsck", "-r", ours)) }},
		side{"read and hash", s.programs.self, nil, func(ctx context.Context) (sample, error) {
			return s.total(ctx, command{program: s.programs.self, args: []string{"hash", ours}})
		}},
	)
	if err != nil {
		return outcome{}, err
	}
	return outcome{measured: all, verdicts: []verdict{times("time", all[0], all[1], 3)}}, nil
}
