package decimal

import (
	"math/big"
	"strings"
	"testing"
)

func TestWhatIsANumber(t *testing.T) {
	for _, s := range []string{"0", "10", "-2", "+7", "3.50", "-0.5", "00012", strings.Repeat("9", 1000)} {
		if _, ok := Parse(s); !ok {
			t.Errorf("%q is no number", s)
		}
	}
	for _, s := range []string{"", "-", "+", ".", ".5", "5.", "1e9", "1,000", " 1", "1 ", "--1", "1.2.3", "0x10", "Inf", "٣"} {
		if _, ok := Parse(s); ok {
			t.Errorf("%q is a number", s)
		}
	}
}

// number is what s must be.
func number(t testing.TB, s string) Number {
	t.Helper()
	n, ok := Parse(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return n
}

func TestNumbersAreEqualHoweverWritten(t *testing.T) {
	for _, pair := range [][2]string{{"0", "-0.00"}, {"1", "+01.0"}, {"-3.50", "-3.5"}} {
		if c := number(t, pair[0]).Compare(number(t, pair[1])); c != 0 {
			t.Errorf("%v: got %d", pair, c)
		}
	}
}

func TestSumIsExactAndHasThePlacesOfTheNumberThatHasMost(t *testing.T) {
	for _, test := range []struct{ add, sub, want string }{
		{"", "", "0"},
		{"1.50 0.5", "", "2.00"},
		{"0.5 1.50", "", "2.00"},
		{"10 5 2", "", "17"},
		{"10", "12.5", "-2.5"},
		{"0.1 0.2", "", "0.3"},
		{"1", "1.000", "0.000"},
		{"-0.00", "", "0.00"},
		{"", "0.05", "-0.05"},
		{"+007", "", "7"},
		{strings.Repeat("9", 40) + " 1", "", "1" + strings.Repeat("0", 40)},
		{"0." + strings.Repeat("0", 40) + "1 1", "", "1." + strings.Repeat("0", 40) + "1"},
	} {
		var s Sum
		for _, word := range strings.Fields(test.add) {
			s.Add(number(t, word))
		}
		for _, word := range strings.Fields(test.sub) {
			s.Sub(number(t, word))
		}
		if got := s.String(); got != test.want {
			t.Errorf("%s less %s: got %s, want %s", test.add, test.sub, got, test.want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add("2", "10")
	f.Add("-0", "0.0")
	f.Add("1.10", "-1.9")
	f.Add("-.5", "9999999999999999999.99")
	f.Fuzz(func(t *testing.T, a, b string) {
		m, isNumber := Parse(a)
		n, also := Parse(b)
		if !isNumber || !also {
			return
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got, want := m.Compare(n), x.Cmp(y); got != want {
			t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
		}
		var s Sum
		s.Add(m)
		s.Sub(n)
		if got := s.String(); number(t, got).places != max(m.places, n.places) {
			t.Errorf("%s less %s: %s has other places", a, b, got)
		} else if z, ok := new(big.Rat).SetString(got); !ok || z.Cmp(x.Sub(x, y)) != 0 {
			t.Errorf("%s less %s: got %s", a, b, got)
		}
	})
}
