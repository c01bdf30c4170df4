package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// The parser of urfave/cli takes flags only before the first argument, and silently takes those behind it for arguments. People
// write them anywhere. So a line is taken apart here, by the flags that each command defines, and
// handed on in the one order that the parser understands.

// line is a command line taken apart.
type line struct {
	command *cli.Command // nil if none was named
	help    bool         // --help or -h
	flags   []string     // --name or --name=value, by their main names
	args    []string
}

// words returns the line in the parser's order.
func (l *line) words() []string {
	return slices.Concat([]string{"prophet", l.command.Name}, l.flags, []string{"--"}, l.args)
}

// parseLine takes a command line apart. The first argument names the command; "-" is an argument, and
// so are negative numbers, the values of flags, and every word after "--". An unknown flag or command is wrong usage.
func parseLine(commands []*cli.Command, words []string) (line, error) {
	var l line
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--" && l.command != nil:
			l.args = append(l.args, words...)
			return l, nil
		case word == "--":
			return l, usagef(`the command has to stand before "--"`)
		case word == "--help" || word == "-h":
			l.help = true
		case word == "--version" && l.command == nil:
			l.command = findCommand(commands, "version")
		case isFlag(word):
			n, err := l.flag(word, words)
			if err != nil {
				return l, err
			}
			words = words[n:]
		case l.command == nil:
			if l.command = findCommand(commands, word); l.command == nil {
				return l, unknownCommand(commands, word)
			}
		default:
			l.args = append(l.args, word)
		}
	}
	return l, nil
}

// isFlag reports whether a word is meant as a flag: it begins with a dash, and is neither "-" alone nor a negative number.
func isFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.'
}

// flag takes a flag from word, and its value from the words that follow if it needs one. It returns how many of these it took.
func (l *line) flag(word string, rest []string) (int, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
	flags := globalFlags()
	if l.command != nil {
		flags = l.command.Flags
	}
	f := findFlag(flags, name)
	if f == nil {
		return 0, l.unknownFlag(flags, word, name)
	}
	main := "--" + f.Names()[0]
	switch {
	case hasValue:
		l.flags = append(l.flags, main+"="+value)
		return 0, nil
	case !takesValue(f):
		l.flags = append(l.flags, main)
		return 0, nil
	case len(rest) == 0:
		return 0, usagef("%s needs a value", word)
	}
	l.flags = append(l.flags, main+"="+rest[0])
	return 1, nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func unknownCommand(commands []*cli.Command, name string) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Names()...)
	}
	err := usagef("there is no command %.100q", name)
	if does, ok := synonyms[name]; ok {
		return withHint(err, "%s", does)
	}
	if slices.ContainsFunc(topics(), func(t topic) bool { return t.name == name }) {
		return withHint(err, `"prophet help %s" is a page about that`, name)
	}
	if near := nearest(name, names); near != "" {
		return withHint(err, `did you mean "prophet %s"?`, near)
	}
	return withHint(err, `"prophet help" lists the commands`)
}

// unknownFlag returns the error for a flag that the command does not have, or that stands before any command.
func (l *line) unknownFlag(flags []cli.Flag, word, name string) error {
	if l.command == nil {
		return withHint(usagef("unknown flag %.100s before the command", word), "a command's own flags stand after it")
	}
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	err := usagef("%s has no flag %.100s", l.command.Name, word)
	if near := nearest(name, names); len(near) > 1 {
		return withHint(err, "did you mean --%s?", near)
	}
	return withHint(err, `"prophet help %s" lists its flags; an argument that begins with "-" stands after "--"`, l.command.Name)
}

// nearest returns the name that word is most likely a slip for, "" if none is near. A word that begins with "un" undoes something: no name that does
// not is near.
func nearest(word string, names []string) string {
	best, least := "", len(word)/3+1
	if len(word) < 4 {
		least = 2 // two letters of three make another word
	}
	for _, name := range names {
		distance := smetrics.WagnerFischer(word, name, 1, 1, 1)
		switch {
		case len(word) > 1 && strings.HasPrefix(name, word):
			distance = 1
		case swapped(word, name):
			distance = 1
		case strings.HasPrefix(word, "un") && !strings.HasPrefix(name, "un"):
			continue
		case distance > 1 && word != "" && word[0] != name[0]: // who types several letters wrong has the first one right
			continue
		}
		if distance < least && distance < len(name) {
			best, least = name, distance
		}
	}
	return best
}

// swapped reports whether two neighbouring letters changed places, and nothing else.
func swapped(word, name string) bool {
	if len(word) != len(name) {
		return false
	}
	i := 0
	for i < len(word) && word[i] == name[i] {
		i++
	}
	return i+1 < len(word) && word[i] == name[i+1] && word[i+1] == name[i] && word[i+2:] == name[i+2:]
}
