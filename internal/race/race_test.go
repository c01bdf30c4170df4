package race

import "testing"

func TestAPartIsPlayedUnderTheRaceDetectorOnly(t *testing.T) {
	for n, eighth := range map[int]int{1: 1, 4: 1, 500: 62} {
		want := n
		if Enabled {
			want = eighth
		}
		if got := Part(n); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}

func TestAllIsEveryOne(t *testing.T) {
	defer func(was bool) { *All = was }(*All)
	for _, *All = range []bool{false, true} {
		want := 3 * Step
		if *All {
			want = Step
		}
		if got := Every(3); got != want {
			t.Errorf("with all %v: each %dth, want each %dth", *All, got, want)
		}
	}
}
