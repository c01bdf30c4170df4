package query

import (
	"cmp"
	"strings"

	"prophet/internal/decimal"
)

// number is a value as a number, if it is one.
type number struct {
	decimal.Number
	ok bool
}

func parseNumber(s string) number {
	n, ok := decimal.Parse(s)
	return number{n, ok}
}

func (a number) compare(b number) int { return a.Compare(b.Number) }

// Compare orders two values of a property for a sorted list: numbers first, by size, then texts, by
// their bytes, then "", which stands for a property that is absent. Only equal strings are equal. Unlike the
// order of a test, where 10 is less than 9a and more than 9, it has no circles.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	m, n := parseNumber(a), parseNumber(b)
	if c := cmp.Compare(rank(a, m), rank(b, n)); c != 0 {
		return c
	}
	if m.ok && n.ok {
		return cmp.Or(m.compare(n), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

// rank returns the place of numbers, texts and the empty value among each other.
func rank(s string, n number) int {
	switch {
	case n.ok:
		return 0
	case s != "":
		return 1
	}
	return 2
}
