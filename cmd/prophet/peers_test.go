package main

import "testing"

func TestLeadsTo(t *testing.T) {
	const db = "2fa3b5c8-3c3f-4b0a-9a52-4f6d0c1f7a11"
	tests := []struct {
		l, remembered string
		want          bool
	}{
		{"http://x", "http://x", true},
		{"http://x/", "http://x", true},
		{"http://x", "http://x/" + db, true},
		{"http://x/", "http://x/" + db + "/", true},
		{"http://x", "http://x" + db, false},
		{"http://x", "http://x/bugs", false},
		{"http://x/bugs", "http://x", false},
		{"http://x", "http://y", false},
	}
	for _, tt := range tests {
		if got := leadsTo(tt.l, tt.remembered); got != tt.want {
			t.Errorf("%s to %s: got %v", tt.l, tt.remembered, got)
		}
	}
}

func TestLastElement(t *testing.T) {
	tests := map[string]string{
		"http://bugs.example.com/a/bugs/?x#y": "bugs",
		"http://bugs.example.com":             "",
		"http://bugs.example.com/..":          "",
		"file:///srv/my%20bugs":               "my bugs",
		"/srv/bugs/":                          "bugs",
		"http://%zz/":                         "",
	}
	for location, want := range tests {
		if got := lastElement(location); got != want {
			t.Errorf("%s: got %q, want %q", location, got, want)
		}
	}
}
