package query

import (
	"slices"
	"testing"
)

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
	})
}
