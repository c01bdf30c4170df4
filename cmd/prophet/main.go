// Command prophet keeps a database in a directory that travels: everybody has a whole copy, edits
// it offline, and exchanges changesets with the others in any order. "prophet help" is its manual.
//
// This package parses words, calls the libraries and prints. One file holds one command: its
// cli.Command, its options, and run…(ctx, env, options), in this order.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	var s interrupts
	ctx, stop := s.watch(context.Background())
	defer stop()
	e := systemEnv(ctx, &s)
	e.patient()
	return run(ctx, e, os.Args[1:])
}
