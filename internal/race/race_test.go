package race

import "testing"

func TestAPartIsPlayedUnderTheRaceDetectorOnly(t *testing.T) {
	for n, fifth := range map[int]int{1: 1, 4: 1, 500: 100} {
		want := n
		if Enabled {
			want = fifth
		}
		if got := Part(n); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}
