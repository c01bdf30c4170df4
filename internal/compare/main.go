// Command compare measures prophet beside git, and beside Fossil where that is installed, on the same changesets, as whole processes:
//
//	go run ./internal/compare
//	go run ./internal/compare --rows clone,import --sizes 1000,100000 --on memory --runs 5
//
// It prints two tables, for docs/performance.md: the targets, each as a ratio of one run and whether it is met, and what every program took.
//
// How it measures. The programs take turns, and each starts first every other time. What counts is the least time of all runs; the median tells how noisy
// they were. A process is started by a small process that does nothing else, because the system counts the memory of whoever starts a process as memory
// of that; who takes less than the small one, 8 MB, is told to take as much. Nothing is deleted between runs: on some disks, files that are
// made after that take ten times longer. Git works as it ships, in particular with its own choice of what is flushed, but never collects garbage in between, and has no hooks, templates and settings of the user.
// The web server is one of our own, in this process: it sends files, parts of them where Range asks for that, and counts.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() { os.Exit(mainCode(os.Args[1:])) }

// workers are what this program does in processes of their own, to be measured or to measure.
var workers = map[string]func(args []string) error{
	"measure": measureWorker,
	"fetch":   fetchWorker,
	"hash":    hashWorker,
}

func mainCode(args []string) int {
	err := error(nil)
	if len(args) > 0 && workers[args[0]] != nil {
		err = workers[args[0]](args[1:])
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = run(ctx, args, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		return 1
	}
	return 0
}

// run measures what args ask for and prints the tables. A row that fails is printed with its error, and the others are measured.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, opts, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	report := b.measureAll(ctx)
	if err := report.write(stdout); err != nil {
		return err
	}
	return report.err()
}
