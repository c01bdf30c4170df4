package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"prophet/internal/workload"
)

// scene is a directory at one place with the same changesets in every form, each made when it is first needed and kept for the next row.
type scene struct {
	*bench
	place    place
	dir      string
	n        int // changesets
	source   workload.Source
	made     map[string]error
	count    int      // of names that fresh gave
	seeds    uint64   // of sources, beside that of the history, which is 0
	fossilAt string   // where Fossil serves
	ends     []func() // what ends servers
}

func (b *bench) newScene(p place, n int) (*scene, error) {
	dir, err := os.MkdirTemp(p.dir, fmt.Sprintf("compare-%d-", n))
	if err != nil {
		return nil, err
	}
	b.scenes = append(b.scenes, dir)
	return &scene{bench: b, place: p, dir: dir, n: n, source: workload.Source{Changesets: n}, made: map[string]error{}}, nil
}

// close ends the servers. The files stay until all is measured.
func (s *scene) close() {
	for _, end := range s.ends {
		end()
	}
}

// serve serves the directory of the scene.
func (s *scene) serve(plain bool) (*server, error) {
	server, err := serve(s.dir, s.opts.gzip, plain)
	if err == nil {
		s.ends = append(s.ends, server.close)
	}
	return server, err
}

// fresh returns a path that nobody had before.
func (s *scene) fresh(name string) string {
	s.count++
	return filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, s.count))
}

// have returns the path of that name, and makes it the first time.
func (s *scene) have(name string, make func(path string) error) (string, error) {
	path := filepath.Join(s.dir, name)
	err, done := s.made[name]
	if !done {
		err = make(path)
		s.made[name] = err
	}
	if err != nil {
		return path, fmt.Errorf("make %s: %w", name, err)
	}
	return path, nil
}

// do runs commands that are not measured.
func (s *scene) do(ctx context.Context, commands ...command) error {
	for _, c := range commands {
		if err := s.just(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// total runs commands one after the other and adds up what they took.
func (s *scene) total(ctx context.Context, commands ...command) (one sample, err error) {
	for _, c := range commands {
		u, err := s.run(ctx, c)
		if err != nil {
			return one, err
		}
		one.usage = one.usage.plus(u)
	}
	return one, nil
}

// prophet, git and fossil are commands of those programs.
func (s *scene) prophet(args ...string) command {
	return command{program: s.programs.prophet, args: args}
}

func (s *scene) git(args ...string) command { return command{program: s.programs.git, args: args} }

func (s *scene) fossil(args ...string) command {
	return command{program: s.programs.fossil, args: args}
}

// in is a command that runs in a directory.
func in(dir string, c command) command {
	c.dir = dir
	return c
}

// reading is a command with a file as its standard input.
func reading(file string, c command) command {
	c.stdin = file
	return c
}

// printing is a command that is to print something.
func printing(c command) command {
	c.prints = true
	return c
}

// writeFile writes a file through write.
func writeFile(path string, write func(w io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
