package query

import (
	"cmp"
	"strings"
)

// number is a decimal number, kept as its digits, so that it is exact at any length.
type number struct {
	ok         bool   // false: the text was not a number
	sign       int    // -1, 0 or 1
	whole, dec string // digits before the point, without leading zeros; after it, without trailing zeros
}

// parseNumber reads digits with an optional sign before them and an optional point and digits after
// them: 10, +7, -0.50. Anything else, 1e9, .5 and 1,000 among it, is text.
func parseNumber(s string) number {
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	whole, dec, point := strings.Cut(s, ".")
	if !digits(whole) || point && !digits(dec) {
		return number{}
	}
	whole, dec = strings.TrimLeft(whole, "0"), strings.TrimRight(dec, "0")
	if whole == "" && dec == "" {
		sign = 0
	}
	return number{true, sign, whole, dec}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (a number) compare(b number) int {
	if c := cmp.Compare(a.sign, b.sign); c != 0 {
		return c
	}
	size := cmp.Or(cmp.Compare(len(a.whole), len(b.whole)), strings.Compare(a.whole, b.whole), strings.Compare(a.dec, b.dec))
	return a.sign * size
}

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
