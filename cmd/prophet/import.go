package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/urfave/cli/v2"

	"prophet/replica"
	psync "prophet/sync"
)

func importCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "bring changesets from JSON Lines",
		ArgsUsage: "FILE ...",
		Category:  aboutExchange,
		Flags: append(intakeFlags(),
			&cli.StringFlag{Name: "as", Usage: "the `NAME` of the source; without it, the file's, less .jsonl, .gz and .zst"},
		),
		Description: `
FILE holds one changeset a line, plain or compressed with gzip or zstd; "-" is
standard input, which needs a name by --as.

  {"created":"2018-07-21 14:38:36","creator":"ann","changes":[
   {"op":"create","type":"Ticket","uuid":"…","props":{"status":"open"}}]}

(in one line). created is UTC; op is create, update or delete; a property that
is null is removed.

  prophet import tracker.jsonl.gz
  ssh tracker export | prophet import - --as tracker

An import is a pull from a source that is no replica. The source is known by its
name: importing again brings what was appended, and an import that was cut off
goes on. Everything is checked before anything is written; an error names the
line and the field. Lines that came once must not change, and a source updates
and deletes only records that it created itself.

Whoever imports the same lines under the same name makes the same changesets,
and nothing is doubled when they meet. Under another name, by --as or because
the file is called otherwise, the lines are those of another source: all its
changesets are made once more, and may be rivals of the first ones; a warning
says so where all lines are here already. The names are kept nowhere: note
which ones you use. --dry-run with a name under which a file came before says
"nothing new".`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			return runImport(c.Context, e, importOptions{
				globals: globalsOf(c),
				files:   args,
				as:      c.String("as"),
				named:   c.IsSet("as"),
				dryRun:  c.Bool("dry-run"),
				ok:      c.Bool("conflicts-ok"),
			})
		},
	}
}

type importOptions struct {
	globals
	files  []string
	as     string
	named  bool // as is, even if it is empty
	dryRun bool
	ok     bool // conflicts are
}

// check finds what is wrong with the options.
func (o *importOptions) check() error {
	if o.named && o.as == "" {
		return usagef("--as: the name is empty")
	}
	if o.named && len(o.files) > 1 {
		return usagef("--as names one source, and %d files are given", len(o.files))
	}
	for _, f := range o.files {
		switch {
		case f == "":
			return usagef("the name of a file is empty")
		case f == "-" && !o.named:
			return withHint(usagef("standard input needs a name"), "name the source with --as, the same each time")
		}
	}
	return nil
}

func runImport(ctx context.Context, e *env, o importOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	e.lean()
	before, conflicts := r.Latest(), false
	for _, file := range o.files {
		err := o.importFile(ctx, e, r, file)
		if err == errConflicts {
			conflicts, err = true, nil
		}
		if err != nil {
			if hint := hintImport(err); hint != "" {
				return withHint(err, "%s", hint)
			}
			if r.Latest() == before {
				return err
			}
			return o.ifCutOff(ctx, err)
		}
	}
	if conflicts {
		return errConflicts
	}
	return nil
}

// hintImport says what to do about a source that cannot be imported, whatever there is here; "" if that is not what the error is about.
func hintImport(err error) string {
	const nothing, page = "nothing of it was imported: ", `"prophet help import" says `
	switch {
	case errors.As(err, new(*psync.LineError)):
		return nothing + "mend that line and import it again; " + page + "what a line holds"
	case errors.Is(err, psync.ErrPast):
		return nothing + "let the lines say what they said, and write what is new below them; or, if this is another source, give it another name with --as, which makes all its changesets once more"
	case errors.Is(err, psync.ErrEndsEarly):
		return nothing + "get the whole file, and import it again"
	}
	return ""
}

// ifCutOff adds to the error of an import that was interrupted, or ran out of room, that the next one goes on.
func (o *importOptions) ifCutOff(ctx context.Context, err error) error {
	if o.dryRun {
		return err
	}
	return ifCutOff(ctx, err, "what came so far stays; the next import of it goes on from there")
}

// importFile imports one file into r.
func (o *importOptions) importFile(ctx context.Context, e *env, r *replica.Replica, file string) error {
	in, where, name := e.Stdin, "standard input", o.as
	if file != "-" {
		where = e.path(file)
		f, err := e.openGiven(ctx, where)
		if errors.Is(err, syscall.EISDIR) {
			return withHint(fmt.Errorf("import: %s is a directory", where), `name the files in it that are to be imported; "prophet help import" says what they hold`)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(fmt.Errorf("import: %w", err), `look how the file is called, and where it is; "prophet help import" says what it may hold`)
		}
		if err != nil {
			return fmt.Errorf("import: %w", err) // it names the path
		}
		defer f.Close()
		in = f
	}
	if name == "" {
		name = psync.SourceName(where)
	}
	if name == "" {
		return withHint(usagef("import %s: nothing is left of its name that names the source", where), "name the source with --as, the same each time")
	}
	src, err := psync.NewSource(where, in, e.Fs, "")
	if err != nil {
		return err
	}
	defer src.Close()
	p := e.printer(o.globals)
	rep, err := o.integrate(ctx, p, r, name, src)
	if err != nil {
		return err
	}
	l := newConflictLister(p, r, r, fewLines)
	l.at.names[psync.ImportOrigin(r.Database(), name)] = name
	doc, err := newReportDoc(l, where, o.dryRun, rep)
	if err != nil {
		return err
	}
	return showReport(l, doc, o.did()+" "+where+" as "+name, o.ok)
}

func (o *importOptions) did() string {
	if o.dryRun {
		return "Would import"
	}
	return "Imported"
}

// integrate imports the source, with progress: first of the check, then of the work.
func (o *importOptions) integrate(ctx context.Context, p *printer, r *replica.Replica, name string, src *psync.Source) (*psync.Report, error) {
	bar := p.progress("checking", true)
	defer func() { bar.Done() }()
	checking := true
	rep, err := psync.Import(ctx, r, name, src, psync.ImportOptions{
		DryRun:  o.dryRun,
		Warn:    func(s string) { p.warnf("%s", s) },
		Checked: func(read, size int64) { bar.Set(read, size) },
		Progress: func(done, total int) {
			if checking {
				bar.Done()
				bar, checking = p.progress("importing", false), false
			}
			bar.Set(int64(done), int64(total))
		},
	})
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return rep, nil
}
