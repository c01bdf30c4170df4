package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/spf13/afero"
)

// gateVar names the variable that holds the program in a known place of its work: GATE='1 rename latest-sequence-no' is before the first rename to a
// file with that in its path, GATE='2 open cas/' before the second such file is opened. The program makes the file "held" in its working
// directory and waits for an interrupt. Then it goes on; with GATE_ON set it makes the file "interrupted", and waits for ever.
const gateVar = "GATE"

// gate is a file system that holds who uses it.
type gate struct {
	afero.Fs
	ctx   context.Context
	left  atomic.Int32
	kind  string
	place string
}

// gated returns a file system that holds as the environment says.
func gated(ctx context.Context, fs afero.Fs) afero.Fs {
	g := &gate{Fs: fs, ctx: ctx}
	var n int32
	if _, err := fmt.Sscan(os.Getenv(gateVar), &n, &g.kind, &g.place); err != nil {
		return fs
	}
	g.left.Store(n)
	return g
}

func (g *gate) at(kind, name string) {
	if kind != g.kind || !strings.Contains(filepath.ToSlash(name), g.place) || g.left.Add(-1) != 0 {
		return
	}
	touch("held")
	<-g.ctx.Done()
	if os.Getenv("GATE_ON") != "" {
		touch("interrupted")
		select {}
	}
}

func (g *gate) Open(name string) (afero.File, error) {
	g.at("open", name)
	return g.Fs.Open(name)
}

func (g *gate) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	g.at("open", name)
	return g.Fs.OpenFile(name, flag, perm)
}

func (g *gate) Rename(from, to string) error {
	g.at("rename", to)
	return g.Fs.Rename(from, to)
}
