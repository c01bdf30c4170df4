package main

import (
	"strings"

	"prophet/changeset"
	"prophet/internal/terminal"
)

const (
	changeIndent = 7             // columns before each line of a word diff in a list of changes
	manyLines    = 10 * fewLines // how many lines of it are shown on a terminal
)

// longChange reports whether a change of a text is shown as a word diff: one of the two is long or has several lines, or both do not fit into a line
// of the terminal.
func (l *changeLister) longChange(name string, pc changeset.PropChange) bool {
	for _, text := range []string{pc.Old.Text, pc.New.Text} {
		if isLines(text) || len(text) > longText && terminal.Width(text) > longText {
			return true
		}
	}
	line := safef("     %s: %s -> %s", name, pc.Old.Text, pc.New.Text)
	return l.p.e.OutWidth > 0 && terminal.Width(line) > l.room()
}

// room returns how many columns of the terminal are left for the next line.
func (l *changeLister) room() int {
	left := ""
	if len(l.left) > 0 {
		left = l.left[0]
	}
	return max(l.p.e.OutWidth-terminal.Width(left), min(l.p.e.OutWidth, leastWidth))
}

// rewrite prints what became of a long text: the words that went and those that came, with a little of what is around them.
func (l *changeLister) rewrite(name string, pc changeset.PropChange) error {
	lines := (&wordDiff{cut: l.p.e.OutWidth > 0}).lines(pc.Old.Text, pc.New.Text)
	if last := len(lines) - 1; last > 0 && lines[last] == "" { // the text ends with a line break
		lines = lines[:last]
	}
	if len(lines) == 1 && l.p.e.OutWidth == 0 {
		_, err := l.p.e.Stdout.Write([]byte(l.before() + safef("     %s: ", name) + lines[0] + "\n"))
		return err
	}
	if err := l.linef("     %s:", name); err != nil {
		return err
	}
	for _, line := range l.folded(lines) {
		if err := l.linef("%s", strings.TrimRight(strings.Repeat(" ", changeIndent)+line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// folded folds lines that are safe to show, on a terminal, and leaves out what are too many.
func (l *changeLister) folded(lines []string) []string {
	if l.p.e.OutWidth == 0 {
		return lines
	}
	return l.p.fold(lines, l.p.e.OutWidth-l.room()+changeIndent, manyLines)
}

// cutMiddle returns the beginning and the end of a long text, with "…" between them, in some lines.
func cutMiddle(s string) string {
	const side = 200 // characters
	lines := strings.Split(s, "\n")
	if len(lines) > 2*fewLines+1 {
		kept := append(lines[:fewLines:fewLines], "…")
		s = strings.Join(append(kept, lines[len(lines)-fewLines:]...), "\n")
	}
	runes := []rune(s)
	if len(runes) <= 3*side {
		return s
	}
	return string(runes[:side]) + " … " + string(runes[len(runes)-side:])
}
