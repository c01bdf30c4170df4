package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is what all rows share.
type bench struct {
	opts     *options
	home     string // a directory for programs, settings and results, in memory if it can be
	self     string // this program
	programs struct{ prophet, git, fossil, self program }
	log      io.Writer
	scenes   []string // directories to be removed at the end
}

// program is one that is measured.
type program struct {
	name, path string
	missing    string // why it cannot be; "" if it can
}

func newBench(ctx context.Context, opts *options, log io.Writer) (b *bench, err error) {
	b = &bench{opts: opts, log: log}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.home, err = os.MkdirTemp(opts.places[0].dir, "compare-"); err != nil {
		return nil, err
	}
	b.programs.self = program{name: "compare", path: b.self}
	b.programs.git = look("git", opts.git)
	b.programs.fossil = look("Fossil", opts.fossil)
	if b.programs.prophet, err = b.build(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, os.Mkdir(filepath.Join(b.home, "template"), 0o777)
}

func look(name, path string) program {
	found, err := exec.LookPath(path)
	if err != nil {
		return program{name: name, missing: name + " is not installed"}
	}
	return program{name: name, path: found}
}

// build builds prophet, as it is in the working directory's module, unless one was given.
func (b *bench) build(ctx context.Context) (program, error) {
	p := program{name: "prophet", path: b.opts.prophet}
	if p.path != "" {
		return p, nil
	}
	p.path = filepath.Join(b.home, "prophet")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", p.path, "prophet/cmd/prophet").CombinedOutput()
	if err != nil {
		return p, fmt.Errorf("build prophet: %w\n%s", err, out)
	}
	return p, nil
}

// close removes what was made, unless it is to be kept.
func (b *bench) close() {
	for _, dir := range append(b.scenes, b.home) {
		if b.opts.keep {
			fmt.Fprintln(b.log, "kept:", dir)
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(b.log, "compare:", err)
		}
	}
}

// measureAll measures every row at every place and size.
func (b *bench) measureAll(ctx context.Context) *report {
	rep := &report{about: b.about(ctx)}
	for _, p := range b.opts.places {
		across := steadiness{}
		for _, n := range b.opts.sizes {
			s, err := b.newScene(p, n)
			if err != nil {
				rep.failed(fmt.Errorf("prepare %s: %w", p.dir, err))
				continue
			}
			for _, r := range b.opts.rows {
				rep.add(b.measureRow(ctx, s, r, across))
			}
			s.close()
		}
		rep.add(across.outcome(p.name))
	}
	return rep
}

// measureRow measures one row and tells what came out.
func (b *bench) measureRow(ctx context.Context, s *scene, r row, across steadiness) outcome {
	begin := time.Now()
	if err := ctx.Err(); err != nil {
		return outcome{row: r.name, place: s.place.name, size: s.n, failure: err}
	}
	out, err := r.measure(ctx, s)
	out.row, out.place, out.size, out.failure = r.name, s.place.name, s.n, err
	across.note(s.n, out)
	fmt.Fprintf(b.log, "%s, %s, %d: %.0f s\n", r.name, s.place.name, s.n, time.Since(begin).Seconds())
	for _, v := range out.verdicts {
		fmt.Fprintln(b.log, "  "+v.String())
	}
	if err != nil {
		fmt.Fprintln(b.log, "  failed:", err)
	}
	return out
}

// about names the programs and the machine.
func (b *bench) about(ctx context.Context) (lines []string) {
	lines = append(lines, fmt.Sprintf("%d processors, load %s; %d runs, %d of what takes a moment.", runtime.NumCPU(), load(), b.opts.runs, b.opts.shortRuns))
	for _, p := range []struct {
		program
		word string
	}{{b.programs.prophet, "version"}, {b.programs.git, "version"}, {b.programs.fossil, "version"}} {
		if p.missing != "" {
			lines = append(lines, p.missing+".")
			continue
		}
		out, err := exec.CommandContext(ctx, p.path, p.word).Output()
		first, _, _ := bytes.Cut(out, []byte("\n"))
		lines = append(lines, strings.TrimSuffix(string(first), ".")+".")
		if err != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", p.name, err))
		}
	}
	return lines
}

// errNothing says that a command that was to find something found nothing, so that nothing was measured.
var errNothing = errors.New("printed nothing, and should have")
