package main

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// seen is what the command edit of these tests was given.
type seen struct {
	Globals globals
	Force   bool
	Limit   int
	Files   []string
	Args    []string
}

// editing returns a command with flags of all kinds, which notes what it is given.
func editing(got *seen) []*cli.Command {
	return []*cli.Command{{
		Name:    "edit",
		Aliases: []string{"ed"},
		Flags: []cli.Flag{
			fileFlag(),
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}},
			&cli.IntFlag{Name: "limit", Aliases: []string{"n"}},
		},
		Action: func(c *cli.Context) error {
			*got = seen{globalsOf(c), c.Bool("force"), c.Int("limit"), c.StringSlice("file"), c.Args().Slice()}
			return nil
		},
	}, {
		Name:   "show",
		Action: func(c *cli.Context) error { return nil },
	}}
}

func TestFlagsStandAnywhere(t *testing.T) {
	tests := []struct {
		line string
		want seen
	}{
		{"edit", seen{}},
		{"ed a b", seen{Args: []string{"a", "b"}}},
		{"edit a --force b", seen{Force: true, Args: []string{"a", "b"}}},
		{"edit -f a -n 3 b --limit=4", seen{Force: true, Limit: 4, Args: []string{"a", "b"}}},
		{"edit a -n=3", seen{Limit: 3, Args: []string{"a"}}},
		{"edit a -n -3", seen{Limit: -3, Args: []string{"a"}}},
		{"edit --force=false a", seen{Args: []string{"a"}}},
		{"-r here edit a --json", seen{Globals: globals{replica: "here", json: true}, Args: []string{"a"}}},
		{"-q -r=here --json edit", seen{Globals: globals{replica: "here", quiet: true, json: true}}},
		{"-r here edit --replica there", seen{Globals: globals{replica: "there"}}},
		{"edit a -r -", seen{Globals: globals{replica: "-"}, Args: []string{"a"}}},
		{"edit a --file b=c,d --file=e=- --file -x=--force", seen{Files: []string{"b=c,d", "e=-", "-x=--force"}, Args: []string{"a"}}},
		{"edit a summary=--force status=-f", seen{Args: []string{"a", "summary=--force", "status=-f"}}},
		{"edit a - -1 -2.5 -.5", seen{Args: []string{"a", "-", "-1", "-2.5", "-.5"}}},
		{"edit a -- --force -x=1 -- b", seen{Args: []string{"a", "--force", "-x=1", "--", "b"}}},
		{"edit -f -- -f", seen{Force: true, Args: []string{"-f"}}},
		{"edit --file --  a", seen{Files: []string{"--"}, Args: []string{"", "a"}}},
		{"edit json --json", seen{Globals: globals{json: true}, Args: []string{"json"}}},
		{"edit help", seen{Args: []string{"help"}}},
		{"edit h", seen{Args: []string{"h"}}},
		{"edit show", seen{Args: []string{"show"}}},
	}
	for _, tt := range tests {
		var got seen
		w := newWorld()
		if code := execute(context.Background(), w.env, editing(&got), strings.Split(tt.line, " ")); code != 0 {
			t.Errorf("%s: exit code %d: %s", tt.line, code, w.err)
			continue
		}
		if len(got.Args) == 0 {
			got.Args = nil
		}
		if len(got.Files) == 0 {
			got.Files = nil
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.line, got, tt.want)
		}
	}
}

func TestTheValueOfAFlagIsTakenAsItIs(t *testing.T) {
	var got seen
	w, want := newWorld(), []string{" a=b ", " ", ""}
	words := []string{"edit", "--file", want[0], "--file", want[1], "--file="}
	if code := execute(context.Background(), w.env, editing(&got), words); code != 0 || !reflect.DeepEqual(got.Files, want) {
		t.Errorf("got %q (exit code %d: %s), want %q", got.Files, code, w.err, want)
	}
}

func TestWrongUsage(t *testing.T) {
	tests := []struct{ line, want string }{
		{"", `error: no command|hint: "prophet help" lists the commands`},
		{"-q", `error: no command|hint: "prophet help" lists the commands`},
		{"eidt a", `error: there is no command "eidt"|hint: did you mean "prophet edit"?`},
		{"sh", `error: there is no command "sh"|hint: did you mean "prophet show"?`},
		{"frobnicate", `error: there is no command "frobnicate"|hint: "prophet help" lists the commands`},
		{"-- edit", `error: the command has to stand before "--"`},
		{"--force edit", `error: unknown flag --force before the command|hint: a command's own flags stand after it`},
		{"edit a --froce", `error: edit has no flag --froce|hint: did you mean --force?`},
		{"edit --zzzz=1", `error: edit has no flag --zzzz=1|hint: "prophet help edit" lists its flags; an argument that begins with "-" stands after "--"`},
		{"edit -x", `error: edit has no flag -x|hint: "prophet help edit" lists its flags; an argument that begins with "-" stands after "--"`},
		{"edit a --limit", `error: --limit needs a value`},
		{"edit -n", `error: -n needs a value`},
		{"edit --limit=x", `error: invalid value "x" for --limit: parse error|hint: run "prophet help edit"`},
		{"edit --force=x", `error: invalid boolean value "x" for --force: parse error|hint: run "prophet help edit"`},
		{"edit --replica=", `error: --replica needs a directory`},
		{"edit --\x1b[31m", `error: edit has no flag --\x1b[31m|hint: "prophet help edit" lists its flags; an argument that begins with "-" stands after "--"`},
	}
	for _, tt := range tests {
		var got seen
		w := newWorld()
		if code := execute(context.Background(), w.env, editing(&got), strings.Fields(tt.line)); code != exitUsage {
			t.Errorf("%s: exit code %d", tt.line, code)
		}
		want := "prophet: " + strings.ReplaceAll(tt.want, "|", "\nprophet: ") + "\n"
		if w.err.String() != want || w.out.Len() > 0 {
			t.Errorf("%s:\n got %s\nwant %s\nand on stdout %q", tt.line, w.err, want, w.out)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"create", "show", "update", "resolve", "pull", "push", "ls", "r", "delete", "init", "info", "revert", "help", "version", "history"}
	for word, want := range map[string]string{
		"shwo": "show", "creat": "create", "res": "resolve", "pul": "pull", "l": "ls", "vresion": "version", "hsitory": "history", "histroy": "history", "upadte": "update",
		"deleet": "delete", "x": "", "shy": "", "zzzzzz": "", "": "", "edit": "", "server": "", "shell": "", "unpull": "", "upd": "update",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

// TestSynonymsLeadToCommands looks whether each is no command itself and names one that there is.
func TestSynonymsLeadToCommands(t *testing.T) {
	list := commands(newWorld().env)
	for word, does := range synonyms {
		command, _, _ := strings.Cut(strings.TrimPrefix(does, `"prophet `), `"`)
		command, _, _ = strings.Cut(command, " ")
		if findCommand(list, word) != nil || findCommand(list, command) == nil {
			t.Errorf("%s: %s", word, does)
		}
	}
}
