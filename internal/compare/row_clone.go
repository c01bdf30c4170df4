package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// usualMemory is what git clone took of usualSize changesets when the targets were set. The targets of a large clone are about a million.
const (
	usualSize     = 10_000
	usualMemory   = 44 << 20
	million       = 1_000_000
	millionCPU    = 60 * time.Second
	millionMemory = 250 << 20
)

// cloneRow clones from a static web server.
func cloneRow(ctx context.Context, s *scene) (outcome, error) {
	web, err := s.serve(false)
	if err != nil {
		return outcome{}, err
	}
	all, err := s.contest(ctx, s.opts.runs, s.cloneSide(web), s.gitCloneSide(web), s.fossilCloneSide())
	if err != nil {
		return outcome{}, err
	}
	json, err := s.jsonBytes(ctx)
	if err != nil {
		return outcome{}, err
	}
	ours, git := all[0], all[1]
	verdicts := []verdict{
		times("time", ours, git, 0.5),
		counts("requests", ours.requests(), 8),
		sizes("bytes sent", ours.sent(), json, "JSON", "", 0.13),
		counts("files written", ours.files(), 60),
		sizes("memory", ours.memory(), git.memory(), "git", git.missing, 1),
	}
	if s.n == usualSize {
		verdicts = append(verdicts, below("memory", ours.memory(), usualMemory, shownBytes))
	}
	if s.n >= million {
		verdicts = append(verdicts, below("CPU", ours.cpu(), millionCPU, shownTime), below("memory", ours.memory(), millionMemory, shownBytes))
	}
	return outcome{measured: all, verdicts: verdicts}, nil
}

// jsonBytes is what the changesets have as canonical JSON.
func (s *scene) jsonBytes(ctx context.Context) (int64, error) {
	path, err := s.history().replica(ctx)
	if err != nil {
		return 0, err
	}
	return jsonSize(path)
}

func (s *scene) cloneSide(web *server) side {
	prepare := func(ctx context.Context) error {
		_, err := s.history().mirror(ctx)
		return err
	}
	return side{"prophet clone", s.programs.prophet, prepare, func(ctx context.Context) (sample, error) {
		to := s.fresh("clone")
		return s.fetching(ctx, web, to, s.prophet("clone", web.url+"/main.mirror/", to))
	}}
}

func (s *scene) gitCloneSide(web *server) side {
	prepare := func(ctx context.Context) error {
		_, err := s.history().bare(ctx)
		return err
	}
	return side{"git clone", s.programs.git, prepare, func(ctx context.Context) (sample, error) {
		to := s.fresh("clone") + ".git"
		return s.fetching(ctx, web, to, s.git("clone", "-q", web.url+"/main.git", to))
	}}
}

// fossilCloneSide clones from Fossil's own server: it has no static form.
func (s *scene) fossilCloneSide() side {
	var url string
	prepare := func(ctx context.Context) (err error) {
		url, err = s.fossilURL(ctx)
		return err
	}
	return side{"fossil clone", s.programs.fossil, prepare, func(ctx context.Context) (sample, error) {
		to := s.fresh("clone") + ".fossil"
		return s.writing(ctx, to, s.fossil("clone", url, to))
	}}
}

// fetching runs a command and counts what it asks the server for, and what lies at the path after that.
func (s *scene) fetching(ctx context.Context, web *server, path string, c command) (sample, error) {
	web.reset()
	one, err := s.writing(ctx, path, c)
	one.requests, one.sent = int64(len(web.asked())), web.sent.Load()
	return one, err
}

// trackerRow clones real data: how far it can be compressed depends on what it is.
func trackerRow(ctx context.Context, s *scene) (outcome, error) {
	lines, err := s.opts.realLines()
	if err != nil {
		return outcome{}, err
	}
	from, err := s.have("tracker.replica", func(path string) error {
		return s.do(ctx, s.prophet("init", "-r", path), s.prophet("import", lines, "-r", path))
	})
	if err != nil {
		return outcome{}, err
	}
	if _, err := s.have("tracker.mirror", func(path string) error { return s.history().publish(ctx, from, path) }); err != nil {
		return outcome{}, err
	}
	web, err := s.serve(false)
	if err != nil {
		return outcome{}, err
	}
	to := s.fresh("clone")
	one, err := s.fetching(ctx, web, to, s.prophet("clone", web.url+"/tracker.mirror/", to))
	if err != nil {
		return outcome{}, err
	}
	json, err := jsonSize(from)
	ours := measured{name: "prophet clone", samples: []sample{one}}
	return outcome{measured: []measured{ours}, verdicts: []verdict{sizes("bytes sent", one.sent, json, "JSON", "", 0.20)}}, err
}

// v1CloneRow clones from a mirror that has nothing of ours, and for comparison gets the same files and writes them.
func v1CloneRow(ctx context.Context, s *scene) (outcome, error) {
	if _, err := s.history().mirror(ctx); err != nil {
		return outcome{}, err
	}
	databases, err := filepath.Glob(filepath.Join(s.dir, "main.mirror", "*-*"))
	if err != nil || len(databases) != 1 {
		return outcome{}, errNoDatabase
	}
	web, err := s.serve(true)
	if err != nil {
		return outcome{}, err
	}
	list := s.fresh("list")
	url := web.url + "/main.mirror/" + filepath.Base(databases[0]) + "/"
	all, err := s.contest(ctx, s.opts.runs,
		side{"prophet clone", s.programs.prophet, nil, func(ctx context.Context) (sample, error) {
			to := s.fresh("clone")
			one, err := s.fetching(ctx, web, to, s.prophet("clone", url, to))
			if err != nil {
				return one, err
			}
			asked := web.asked()
			slices.Sort(asked)
			return one, os.WriteFile(list, []byte(strings.Join(slices.Compact(asked), "\n")), 0o666)
		}},
		side{"fetch by 16", s.programs.self, nil, func(ctx context.Context) (sample, error) {
			to := s.fresh("files")
			return s.fetching(ctx, web, to, command{program: s.programs.self, args: []string{"fetch", web.url, list, to}})
		}},
	)
	if err != nil {
		return outcome{}, err
	}
	return outcome{measured: all, verdicts: []verdict{times("time", all[0], all[1], 1.3)}}, nil
}
