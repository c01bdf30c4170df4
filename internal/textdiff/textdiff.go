// Package textdiff compares texts for people, and merges two that were made from one.
//
// A text is compared line by line if it has line breaks, else word by word: a word is what stands between white space, so
// a date, a number or a URL is one piece, and is never put together from two.
package textdiff

import (
	"slices"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// Merge returns the text that has both the changes from base to a and those from base to b. It works on lines if one of the
// three has a line break, else on words. Changes to the same place, or to places with nothing unchanged between them, cannot be merged
// unless they are equal: then ok is false. So they cannot where the texts differ so much, in more than some 50 places, that what they share is not found.
func Merge(base, a, b string) (merged string, ok bool) {
	split, sep := words, ""
	if strings.Contains(base+a+b, "\n") {
		split, sep = lines, "\n"
	}
	pieces, ok := merge(split(base), split(a), split(b))
	return strings.Join(pieces, sep), ok
}

// change is the replacement of pieces of a text by others.
type change struct {
	start, end int
	by         []string
}

func (c change) equal(d change) bool {
	return c.start == d.start && c.end == d.end && slices.Equal(c.by, d.by)
}

// touches reports whether nothing unchanged stands between two changes.
func (c change) touches(d change) bool { return c.start <= d.end && d.start <= c.end }

func changes(base, to []string) (all []change) {
	for _, d := range lcs.DiffLines(base, to) {
		all = append(all, change{d.Start, d.End, to[d.ReplStart:d.ReplEnd]})
	}
	return all
}

// merge applies both lists of changes to base, the earlier first.
func merge(base, a, b []string) (merged []string, ok bool) {
	x, y := changes(base, a), changes(base, b)
	at := 0
	for len(x)+len(y) > 0 {
		var next change
		switch {
		case len(x) > 0 && len(y) > 0 && x[0].equal(y[0]):
			next, x, y = x[0], x[1:], y[1:]
		case len(x) > 0 && len(y) > 0 && x[0].touches(y[0]):
			return nil, false
		case len(y) == 0 || len(x) > 0 && x[0].start < y[0].start:
			next, x = x[0], x[1:]
		default:
			next, y = y[0], y[1:]
		}
		merged = append(append(merged, base[at:next.start]...), next.by...)
		at = next.end
	}
	return append(merged, base[at:]...), true
}

// lines splits a text at its line breaks; joined by them, the pieces are the text.
func lines(s string) []string { return strings.Split(s, "\n") }

// words splits a text into words and the white space between them; a line break stands alone. Joined, the pieces are the text.
func words(s string) (pieces []string) {
	for len(s) > 0 {
		n := 1
		if s[0] != '\n' {
			n = firstWord(s)
		}
		pieces, s = append(pieces, s[:n]), s[n:]
	}
	return pieces
}

// firstWord returns the length of the word, or of the white space, with which a text begins.
func firstWord(s string) int {
	var blank bool
	for i, r := range s {
		if i == 0 {
			blank = unicode.IsSpace(r)
		} else if unicode.IsSpace(r) != blank || r == '\n' {
			return i
		}
	}
	return len(s)
}

// Op is what became of a part of a text.
type Op int

// What became of a part of a text.
const (
	Same    Op = iota // it stands in both texts
	Removed           // in the first only
	Added             // in the second only
)

// Part is a part of two texts that were compared.
type Part struct {
	Op   Op
	Text string // never empty
}

// Words compares two texts word by word. The parts that are not added, joined, are from; those that are not removed are to. Words that were replaced
// one after the other are one replacement, with the white space between them, unless a line ends there.
func Words(from, to string) (parts []Part) {
	old := words(from)
	add := func(op Op, pieces []string) {
		if len(pieces) > 0 {
			parts = append(parts, Part{op, strings.Join(pieces, "")})
		}
	}
	at := 0
	for _, c := range joined(old, changes(old, words(to))) {
		add(Same, old[at:c.start])
		add(Removed, old[c.start:c.end])
		add(Added, c.by)
		at = c.end
	}
	add(Same, old[at:])
	return parts
}

// joined makes one change of those between which nothing but white space in a line stayed.
func joined(old []string, all []change) (some []change) {
	for _, c := range all {
		last := len(some) - 1
		if last < 0 || !blank(old[some[last].end:c.start]) {
			some = append(some, c)
			continue
		}
		between := old[some[last].end:c.start]
		some[last] = change{some[last].start, c.end, slices.Concat(some[last].by, between, c.by)}
	}
	return some
}

// blank reports whether pieces of a text are white space, with no line break.
func blank(pieces []string) bool {
	text := strings.Join(pieces, "")
	return strings.TrimSpace(text) == "" && !strings.Contains(text, "\n")
}
