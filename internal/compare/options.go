package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"prophet/internal/fixture"
)

// options are what is measured, and where.
type options struct {
	rows                 []row
	sizes                []int // changesets, ascending
	places               []place
	runs, shortRuns      int
	gzip, keep           bool
	prophet, git, fossil string // programs; prophet may be "", to be built
	tracker              string // a file with real data; "" is that of the module
}

// place is a file system to work on.
type place struct{ name, dir string }

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	var o options
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rowNames := flags.String("rows", strings.Join(names(rows), ","), "what is measured")
	sizes := flags.String("sizes", "1000,10000", "how many changesets; 1000000 takes hours and 20 GB")
	on := flags.String("on", "memory,disk", "where")
	memory := flags.String("memory", "/dev/shm", "a `directory` on a file system in memory")
	disk := flags.String("disk", os.TempDir(), "a `directory` on a disk")
	flags.IntVar(&o.runs, "runs", 3, "how often each program runs")
	flags.IntVar(&o.shortRuns, "short-runs", 15, "how often one runs that takes a moment")
	flags.BoolVar(&o.gzip, "gzip", false, "the web server compresses for whom that asks for it, and then sends no parts of files")
	flags.BoolVar(&o.keep, "keep", false, "remove nothing at the end")
	flags.StringVar(&o.prophet, "prophet", "", "the `program` to measure; built if not given")
	flags.StringVar(&o.git, "git", "git", "the `program` to compare with")
	flags.StringVar(&o.fossil, "fossil", "fossil", "the `program` to compare with")
	flags.StringVar(&o.tracker, "tracker", "", "a `file` of JSON Lines with real data (default testdata/tracker/tracker.jsonl.gz)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 || min(o.runs, o.shortRuns) < 1 {
		return nil, errors.New("want flags only, and one run at least")
	}
	dirs := []place{{"memory", *memory}, {"disk", *disk}}
	return &o, errors.Join(
		pick(&o.rows, *rowNames, rows, func(r row) string { return r.name }),
		pick(&o.places, *on, dirs, func(p place) string { return p.name }),
		parseSizes(&o.sizes, *sizes),
	)
}

func names(rows []row) (all []string) {
	for _, r := range rows {
		all = append(all, r.name)
	}
	return all
}

// pick sets chosen to those of all whose names are in the list, in the order of all.
func pick[T any](chosen *[]T, list string, all []T, name func(T) string) error {
	wanted := strings.Split(list, ",")
	for _, one := range all {
		if i := slices.Index(wanted, name(one)); i >= 0 {
			*chosen = append(*chosen, one)
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("there is no %q to choose", wanted[0])
	}
	return nil
}

func parseSizes(sizes *[]int, list string) error {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 10 {
			return fmt.Errorf("%q is no number of changesets, at least 10", word)
		}
		*sizes = append(*sizes, n)
	}
	slices.Sort(*sizes)
	return nil
}

// realLines is the file of real data.
func (o *options) realLines() (string, error) {
	if o.tracker != "" {
		return o.tracker, nil
	}
	root, err := fixture.ModuleRoot()
	return filepath.Join(root, "testdata", "tracker", "tracker.jsonl.gz"), err
}
