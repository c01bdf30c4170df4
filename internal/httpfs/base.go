package httpfs

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// parseBase reads a base URL, and returns it with a path that ends in a slash, and the credentials apart from it.
func parseBase(base string) (*url.URL, *url.Userinfo, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, nil, fmt.Errorf("web address%s cannot be read%s", unlessSecret(base, " %q", base), unlessSecret(base, ": %v", cause(err)))
	}
	user := u.User
	u.User = nil
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, nil, fmt.Errorf("web address%s does not begin with http:// or https://", unlessSecret(base, " %q", base))
	case u.Hostname() == "":
		return nil, nil, fmt.Errorf("web address%s names no host", unlessSecret(base, " %q", base))
	case u.RawQuery != "" || u.ForceQuery:
		return nil, nil, fmt.Errorf("web address %q has a query (from \"?\" on), which a mirror cannot have", u)
	case strings.Contains(base, "#"):
		return nil, nil, fmt.Errorf("web address %q has a fragment (from \"#\" on), which a mirror cannot have", u)
	}
	return withSlash(u), user, nil
}

// unlessSecret formats v, or returns "" if the address that v comes from may hold a password.
func unlessSecret(address, format string, v any) string {
	if strings.Contains(address, "@") {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// cause returns what a *url.Error wraps: its own text repeats the URL.
func cause(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

func withSlash(u *url.URL) *url.URL {
	if strings.HasSuffix(u.EscapedPath(), "/") {
		return u
	}
	v := *u
	v.Path, v.RawPath = u.Path+"/", u.EscapedPath()+"/"
	return &v
}

// join returns the URL of a file: base, whose path ends in a slash, and the name, each element escaped.
func join(base *url.URL, name string) *url.URL {
	u := *base
	u.Path, u.RawPath = base.Path+name, base.EscapedPath()+escape(name)
	return &u
}

func escape(name string) string {
	elems := strings.Split(name, "/")
	for i, e := range elems {
		elems[i] = url.PathEscape(e)
	}
	return strings.Join(elems, "/")
}

// leave returns the base from which name leads to u, or nil if there is none: the opposite of join.
func leave(u *url.URL, name string) *url.URL {
	dir, ok := strings.CutSuffix(u.EscapedPath(), escape(name))
	if !ok || !strings.HasSuffix(dir, "/") || u.RawQuery != "" {
		return nil
	}
	base := url.URL{Scheme: u.Scheme, Host: u.Host}
	return base.JoinPath(dir)
}

// place is where the mirror is: where [New] was told, or where a redirect moved all of it.
//
// The first redirect is taken to move everything, which saves a request a file. That may be wrong:
// perhaps one file was moved alone. So as long as it is not sure, a file that is missing in the new
// place is looked for in the old one too. A second file that is redirected to the same place makes
// it sure; a file that is found in the old place ends it.
type place struct {
	origin *url.URL

	mu    sync.Mutex
	moved *url.URL // nil: not moved
	by    string   // the file whose redirect set moved
	sure  bool     // nothing more is learned
}

// now returns the base to ask, and whether a file that is missing there may still be at the origin.
func (p *place) now() (base *url.URL, unsure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved == nil {
		return p.origin, false
	}
	return p.moved, !p.sure
}

// learn notes that a file, asked for below base, was found or not found at the URL final.
func (p *place) learn(name string, base, final *url.URL, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sure || base != p.origin {
		return
	}
	stayed := final.String() == join(base, name).String()
	to := leave(final, name)
	switch {
	case stayed && found:
		p.moved, p.sure = nil, true
	case stayed || to == nil:
	case p.moved == nil:
		p.moved, p.by = to, name
	case p.moved.String() == to.String() && name != p.by:
		p.sure = true
	}
}
