package httpfs

import (
	"context"
	"net/url"
	"strings"
	"testing"
)

func TestNewRefusesWhatIsNoMirror(t *testing.T) {
	for _, tc := range []struct{ base, want string }{
		{"ftp://h/x", `web address "ftp://h/x" does not begin with http:// or https://`},
		{"/srv/mirror", `web address "/srv/mirror" does not begin with http:// or https://`},
		{"http:///x", `web address "http:///x" names no host`},
		{"http:x", `web address "http:x" names no host`},
		{"http://:80/", `web address "http://:80/" names no host`},
		{"http://h/x?a=b", `web address "http://h/x?a=b" has a query (from "?" on), which a mirror cannot have`},
		{"http://h/x?", `web address "http://h/x?" has a query (from "?" on), which a mirror cannot have`},
		{"http://h/x#y", `web address "http://h/x#y" has a fragment (from "#" on), which a mirror cannot have`},
		{"http://h/x#", `web address "http://h/x" has a fragment (from "#" on), which a mirror cannot have`},
		{"http://h:port/", `web address "http://h:port/" cannot be read: invalid port ":port" after host`},
		{"http://h/%zz", `web address "http://h/%zz" cannot be read: invalid URL escape "%zz"`},
		{"http://ann:secret@h:port/", `web address cannot be read`},
		{"http://ann:sec/ret@h/", `web address cannot be read`},
		{"ftp://ann:secret@h/", `web address does not begin with http:// or https://`},
		{"http://ann:secret@h/?q", `web address "http://h/?q" has a query (from "?" on), which a mirror cannot have`},
		{"http://ann:secret@", `web address names no host`},
	} {
		fsys, err := New(context.Background(), tc.base, Options{})
		if fsys != nil || err == nil || err.Error() != tc.want {
			t.Errorf("New(%q):\n got %v\nwant %s", tc.base, err, tc.want)
		}
	}
}

func TestNameIsTheURLWithoutCredentials(t *testing.T) {
	for _, tc := range []struct{ base, sub, want string }{
		{"http://h", "", "http://h/"},
		{"https://ann:secret@h:8443/bugs", "", "https://h:8443/bugs/"},
		{"http://h/a%20b/", "c d", "http://h/a%20b/c%20d"},
		{"http://h/", "/x/", "http://h/x"},
	} {
		fsys, err := New(context.Background(), tc.base, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if tc.sub != "" {
			fsys = fsys.Sub(tc.sub)
		}
		if fsys.Name() != tc.want {
			t.Errorf("Name of %s and %q is %s, want %s", tc.base, tc.sub, fsys.Name(), tc.want)
		}
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return withSlash(u)
}

func TestJoinEscapesAndLeaveUndoesIt(t *testing.T) {
	for _, tc := range []struct{ base, name, want string }{
		{"http://h", "a/b", "http://h/a/b"},
		{"http://h/m/", "a b/c%d", "http://h/m/a%20b/c%25d"},
		{"http://h/m%2Fn", "é?#x", "http://h/m%2Fn/%C3%A9%3F%23x"},
		{"https://h:1/", "a:b\\c", "https://h:1/a:b%5Cc"},
	} {
		base := mustParse(t, tc.base)
		u := join(base, tc.name)
		if u.String() != tc.want {
			t.Errorf("join(%s, %q) = %s, want %s", tc.base, tc.name, u, tc.want)
		}
		if back := leave(u, tc.name); back == nil || back.String() != base.String() {
			t.Errorf("leave(%s, %q) = %v, want %s", u, tc.name, back, base)
		}
	}
}

func TestLeaveRefusesWhatIsNotTheSameFile(t *testing.T) {
	for _, s := range []string{"http://h/x/other", "http://h/x/file?v=2", "http://h/x/profile", "http://h/"} {
		u, _ := url.Parse(s)
		if base := leave(u, "file"); base != nil {
			t.Errorf("leave(%s) = %s, want nothing", s, base)
		}
	}
}

func TestPlaceLearnsFromRedirects(t *testing.T) {
	const origin, moved = "http://h/", "http://h/new/"
	type step struct {
		name, final string
		found       bool
	}
	for _, tc := range []struct {
		name   string
		steps  []step
		want   string
		unsure bool
	}{
		{"nothing", nil, origin, false},
		{"one redirect", []step{{"a", "http://h/new/a", true}}, moved, true},
		{"the same file again", []step{{"a", "http://h/new/a", true}, {"a", "http://h/new/a", true}}, moved, true},
		{"a second file", []step{{"a", "http://h/new/a", true}, {"b", "http://h/new/b", false}}, moved, false},
		{"a second file elsewhere", []step{{"a", "http://h/new/a", true}, {"b", "http://h/other/b", true}}, moved, true},
		{"to another name", []step{{"a", "http://h/new/index.html", true}}, origin, false},
		{"missing where it was", []step{{"a", "http://h/new/a", true}, {"b", "http://h/b", false}}, moved, true},
		{"found where it was", []step{{"a", "http://h/new/a", true}, {"b", "http://h/b", true}}, origin, false},
		{"found first, then redirected", []step{{"a", "http://h/a", true}, {"b", "http://h/new/b", true}}, origin, false},
	} {
		p := place{origin: mustParse(t, origin)}
		for _, s := range tc.steps {
			u, _ := url.Parse(s.final)
			p.learn(s.name, p.origin, u, s.found)
		}
		if base, unsure := p.now(); base.String() != tc.want || unsure != tc.unsure {
			t.Errorf("%s: %s, unsure %v; want %s, %v", tc.name, base, unsure, tc.want, tc.unsure)
		}
	}
}

func TestRedirectsStayOnTheServer(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"http://h/a", "http://h/b", ""},
		{"http://h/a", "http://H:80/b", ""},
		{"https://h/a", "https://h:443/b", ""},
		{"http://h:8080/a", "https://h/b", ""},
		{"http://h:8080/a", "https://h:8443/b", ""},
		{"http://h/a", "http://h:81/b", "port"},
		{"http://h/a", "http://www.h/b", "host"},
		{"http://h/a", "https://x/b", "host"},
		{"https://h/a", "http://h/b", "scheme"},
		{"http://h/a", "file:///etc/passwd", "scheme"},
		{"http://h/a", "ftp://h/b", "scheme"},
	} {
		from, _ := url.Parse(tc.from)
		to, _ := url.Parse(tc.to)
		if got := foreign(from, to); got != tc.want {
			t.Errorf("foreign(%s, %s) = %q, want %q", tc.from, tc.to, got, tc.want)
		}
	}
}

func TestUnreadableAddressDoesNotShowItsPassword(t *testing.T) {
	for _, base := range []string{"http://ann:secret@h:port/", "http://ann:secret@h/%zz", "http://ann:sec ret@h/", "http://ann:\x01secret@h/", "http://h/ann:secret@/%zz"} {
		if _, err := New(context.Background(), base, Options{}); err == nil || strings.Contains(err.Error(), "sec") {
			t.Errorf("New(%q): %v", base, err)
		}
	}
}
