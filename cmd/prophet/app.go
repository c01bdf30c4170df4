package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// commands returns all commands, in the order of the manual.
func commands(e *env) []*cli.Command {
	list := []*cli.Command{
		initCommand(e),
		createCommand(e),
		showCommand(e),
		updateCommand(e),
		deleteCommand(e),
		restoreCommand(e),
		searchCommand(e),
		historyCommand(e),
		revertCommand(e),
		logCommand(e),
		typesCommand(e),
		infoCommand(e),
		digestCommand(e),
		dumpCommand(e),
		fsckCommand(e),
		gcCommand(e),
		unpackCommand(e),
		conflictsCommand(e),
		resolveCommand(e),
		rulesCommand(e),
		cloneCommand(e),
		pullCommand(e),
		pushCommand(e),
		importCommand(e),
		exportCommand(e),
		publishCommand(e),
		reidentifyCommand(e),
		versionCommand(e),
	}
	list = append(list, helpCommand(e, &list))
	return list
}

// prepare gives every command the flags that all have, and takes away what urfave/cli would do on its own.
func prepare(list []*cli.Command) []*cli.Command {
	for _, c := range list {
		c.Flags = append(c.Flags, globalFlags()...)
		c.HideHelp, c.HideHelpCommand = true, true
		c.OnUsageError = badFlag
		for _, f := range c.Flags {
			if f, ok := f.(*cli.StringSliceFlag); ok {
				f.KeepSpace = true // of a file's name, say
			}
		}
	}
	return list
}

// globals are the flags that every command has. Its options embed them.
type globals struct {
	replica string // a directory as the user wrote it; "" if none was given
	quiet   bool   // results and errors only
	json    bool
	wait    time.Duration // for another writer, at most; 0: as long as it takes; less: not at all
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "replica", Aliases: []string{"r"}, Usage: "work on the replica in `DIR`", Action: notEmpty},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print results and errors only, no notes and no progress"},
		&cli.StringFlag{Name: "wait", Usage: "wait at most `DURATION` for another process that writes, such as 10s; 0 for not at all", Action: checkWait},
		&cli.BoolFlag{Name: "json", Usage: "print results as JSON, which has all there is, exactly"},
	}
}

func notEmpty(_ *cli.Context, dir string) error {
	if dir == "" {
		return usagef("--replica needs a directory")
	}
	return nil
}

// globalsOf returns what the flags say; that they can be read, [checkWait] has made sure of.
func globalsOf(c *cli.Context) globals {
	wait, _ := parseWait(c.String("wait"))
	return globals{replica: c.String("replica"), quiet: c.Bool("quiet"), json: c.Bool("json"), wait: wait}
}

func checkWait(_ *cli.Context, text string) error {
	if text == "" {
		return usagef("--wait needs a duration")
	}
	_, err := parseWait(text)
	return err
}

// parseWait reads what --wait says, "" if it was not given, and returns it as [replica.Options] have it.
func parseWait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	switch {
	case err != nil || wait < 0:
		return 0, withHint(usagef("--wait %.100q is not a duration", text), "write a number and a unit, such as 500ms, 10s or 2m, or 0 for not at all")
	case wait == 0:
		return -1, nil
	}
	return wait, nil
}

// arguments returns the arguments of a command that takes least to most of them; most < 0 means any number.
func arguments(c *cli.Context, least, most int) ([]string, error) {
	args := c.Args().Slice()
	usage := strings.TrimSpace("prophet " + c.Command.Name + " " + c.Command.ArgsUsage)
	switch {
	case len(args) < least:
		return nil, withHint(usagef("an argument is missing"), "usage: %s", usage)
	case most >= 0 && len(args) > most:
		return nil, withHint(usagef("%.100q is one argument too many", args[most]), "usage: %s", usage)
	}
	return args, nil
}

// argument returns the only argument, which is of that kind, "" if there is none. One that is there is not empty: a variable without a value is no
// request to do without.
func argument(c *cli.Context, what string) (string, error) {
	args, err := arguments(c, 0, 1)
	if err != nil || len(args) == 0 {
		return "", err
	}
	if args[0] == "" {
		return "", usagef("the %s is empty", what)
	}
	return args[0], nil
}

// badFlag turns an error of the flag parser into ours.
func badFlag(c *cli.Context, err error, _ bool) error {
	text := strings.NewReplacer(" for flag -", " for --", " for -", " for --").Replace(err.Error())
	return withHint(usagef("%s", text), `run "prophet help %s"`, c.Command.Name)
}

// run executes one command line, given without the program's name, and returns the exit code.
func run(ctx context.Context, e *env, words []string) int {
	return execute(ctx, e, commands(e), words)
}

// execute is run, with commands of one's own.
func execute(ctx context.Context, e *env, list []*cli.Command, words []string) int {
	out := newResults(e.Stdout)
	e.Stdout, e.atEnd = out, nil
	err := caught(func() error { return dispatch(ctx, e, prepare(list), words) })
	if flushed := out.Flush(); flushed != nil && !nobodyReads(flushed) && done(err) {
		err = flushed
	}
	if e.atEnd != nil {
		e.atEnd()
	}
	return report(ctx, e, err)
}

// caught turns a panic of f into an error.
func caught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = withHint(fmt.Errorf("this is a bug in prophet: %v", r), "please report it, with the command line")
		}
	}()
	return f()
}

func dispatch(ctx context.Context, e *env, list []*cli.Command, words []string) error {
	l, err := parseLine(list, words)
	switch {
	case err != nil:
		return err
	case l.help && l.command == nil:
		return runHelp(e, helpOptions{commands: list})
	case l.help:
		return runHelp(e, helpOptions{commands: list, topic: l.command.Name})
	case l.command == nil:
		return withHint(usagef("no command"), `"prophet help" lists the commands`)
	}
	e.command, e.changes, e.edits = l.command.Name, changes(l.command.Name), edits(l.command.Name)
	app := &cli.App{
		Name:                      "prophet",
		Commands:                  list,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true, // a comma in --file a=b,c is part of the path
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              badFlag,
		Writer:                    e.Stdout,
		ErrWriter:                 e.Stderr,
	}
	return app.RunContext(ctx, l.words())
}

// changes reports whether a command makes or changes something, of which its output is only the account.
func changes(name string) bool {
	switch name {
	case "init", "create", "update", "delete", "restore", "revert", "resolve", "clone", "pull", "push", "import", "export", "publish", "reidentify", "gc", "unpack":
		return true
	}
	return false
}

// edits reports whether a command makes an edit that names a person, and does nothing else.
func edits(name string) bool {
	switch name {
	case "create", "update", "delete", "restore", "revert", "resolve":
		return true
	}
	return false
}
