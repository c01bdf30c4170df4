package main

import (
	"context"
	"path/filepath"
)

// importRow makes a repository of the lines or the stream, flushed.
func importRow(ctx context.Context, s *scene) (outcome, error) {
	lines, err := s.history().lines()
	if err != nil {
		return outcome{}, err
	}
	stream, err := s.history().stream()
	if err != nil {
		return outcome{}, err
	}
	all, err := s.contest(ctx, s.opts.runs,
		side{"prophet import", s.programs.prophet, nil, func(ctx context.Context) (sample, error) {
			to := s.fresh("import")
			if err := s.do(ctx, s.prophet("init", "-r", to)); err != nil {
				return sample{}, err
			}
			return s.writing(ctx, to, s.prophet("import", lines, "-r", to))
		}},
		side{"git fast-import", s.programs.git, nil, func(ctx context.Context) (sample, error) {
			to := s.fresh("import") + ".git"
			if err := s.do(ctx, s.git("init", "-q", "--bare", to)); err != nil {
				return sample{}, err
			}
			return s.writing(ctx, to, reading(stream, in(to, s.git("fast-import", "--quiet"))))
		}},
		side{"fossil reconstruct", s.programs.fossil, s.artifacts, func(ctx context.Context) (sample, error) {
			to := s.fresh("import") + ".fossil"
			return s.writing(ctx, to, s.fossil("reconstruct", to, filepath.Join(s.dir, "artifacts")))
		}},
	)
	if err != nil {
		return outcome{}, err
	}
	return outcome{measured: all, verdicts: []verdict{times("time", all[0], all[1], 0.2)}}, nil
}

func (s *scene) artifacts(context.Context) error {
	_, err := s.have("artifacts", func(path string) error { return writeArtifacts(path, s.source) })
	return err
}

// writing runs a command and counts what lies at the path after that.
func (s *scene) writing(ctx context.Context, path string, commands ...command) (one sample, err error) {
	if one, err = s.total(ctx, commands...); err != nil {
		return one, err
	}
	one.tree, err = countTree(path)
	return one, err
}

// diskRow counts what an imported history takes.
func diskRow(ctx context.Context, s *scene) (outcome, error) {
	path, err := s.history().replica(ctx)
	if err != nil {
		return outcome{}, err
	}
	ours, err := countTree(path)
	if err != nil {
		return outcome{}, err
	}
	theirs := tree{}
	if s.programs.git.missing == "" {
		if path, err = s.history().bare(ctx); err != nil {
			return outcome{}, err
		}
		if theirs, err = countTree(path); err != nil {
			return outcome{}, err
		}
	}
	n := int64(s.n)
	return outcome{verdicts: []verdict{
		sizes("content, a changeset", ours.bytes/n, theirs.bytes/n, "git", s.programs.git.missing, 0.5),
		sizes("blocks, a changeset", ours.allocated/n, theirs.allocated/n, "git", s.programs.git.missing, 0.5),
		sizes("files, a changeset", ours.files, n, "changesets", "", 0.01).plain(ours.files, n),
	}}, nil
}

// plain shows two numbers as such, and not as bytes.
func (v verdict) plain(ours, theirs int64) verdict {
	v.ours, v.theirs = shownCount(ours), shownCount(theirs)+" changesets"
	return v
}
