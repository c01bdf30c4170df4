package main

import "testing"

func TestRangesOfTheLog(t *testing.T) {
	tests := []struct {
		text     string
		latest   uint32
		from, to uint32
	}{
		{"3..7", 9, 3, 7},
		{"0..7", 9, 1, 7},
		{"7..7", 9, 7, 7},
		{"3..70", 9, 3, 9},
		{"0..LATEST~5", 9, 1, 4},
		{"LATEST~5..LATEST~2", 9, 4, 7},
		{"LATEST..LATEST", 9, 9, 9},
		{"LATEST~50..3", 9, 1, 3},
		{"LATEST~10", 30, 20, 30},
		{"LATEST~10", 5, 1, 5},
		{"LATEST", 9, 9, 9},
		{"4", 9, 4, 9},
		{"0", 9, 1, 9},
		{"9", 9, 9, 9},
		{"LATEST~4294967295", 9, 1, 9},
		{"4294967295..4294967295", 4294967295, 4294967295, 4294967295},
		{"LATEST~10", 0, 1, 0},
		{"0..LATEST", 0, 1, 0},
	}
	for _, tt := range tests {
		got, err := parseLogRange(tt.text, tt.latest)
		if want := (logRange{tt.from, tt.to}); err != nil || got != want {
			t.Errorf("%s of %d: got %v, want %v, %v", tt.text, tt.latest, got, want, err)
		}
	}
	for _, text := range []string{"", "..", "3..", "..3", "7..3", "10", "x", "-1", "+1", "1.5", "3...7", "1..2..3", "LATEST~", "LATEST~-1", "LATEST~x",
		"LATEST5", "latest", "4294967296", "1..4294967296", "LATEST~4294967296", " 3", "LATEST..3"} {
		if got, err := parseLogRange(text, 9); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestARangeHasBothItsEnds(t *testing.T) {
	if n := (logRange{1, 0}).len(); n != 0 {
		t.Errorf("an empty range has %d rows", n)
	}
	if n := (logRange{3, 7}).len(); n != 5 {
		t.Errorf("3 to 7 are %d rows", n)
	}
}
