package httpfs

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A file asked for is below the base, and on the host that the base names, whatever both are.
func FuzzBase(f *testing.F) {
	for _, s := range []string{"http://bugs.example.com", "https://a:b@h:1/x%2fy/", "http://h/a b?", "http://h/#x", "http:///x", "ftp://h/", "http://h/..", "http://[::1]/", "http://h/%zz", "http://h/a@b?", "http://a:b@h/?"} {
		f.Add(s, "cas/changesets/7/7/77cf")
	}
	f.Add("http://h/x", "a//b%2e%2e?c#d\x00\n")
	f.Fuzz(func(t *testing.T, base, name string) {
		u, user, err := parseBase(base)
		if err != nil {
			if strings.Contains(authority(base), "@") && strings.Contains(err.Error(), base) {
				t.Errorf("%q: the error shows it: %v", base, err)
			}
			return
		}
		if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || !strings.HasSuffix(u.EscapedPath(), "/") {
			t.Errorf("%q is %+v, %v", base, u, user)
		}
		file, err := url.Parse(join(u, name).String())
		if err != nil || file.Scheme != u.Scheme || file.Host != u.Host || file.RawQuery != "" || file.Fragment != "" || !strings.HasPrefix(file.EscapedPath(), u.EscapedPath()) {
			t.Errorf("%q below %q is %v, %v", name, u, file, err)
		}
	})
}

// authority is the part of a web address in which a password may stand; all of it, where there is no such part.
func authority(base string) string {
	_, rest, ok := strings.Cut(base, "//")
	if !ok {
		return base
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return rest[:end]
	}
	return rest
}

// A redirect that is followed leads to the same host, and from https never to http.
func FuzzRedirect(f *testing.F) {
	for _, to := range []string{"http://h/y", "https://h:8443/", "//evil/", "file:///etc/passwd", "http://h:81/", "http://H/", "http://h@evil/", "https://h.evil/", "http://h:80/", "?x", "http://[::1]"} {
		f.Add("http://h/x", to)
		f.Add("https://h/x", to)
	}
	f.Fuzz(func(t *testing.T, base, location string) {
		from, err := url.Parse(base)
		if err != nil || from.Host == "" || (from.Scheme != "http" && from.Scheme != "https") {
			return
		}
		to, err := from.Parse(location)
		if err != nil {
			return
		}
		err = checkRedirect(&http.Request{URL: to}, []*http.Request{{URL: from}})
		if err != nil {
			return
		}
		if !strings.EqualFold(to.Hostname(), from.Hostname()) || (to.Scheme != from.Scheme && to.Scheme != "https") || to.User != nil {
			t.Errorf("from %q to %q is followed", from, to)
		}
	})
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add("-1")
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if d := parseRetryAfter(s, now); d < 0 {
			t.Errorf("%q is %v", s, d)
		}
	})
}
