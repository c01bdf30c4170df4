package sync

import "testing"

func TestShownHidesWhoLogsIn(t *testing.T) {
	tests := map[string]string{
		"/home/ann/bugs":                        "/home/ann/bugs",
		"ann@desk":                              "ann@desk",
		"http://bugs.example.com/a@b":           "http://bugs.example.com/a@b",
		"http://ann:secret@bugs.example.com/":   "http://bugs.example.com/",
		"http://ann@bugs.example.com":           "http://bugs.example.com",
		"https://ann:se@cret@example.com/x?y#z": "https://example.com/x?y#z",
		"http://ann:%zz@example.com/x":          "http://example.com/x",
		"http://ann:se/cret%zz@example.com/x":   "http://example.com/x",
		"file:///home/ann":                      "file:///home/ann",
	}
	for location, want := range tests {
		if got := Shown(location); got != want {
			t.Errorf("%s: got %s, want %s", location, got, want)
		}
	}
}
