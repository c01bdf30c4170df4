package sync

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"prophet/changeset"
)

func FuzzParseMirrorIndex(f *testing.F) {
	f.Add([]byte(`{"prophet":1,"databases":["2fa3b5c8-3c3f-4b0a-9a52-4f6d0c1f7a11"]}`))
	f.Add([]byte(`{"databases":[],"prophet":1,"later":{"x":[1,2]}}`))
	f.Add([]byte(`{"prophet":1,"Databases":["../x"],"PROPHET":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		index, err := parseMirrorIndex(b)
		if err != nil {
			return
		}
		for _, d := range index.databases {
			if _, err := changeset.ParseUUID(d); err != nil {
				t.Errorf("%s names %q", b, d)
			}
		}
		again, err := parseMirrorIndex(index.encode())
		if err != nil || strings.Join(again.databases, " ") != strings.Join(index.databases, " ") {
			t.Errorf("%s became %s, %v", b, index.encode(), err)
			return
		}
		if third, err := parseMirrorIndex(again.encode()); err != nil || !reflect.DeepEqual(third.databases, again.databases) || len(third.keys) != len(again.keys) {
			t.Errorf("%s became %s, %v", again.encode(), third.encode(), err)
		}
	})
}

// What is shown of a location has no user and no password, and is shown the same when it is read again.
func FuzzShown(f *testing.F) {
	for _, s := range []string{"http://ann:secret@bugs.example.com/x", "/srv/bugs", "file:///srv/b@c", "http://a/b@c", "http://ann:se/cret@host/", "HTTP://x:y@[::1]:80", "ext::sh -c x", "http://%zz:secret@h/", "x://y@z?q@r#s@t", "//::y@host://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		shown := Shown(s)
		if Shown(shown) != shown {
			t.Errorf("%q is shown as %q, and that as %q", s, shown, Shown(shown))
		}
		if Scheme(shown) != Scheme(s) {
			t.Errorf("%q is shown as %q", s, shown)
		}
		u, err := url.Parse(shown)
		if err == nil && u.User != nil && Scheme(shown) != "" {
			t.Errorf("%q is shown as %q, with the user %q", s, shown, u.User)
		}
		if whole, err := url.Parse(s); err == nil && whole.User == nil && shown != s {
			t.Errorf("%q, which holds no user, is shown as %q", s, shown)
		}
	})
}
