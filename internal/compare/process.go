package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// command is a process to be measured.
type command struct {
	program program
	args    []string
	dir     string // where it runs; this program's if ""
	stdin   string // a file; nothing if ""
	prints  bool   // it is an error if it prints nothing
}

// usage is what processes took.
type usage struct {
	Wall, CPU time.Duration
	Memory    int64 // bytes that were resident at the peak; of several processes the greatest
}

func (u usage) plus(v usage) usage {
	return usage{u.Wall + v.Wall, u.CPU + v.CPU, max(u.Memory, v.Memory)}
}

// environment is that of all programs: everybody is ann, nothing of the user or the system is read.
func (b *bench) environment() []string {
	return append(os.Environ(),
		"HOME="+b.home, "FOSSIL_HOME="+b.home, "FOSSIL_USER=ann", "USER=ann", "EMAIL=ann@example.com", "TZ=UTC", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_TEMPLATE_DIR="+filepath.Join(b.home, "template"), // no sample hooks
		"GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=ann", "GIT_COMMITTER_EMAIL=ann@example.com",
		"GIT_CONFIG_COUNT=4",
		"GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=0",
		"GIT_CONFIG_KEY_1=maintenance.auto", "GIT_CONFIG_VALUE_1=false",
		"GIT_CONFIG_KEY_2=init.defaultBranch", "GIT_CONFIG_VALUE_2=main",
		"GIT_CONFIG_KEY_3=advice.detachedHead", "GIT_CONFIG_VALUE_3=false",
	)
}

// run runs a command and returns what it took.
func (b *bench) run(ctx context.Context, c command) (u usage, err error) {
	file := filepath.Join(b.home, "usage.json")
	c.args = append([]string{"measure", file, c.program.path}, c.args...)
	c.program.path = b.self
	if err := b.just(ctx, c); err != nil {
		return u, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return u, err
	}
	return u, json.Unmarshal(text, &u)
}

// just runs a command without measuring it.
func (b *bench) just(ctx context.Context, c command) error {
	if c.program.missing != "" {
		return errors.New(c.program.missing)
	}
	output := filepath.Join(b.home, "output")
	err := b.start(ctx, c, output)
	text, readErr := os.ReadFile(output)
	if err == nil && c.prints && len(text) == 0 {
		err = errNothing
	}
	if err != nil {
		return fmt.Errorf("%s %.200q: %w: %s", c.program.name, c.args, err, text[max(0, len(text)-1000):])
	}
	return readErr
}

// start starts the command and waits for it, with everything that is printed going to the file output.
func (b *bench) start(ctx context.Context, c command, output string) error {
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, c.program.path, c.args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, b.environment(), out, out
	if c.stdin != "" {
		in, err := os.Open(c.stdin)
		if err != nil {
			return err
		}
		defer in.Close()
		cmd.Stdin = in
	}
	return cmd.Run()
}

// measureWorker runs a program and writes what it took to a file: measure FILE PROGRAM ARGUMENT ...
func measureWorker(args []string) error {
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if err != nil {
		return err
	}
	p := cmd.ProcessState
	text, err := json.Marshal(usage{wall, p.UserTime() + p.SystemTime(), peakMemory(p)})
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o666)
}
