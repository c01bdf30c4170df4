package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"prophet/internal/workload"
)

// createRow makes one record, flushed, whole processes. For git that is two: add and commit.
func createRow(ctx context.Context, s *scene) (outcome, error) {
	var ours, checkout, repository string
	next := func() workload.Changeset {
		s.seeds++
		for c := range (workload.Source{Seed: s.seeds, Changesets: 1}).All() {
			return c
		}
		panic("a source of one changeset has none")
	}
	all, err := s.contest(ctx, s.opts.shortRuns,
		side{"prophet create", s.programs.prophet, func(ctx context.Context) (err error) {
			ours, err = s.history().replica(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			words := []string{"create", workload.Type, "-r", ours}
			for p, value := range next().Values {
				words = append(words, workload.Names[p]+"="+value)
			}
			return s.total(ctx, s.prophet(words...))
		}},
		side{"git add, git commit", s.programs.git, func(ctx context.Context) (err error) {
			checkout, err = s.history().checkout(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			c := next()
			path := filepath.Join(checkout, c.Path())
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return sample{}, err
			}
			if err := os.WriteFile(path, []byte(c.File()), 0o666); err != nil {
				return sample{}, err
			}
			return s.total(ctx, in(checkout, s.git("add", c.Path())), in(checkout, s.git("commit", "-q", "-m", "One more")))
		}},
		side{"fossil ticket add", s.programs.fossil, func(ctx context.Context) (err error) {
			repository, err = s.history().tickets(ctx)
			return err
		}, func(ctx context.Context) (sample, error) { return s.total(ctx, s.addTicket(repository, next())) }},
	)
	if err != nil {
		return outcome{}, err
	}
	return outcome{measured: all, steady: map[string]float64{"time": all[0].least().Seconds()}, verdicts: []verdict{
		times("time", all[0], all[2], 1),
		aside("time", all[0], all[1]),
	}}, nil
}

const mostStart = 8 * time.Millisecond

// versionRow starts the programs.
func versionRow(ctx context.Context, s *scene) (outcome, error) {
	start := func(p program) side {
		return side{p.name + " version", p, nil, func(ctx context.Context) (sample, error) {
			return s.total(ctx, command{program: p, args: []string{"version"}})
		}}
	}
	all, err := s.contest(ctx, s.opts.shortRuns, start(s.programs.prophet), start(s.programs.git), start(s.programs.fossil))
	if err != nil {
		return outcome{}, err
	}
	v := aside("time", all[0], all[1])
	return outcome{measured: all, verdicts: []verdict{below("time", all[0].least(), mostStart, shownTime), v}}, nil
}
