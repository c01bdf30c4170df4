package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"prophet/internal/terminal"

	"github.com/urfave/cli/v2"
)

func helpCommand(e *env, list *[]*cli.Command) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show the manual: an overview, a command's page, or a topic",
		ArgsUsage: "[COMMAND|TOPIC]",
		Category:  aboutProphet,
		Description: `
Without an argument it lists the commands and the topics. "prophet COMMAND
--help" shows the same page as "prophet help COMMAND".`,
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 0, 1)
			if err != nil {
				return err
			}
			return runHelp(e, helpOptions{globals: globalsOf(c), commands: *list, topic: strings.Join(args, "")})
		},
	}
}

type helpOptions struct {
	globals
	commands []*cli.Command
	topic    string // a command or a topic; "" for the overview
}

// helpDoc is the JSON of help.
type helpDoc struct {
	Text  string `json:"text"`
	Topic string `json:"topic"`
}

func runHelp(e *env, o helpOptions) error {
	text, err := helpText(o.commands, o.topic)
	if err != nil {
		return err
	}
	if o.json {
		return e.printer(o.globals).writeJSON(helpDoc{Text: text, Topic: o.topic})
	}
	_, err = io.WriteString(e.Stdout, text)
	return err
}

func helpText(commands []*cli.Command, topic string) (string, error) {
	if topic == "" {
		return overview(commands), nil
	}
	if c := findCommand(commands, topic); c != nil {
		return commandPage(c), nil
	}
	for _, t := range topics() {
		if t.name == topic {
			return strings.TrimLeft(t.text, "\n"), nil
		}
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.Names()...)
	}
	for _, t := range topics() {
		names = append(names, t.name)
	}
	err := usagef("there is no command or topic %.100q", topic)
	if does, ok := synonyms[topic]; ok {
		return "", withHint(err, "%s", does)
	}
	if near := nearest(topic, names); near != "" {
		return "", withHint(err, `did you mean "prophet help %s"?`, near)
	}
	return "", withHint(err, `"prophet help" lists the commands and the topics`)
}

// overview lists commands and topics.
func overview(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString(strings.TrimLeft(introduction, "\n"))
	for _, category := range categories {
		var rows [][2]string
		for _, c := range commands {
			if c.Category == category {
				rows = append(rows, [2]string{strings.Join(c.Names(), ", "), c.Usage})
			}
		}
		section(&b, category, rows)
	}
	var rows [][2]string
	for _, t := range topics() {
		rows = append(rows, [2]string{t.name, t.usage})
	}
	section(&b, `Topics, as in "prophet help exit-codes"`, rows)
	return b.String()
}

// commandPage is the manual's page of a command.
func commandPage(c *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "prophet %s: %s\n\n", c.Name, c.Usage)
	fmt.Fprintf(&b, "Usage: %s\n", strings.TrimSpace("prophet "+c.Name+" "+c.ArgsUsage))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "Also called %s.\n", strings.Join(c.Aliases, ", "))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.Description))
	var own, shared [][2]string
	for _, f := range c.Flags {
		row := flagRow(f.(cli.DocGenerationFlag))
		if findFlag(globalFlags(), f.Names()[0]) != nil {
			shared = append(shared, row)
		} else {
			own = append(own, row)
		}
	}
	section(&b, "Flags, before or after the arguments", own)
	section(&b, "Flags of every command", append(shared, [2]string{"-h, --help", "show this page"}))
	b.WriteString("\n" + exitCodesFooter)
	return b.String()
}

// flagRow returns how a flag is written and what it does, from a usage that names its value in backquotes.
func flagRow(f cli.DocGenerationFlag) [2]string {
	usage := f.GetUsage()
	value := ""
	if parts := strings.Split(usage, "`"); len(parts) == 3 {
		value, usage = " "+parts[1], strings.Join(parts, "")
	}
	var names []string
	for _, n := range f.(cli.Flag).Names() {
		if len(n) == 1 {
			names = append(names, "-"+n)
		} else {
			names = append(names, "--"+n)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) })
	left := strings.Join(names, ", ")
	if len(names) == 1 {
		left = "    " + left
	}
	return [2]string{left + value, usage}
}

const helpWidth = 80 // columns of the manual

// section writes a heading and rows of two columns, the second one wrapped; nothing if there are no rows.
func section(b *strings.Builder, heading string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	left := 0
	for _, r := range rows {
		left = max(left, terminal.Width(r[0]))
	}
	fmt.Fprintf(b, "\n%s:\n", heading)
	for _, r := range rows {
		for i, text := range wrap(r[1], helpWidth-left-4) {
			if i > 0 {
				r[0] = ""
			}
			fmt.Fprintf(b, "  %-*s  %s\n", left, r[0], text)
		}
	}
}

// wrap breaks text between words into lines of at most width bytes.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
