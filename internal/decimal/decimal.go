// Package decimal is decimal numbers as people write them, compared and added exactly.
package decimal

import (
	"cmp"
	"math/big"
	"strings"
)

// Number is a decimal number, kept as its digits, so that it is exact at any length. The zero Number is 0.
type Number struct {
	sign       int    // -1, 0 or 1
	whole, dec string // digits before the point, without leading zeros; after it, without trailing zeros
	places     int    // how many digits were written after the point
}

// Parse reads digits with an optional sign before them and an optional point and digits after
// them: 10, +7, -0.50. Anything else, 1e9, .5 and 1,000 among it, is no number. It costs what s is long.
func Parse(s string) (n Number, ok bool) {
	sign := 1
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	whole, dec, point := strings.Cut(s, ".")
	if !digits(whole) || point && !digits(dec) {
		return Number{}, false
	}
	n = Number{sign, strings.TrimLeft(whole, "0"), strings.TrimRight(dec, "0"), len(dec)}
	if n.whole == "" && n.dec == "" {
		n.sign = 0
	}
	return n, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Compare orders numbers by their size, however they are written: 1.0 and +1 are equal.
func (n Number) Compare(m Number) int {
	if c := cmp.Compare(n.sign, m.sign); c != 0 {
		return c
	}
	size := cmp.Or(cmp.Compare(len(n.whole), len(m.whole)), strings.Compare(n.whole, m.whole), strings.Compare(n.dec, m.dec))
	return n.sign * size
}

// Sum adds numbers exactly. The zero Sum is 0.
type Sum struct {
	total  big.Int // times 10 to the power of places
	places int     // after the point: as many as the number has that was added with most
}

// Add adds n to the sum.
func (s *Sum) Add(n Number) { s.add(n, n.sign) }

// Sub takes n away from the sum.
func (s *Sum) Sub(n Number) { s.add(n, -n.sign) }

func (s *Sum) add(n Number, sign int) {
	if n.places > s.places {
		s.total.Mul(&s.total, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.places-s.places)), nil))
		s.places = n.places
	}
	if sign == 0 {
		return
	}
	size, _ := new(big.Int).SetString(n.whole+n.dec+strings.Repeat("0", s.places-len(n.dec)), 10)
	if sign < 0 {
		size.Neg(size)
	}
	s.total.Add(&s.total, size)
}

// String writes the sum with as many digits after the point as the number has that was added, or taken away, with most: 1.50 and 0.5 give 2.00.
// [Parse] reads it.
func (s *Sum) String() string {
	text := new(big.Int).Abs(&s.total).String()
	if short := s.places + 1 - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	if s.places > 0 {
		point := len(text) - s.places
		text = text[:point] + "." + text[point:]
	}
	if s.total.Sign() < 0 {
		return "-" + text
	}
	return text
}
