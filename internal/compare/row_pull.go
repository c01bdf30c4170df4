package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"prophet/internal/workload"
)

var errNoDatabase = errors.New("the mirror does not hold one database")

// clones are of one history, at four places: of our mirror, of the same seen as one of the original, of the git repository, of the Fossil repository.
type clones struct {
	*scene
	web, plain *server
}

func (s *scene) clones() (c *clones, err error) {
	c = &clones{scene: s}
	if c.web, err = s.serve(false); err != nil {
		return nil, err
	}
	c.plain, err = s.serve(true)
	return c, err
}

// sides pull into the clones. Before each pull, what others have had made comes in, and then grow makes what is to come.
func (c *clones) sides(grow func(ctx context.Context, h history, program program) error) []side {
	pull := func(name string, program program, web *server, prepare func(context.Context) (command, error)) side {
		var pulling command
		return side{name, program, func(ctx context.Context) (err error) {
			pulling, err = prepare(ctx)
			return err
		}, func(ctx context.Context) (sample, error) {
			if err := errors.Join(c.do(ctx, pulling), grow(ctx, c.history(), program)); err != nil {
				return sample{}, err
			}
			if web == nil {
				return c.total(ctx, pulling)
			}
			web.reset()
			one, err := c.total(ctx, pulling)
			one.requests, one.sent = int64(len(web.asked())), web.sent.Load()
			return one, err
		}}
	}
	return []side{
		pull("prophet pull", c.programs.prophet, c.web, func(ctx context.Context) (command, error) { return c.ourClone(ctx, "pull", c.web, false) }),
		pull("prophet pull, v1", c.programs.prophet, c.plain, func(ctx context.Context) (command, error) { return c.ourClone(ctx, "pull-v1", c.plain, true) }),
		pull("git pull", c.programs.git, c.web, c.gitClone),
		pull("fossil pull", c.programs.fossil, nil, c.fossilClone),
	}
}

// ourClone makes a clone and returns the command that pulls there. The original's mirrors are named by their databases.
func (c *clones) ourClone(ctx context.Context, name string, web *server, v1 bool) (command, error) {
	mirror, err := c.history().mirror(ctx)
	if err != nil {
		return command{}, err
	}
	url := web.url + "/main.mirror/"
	if v1 {
		databases, err := filepath.Glob(filepath.Join(mirror, "*-*"))
		if err != nil || len(databases) != 1 {
			return command{}, errNoDatabase
		}
		url += filepath.Base(databases[0]) + "/"
	}
	path, err := c.have(name, func(path string) error { return c.do(ctx, c.prophet("clone", url, path)) })
	if err != nil {
		return command{}, err
	}
	return c.prophet("pull", url, "-r", path), nil
}

func (c *clones) gitClone(ctx context.Context) (command, error) {
	if _, err := c.history().bare(ctx); err != nil {
		return command{}, err
	}
	url := c.web.url + "/main.git"
	path, err := c.have("pull.git", func(path string) error { return c.do(ctx, c.git("clone", "-q", url, path)) })
	if err != nil {
		return command{}, err
	}
	return in(path, c.git("pull", "-q", "--ff-only", url, "main")), nil
}

func (c *clones) fossilClone(ctx context.Context) (command, error) {
	url, err := c.fossilURL(ctx)
	if err != nil {
		return command{}, err
	}
	path, err := c.have("pull.fossil", func(path string) error { return c.do(ctx, c.fossil("clone", url, path)) })
	if err != nil {
		return command{}, err
	}
	return c.fossil("pull", url, "-R", path), nil
}

// nothingRow pulls where nothing is new.
func nothingRow(ctx context.Context, s *scene) (outcome, error) {
	c, err := s.clones()
	if err != nil {
		return outcome{}, err
	}
	all, err := s.contest(ctx, s.opts.shortRuns, c.sides(func(context.Context, history, program) error { return nil })...)
	if err != nil {
		return outcome{}, err
	}
	ours, v1, git, fossil := all[0], all[1], all[2], all[3]
	return outcome{measured: all, steady: map[string]float64{"time": ours.least().Seconds()}, verdicts: []verdict{
		counts("requests to our mirror", ours.requests(), 1),
		counts("requests to a v1 tree", v1.requests(), 2),
		times("time", ours, fossil, 1),
		aside("time", ours, git),
	}}, nil
}

const news = 10 // changesets in a pull of ten

// tenRow pulls ten changesets, which were published since the last pull.
func tenRow(ctx context.Context, s *scene) (outcome, error) {
	c, err := s.clones()
	if err != nil {
		return outcome{}, err
	}
	all, err := s.contest(ctx, s.opts.runs, c.sides(s.grow)...)
	if err != nil {
		return outcome{}, err
	}
	ours, v1, git, fossil := all[0], all[1], all[2], all[3]
	return outcome{measured: all, steady: map[string]float64{"bytes sent": float64(ours.sent())}, verdicts: []verdict{
		counts("requests to our mirror", ours.requests(), 3),
		counts("requests to a v1 tree", v1.requests(), 12),
		times("time", ours, fossil, 1),
		aside("time", ours, git),
	}}, nil
}

// grow adds ten changesets to what the program's clones pull from.
func (s *scene) grow(ctx context.Context, h history, p program) error {
	more := s.fresh("more")
	s.seeds++
	source := workload.Source{Seed: s.seeds, Changesets: news}
	switch p {
	case s.programs.prophet:
		from, err := h.replica(ctx)
		if err != nil {
			return err
		}
		if err := writeFile(more, source.WriteLines); err != nil {
			return err
		}
		return errors.Join(s.do(ctx, s.prophet("import", more, "--as", fmt.Sprint("more ", s.seeds), "-r", from)), h.publish(ctx, from, filepath.Join(s.dir, "main.mirror")))
	case s.programs.git:
		bare := filepath.Join(s.dir, "main.git")
		if err := writeFile(more, func(w io.Writer) error { return source.WriteStream(w, "refs/heads/main^0") }); err != nil {
			return err
		}
		return s.do(ctx, reading(more, in(bare, s.git("fast-import", "--quiet"))), in(bare, s.git("update-server-info")))
	}
	for changeset := range source.All() {
		if err := s.do(ctx, s.addTicket(filepath.Join(s.dir, "main.fossil"), changeset)); err != nil {
			return err
		}
	}
	return nil
}
