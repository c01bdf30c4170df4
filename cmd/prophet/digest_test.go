package main

import "testing"

func TestTheHintOnADifferenceLeadsToWhatDiffers(t *testing.T) {
	for _, tt := range []struct {
		differ []string
		want   string
	}{
		{[]string{"state", "votes", "settings"}, `"prophet digest --types"`},
		{[]string{"settings"}, `"prophet digest --records __prophet_db_settings"`},
		{[]string{"votes"}, `what "prophet dump" has under "resolutions"`},
	} {
		if got := whereToLook(tt.differ); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.differ, got, tt.want)
		}
	}
}
