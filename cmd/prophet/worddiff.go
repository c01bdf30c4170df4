package main

import (
	"strings"

	"prophet/internal/terminal"
	"prophet/internal/textdiff"
)

// longText is from how many columns on a value of one line is shown as a word diff.
const longText = 60

// valueLines returns the lines that show a rival's value, as textLines does.
func (q *question) valueLines(i int) []string { return q.textLines(q.doc.text(q.choices[i].Value), i) }

// textLines returns the lines that show what may hold, made safe: of a long text what it changes about the value that all rivals had before
// them, or, where there is none, about the first rival, which is the one at 0.
func (q *question) textLines(value string, i int) []string {
	if q.prop == "" || value == "" || !isLines(value) && terminal.Width(value) <= longText {
		if value == "" {
			value = "(removed)"
		}
		return q.p.textLines(value, rivalIndent, 0)
	}
	from, ok := q.base()
	if !ok && i == 0 {
		return q.p.textLines(value, rivalIndent, 4*fewLines)
	}
	if !ok {
		from = q.choices[0].Value
	}
	w := &wordDiff{color: q.e.OutWidth > 0 && q.e.Getenv("NO_COLOR") == ""}
	return painted(q.p.fold(w.lines(from, value), rivalIndent, 0))
}

func (q *question) base() (string, bool) {
	return q.result.Conflict(q.prop).Base()
}

// wordDiff shows how one text became another: [-what went-] and {+what came+}, and of what stayed only what is near.
type wordDiff struct {
	color bool // mark what went and came for [painted]
	cut   bool // of what went or came show no more than its beginning and its end, if it is long
	done  []diffLine
	line  diffLine
}

type diffLine struct {
	text    string
	changed bool
}

func (w *wordDiff) lines(from, to string) []string {
	for _, part := range textdiff.Words(from, to) {
		if part.Op != textdiff.Same && strings.Trim(part.Text, "\n") == "" {
			w.add(part.Op, strings.ReplaceAll(part.Text, "\n", `\n`))
		} else if part.Op != textdiff.Same && w.cut {
			part.Text = cutMiddle(part.Text)
		}
		for i, piece := range strings.Split(part.Text, "\n") {
			if i > 0 {
				w.done, w.line = append(w.done, w.line), diffLine{}
			}
			w.add(part.Op, piece)
		}
	}
	w.done = append(w.done, w.line)
	return near(w.done)
}

// add adds a piece of a line.
func (w *wordDiff) add(op textdiff.Op, piece string) {
	text := strings.ReplaceAll(terminal.SafeLines(piece, ""), "\t", "    ")
	switch op {
	case textdiff.Same:
		w.line.text += shorten(text)
		return
	case textdiff.Removed:
		text = w.mark(markWent, "[-"+text+"-]")
	case textdiff.Added:
		text = w.mark(markCame, "{+"+text+"+}")
	}
	w.line.changed = true
	if piece != "" {
		w.line.text += text
	}
}

// Where colours begin and end in a line that is yet to be folded. They take no column, and are in no text that was made safe.
const (
	markWent = "\x01"
	markCame = "\x02"
	markEnd  = "\x03"
)

func (w *wordDiff) mark(begin, text string) string {
	if !w.color {
		return text
	}
	return begin + text + markEnd
}

// painted gives lines the colours that are marked in them. A colour ends with its line, and begins again in the next.
func painted(lines []string) []string {
	const plain = "\x1b[m"
	colors := strings.NewReplacer(markWent, "\x1b[31m", markCame, "\x1b[32m", markEnd, plain)
	open := ""
	for i, line := range lines {
		line = open + line
		open = ""
		if at := strings.LastIndexAny(line, markWent+markCame+markEnd); at >= 0 && line[at:at+1] != markEnd {
			open = line[at : at+1]
			line += markEnd
		}
		lines[i] = colors.Replace(line)
	}
	return lines
}

// shorten leaves out the middle of a long text that stayed as it was, between words where it can.
func shorten(s string) string {
	const side = 30
	runes := []rune(s)
	if len(runes) <= 3*side {
		return s
	}
	before, after := string(runes[:side]), string(runes[len(runes)-side:])
	if space := strings.LastIndexByte(before, ' '); space > 0 {
		before = before[:space]
	}
	if space := strings.IndexByte(after, ' '); space >= 0 && space+1 < len(after) {
		after = after[space+1:]
	}
	return before + " … " + after
}

// near returns the lines that were changed, and one on either side of them; "…" stands for those between.
func near(lines []diffLine) (shown []string) {
	changed := func(i int) bool { return i >= 0 && i < len(lines) && lines[i].changed }
	for i, l := range lines {
		if changed(i-1) || changed(i) || changed(i+1) {
			shown = append(shown, l.text)
		} else if len(shown) == 0 || shown[len(shown)-1] != "…" {
			shown = append(shown, "…")
		}
	}
	return shown
}
