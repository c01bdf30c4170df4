package main

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// rivalLines returns for each rival the lines that show its value. Where only the first lines of long values are shown, those that begin alike are
// shown from shortly before the place where they differ.
func (l *conflictLister) rivalLines(d *conflictDoc) [][]string {
	values, lines := make([]string, len(d.Rivals)), make([][]string, len(d.Rivals))
	for i, rival := range d.Rivals {
		values[i] = "(removed)"
		if rival.Value != nil {
			values[i] = d.text(*rival.Value)
		}
		lines[i] = l.p.textLines(values[i], rivalIndent, l.most)
	}
	if l.most == 0 || l.p.e.OutWidth == 0 {
		return lines
	}
	shown := slices.Clone(lines)
	for i, value := range values {
		if at, ok := l.differs(i, values, lines); ok {
			shown[i] = l.p.textLines(shortlyBefore(value, at), rivalIndent, l.most)
		}
	}
	return shown
}

// differs returns where a value differs from the first of those that look like it in the lines that are shown; ok is false if there is none.
func (l *conflictLister) differs(i int, values []string, lines [][]string) (at int, ok bool) {
	at = len(values[i])
	for j, other := range values {
		alike := len(lines[i]) > l.most && len(lines[j]) > l.most && slices.Equal(lines[i][:l.most], lines[j][:l.most])
		if alike && other != values[i] {
			at, ok = min(at, differAt(values[i], other)), true
		}
	}
	return at, ok
}

// differAt returns the first byte of the first character in which two texts differ.
func differAt(a, b string) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	for at > 0 && at < len(a) && !utf8.RuneStart(a[at]) {
		at--
	}
	return at
}

// shortlyBefore returns a text from some words before a place on.
func shortlyBefore(text string, at int) string {
	const most = 30 // characters
	before := []rune(text[:at])
	if len(before) <= most {
		return text
	}
	near := string(before[len(before)-most:])
	if space := strings.IndexFunc(near, unicode.IsSpace); space >= 0 && space+1 < len(near) {
		near = strings.TrimLeftFunc(near[space:], unicode.IsSpace)
	}
	return "… " + near + text[at:]
}
