package rsync

import (
	"strings"
	"testing"
)

func TestPlacesAreToldFromDirectories(t *testing.T) {
	for word, want := range map[string]bool{
		"www:/srv/bugs": true, "ann@www:bugs": true, "www:": true, "www::mirror/bugs": true, "rsync://www/mirror": true, "RSYNC://www/mirror": true, "[::1]:bugs": true,
		"-oProxyCommand=x:y": true, ":x": true,
		"bugs": false, "./a:b": false, "/srv/a:b": false, "../a:b": false, "d/a:b": false, `d\a:b`: false, "http://www/bugs": false, "file:///srv/bugs": false, "sftp://www/bugs": false, "": false,
	} {
		if got := IsPlace(word); got != want {
			t.Errorf("%q: %v, want %v", word, got, want)
		}
	}
}

func TestPlacesAreGivenToRsyncAsTheyAre(t *testing.T) {
	for _, tc := range []struct {
		word, want string
		protected  bool
	}{
		{"www:/srv/bugs", "www:/srv/bugs/", false},
		{"ann@www.example.com:/srv/bugs/", "ann@www.example.com:/srv/bugs/", false},
		{"www:", "www:./", false},
		{"www:bugs", "www:bugs/", false},
		{"www:~/bugs", "www:bugs/", false},
		{"www:~", "www:./", false},
		{"www:~ann/bugs", "www:~ann/bugs/", false},
		{"www:-rf", "www:./-rf/", false},
		{"www:/", "www:/", false},
		{"[::1]:/srv/bugs", "[::1]:/srv/bugs/", false},
		{"ann@[fe80::1%eth0]:bugs", "ann@[fe80::1%eth0]:bugs/", false},
		{"www:/srv/our bugs", "www:/srv/our bugs/", true},
		{"www:/srv/$(touch x); 'y' \"z\"", "www:/srv/$(touch x); 'y' \"z\"/", true},
		{"www:a:b", "www:a:b/", true},
		{"www:/srv/Zoë", "www:/srv/Zoë/", true},
		{"www::mirror", "www::mirror/", false},
		{"ann@www::mirror/our bugs", "ann@www::mirror/our bugs/", false},
		{"www::mirror/-rf", "www::mirror/./-rf/", false},
		{"rsync://www/mirror/bugs", "rsync://www/mirror/bugs/", false},
		{"Rsync://ann@www:8730/mirror", "rsync://ann@www:8730/mirror/", false},
	} {
		p, err := Parse(tc.word)
		if err != nil || p.text != tc.want || p.plain == tc.protected {
			t.Errorf("%q: %q, plain %v, %v; want %q", tc.word, p.text, p.plain, err, tc.want)
		}
		if again, err := Parse(p.String()); err != nil || again != p {
			t.Errorf("%q is shown as %q, which is %q, %v", tc.word, p, again.text, err)
		}
	}
}

func TestPlacesThatMayMeanSomethingElseAreRefused(t *testing.T) {
	for word, want := range map[string]string{
		"-oProxyCommand=touch x:y":      "is no host",
		"-e:y":                          "is no host",
		"ann@-oProxyCommand=x:y":        "is no host",
		"-ann@www:y":                    "is no host",
		"a b:y":                         "is no host",
		"www;touch x:y":                 "is no host",
		":y":                            "is no host",
		"@www:y":                        "is no host",
		"a@b@www:y":                     "is no host",
		"[::1:y":                        "is no host",
		"rsync://-www/mirror":           "is no host",
		"rsync:///mirror":               "is no host",
		"rsync://www:99999999/mirror":   "is no host",
		"rsync://ann:secret@www/mirror": "RSYNC_PASSWORD",
		"rsync://www":                   "it has no module",
		"rsync://www/":                  "it has no module",
		"rsync://www/-x/y":              "it has no module",
		"www::":                         "it has no module",
		"www::/mirror":                  "it has no module",
		"www::-x":                       "it has no module",
		"www:/srv/*":                    "for a pattern",
		"www:/srv/b[u]gs":               "for a pattern",
		`www:/srv/a\b`:                  "for a pattern",
		"www:/srv/a\nb":                 "a control character",
		"www:/srv/\x1b[31m":             "for a pattern",
	} {
		p, err := Parse(word)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v; want %s", word, p.text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", word, err)
		}
	}
}
