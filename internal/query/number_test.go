package query

import (
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsANumber(t *testing.T) {
	for _, s := range []string{"0", "10", "-2", "+7", "3.50", "-0.5", "00012", strings.Repeat("9", 1000)} {
		if !parseNumber(s).ok {
			t.Errorf("%q is no number", s)
		}
	}
	for _, s := range []string{"", "-", "+", ".", ".5", "5.", "1e9", "1,000", " 1", "1 ", "--1", "1.2.3", "0x10", "Inf", "٣"} {
		if parseNumber(s).ok {
			t.Errorf("%q is a number", s)
		}
	}
}

func TestNumbersAreEqualHoweverWritten(t *testing.T) {
	for _, pair := range [][2]string{{"0", "-0.00"}, {"1", "+01.0"}, {"-3.50", "-3.5"}} {
		if c := parseNumber(pair[0]).compare(parseNumber(pair[1])); c != 0 {
			t.Errorf("%v: got %d", pair, c)
		}
	}
}

func TestCompareSortsNumbersThenTextsThenAbsent(t *testing.T) {
	want := []string{"-10", "-2.5", "-2", "0", "0.3", "2", "2.0", "10", "10000000000000000000.1", "10000000000000000000.2", "1a", "9a", "B", "a", ""}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("2", "10", "1a")
	f.Add("", "-0", "0.0")
	f.Add("1.10", "1.9", "x")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if Compare(a, b) != -Compare(b, a) || (Compare(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q: %d one way, %d the other", a, b, Compare(a, b), Compare(b, a))
		}
		if Compare(a, b) < 0 && Compare(b, c) < 0 && Compare(a, c) >= 0 {
			t.Errorf("%q < %q < %q in a circle", a, b, c)
		}
		m, n := parseNumber(a), parseNumber(b)
		if !m.ok || !n.ok {
			return
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got, want := m.compare(n), x.Cmp(y); got != want {
			t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
		}
	})
}
