package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"prophet/internal/terminal"
)

// shellWord returns a word as it stands in a command line that is copied into a POSIX shell: as it is if it means itself there, else in quotes.
func shellWord(word string) string {
	special := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-:+@%,=", c))
	}
	if word != "" && strings.IndexFunc(word, special) < 0 {
		return word
	}
	if terminal.Safe(word) != word {
		return escapedWord(word)
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// escapedWord quotes a word with characters that are not shown as they are: control characters, or what is no UTF-8. Shells read these as POSIX has it since 2024; many did before.
func escapedWord(word string) string {
	var b strings.Builder
	for i := range len(word) {
		switch c := word[i]; {
		case c == '\'' || c == '\\':
			b.WriteString("\\" + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

// commandLine joins the words of a command that is to be copied.
func commandLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

// quotedCommand is a command of this program as texts name it: its name, and its arguments up to the quote that ends it.
var quotedCommand = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"prophet ([a-z]+)([^"]*)"`) })

// here adds to the commands that a text for the user names --replica as it was given, so that they work where the user is.
func (e *env) here(text string) string {
	if e.given == "" {
		return text
	}
	if before, after, found := strings.Cut(text, hintMirror); found { // what another one runs
		return e.here(before) + hintMirror + e.here(after)
	}
	return quotedCommand().ReplaceAllStringFunc(text, func(quoted string) string {
		m := quotedCommand().FindStringSubmatch(quoted)
		name, args := m[1], m[2]
		if !e.isCommand(name) || anywhere(name) || strings.HasPrefix(args, " -r ") {
			return quoted
		}
		return `"prophet ` + name + " -r " + terminal.Safe(shellWord(e.given)) + args + `"`
	})
}

// isCommand reports whether there is a command of that name: what is quoted may as well be the first line of a file of ours.
func (e *env) isCommand(name string) bool {
	return slices.ContainsFunc(commands(e), func(c *cli.Command) bool { return c.Name == name })
}

// anywhere reports whether a command works on no replica that is there already.
func anywhere(command string) bool {
	switch command {
	case "init", "clone", "help", "version":
		return true
	}
	return false
}
