// Package rsync runs the user's rsync, which brings files to another machine and from there.
//
// A *place* is a directory elsewhere, as rsync itself is told of it: [user@]host:path by a remote shell, usually ssh, and [user@]host::module/path or
// rsync://[user@]host[:port]/module/path by an rsync that serves there. What may make rsync, its remote shell or a shell there do something else is refused.
package rsync

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// scheme begins the URL of a place.
const scheme = "rsync://"

// Place is a directory elsewhere.
type Place struct {
	text  string // as rsync takes it, with a slash at the end
	plain bool   // no shell takes a part of it for anything but itself
}

// String returns the place as rsync takes it, without the slash at the end.
func (p Place) String() string {
	if text := strings.TrimSuffix(p.text, "/"); !strings.HasSuffix(text, ":") {
		return text
	}
	return p.text
}

// IsPlace reports whether a word means a place, be it a wrong one, and no directory here: it has a colon before the first slash, or begins with rsync://.
func IsPlace(word string) bool {
	if isURL(word) {
		return true
	}
	before, _, ok := strings.Cut(word, ":")
	return ok && !strings.ContainsAny(before, `/\`) && filepath.VolumeName(word) == "" && !strings.HasPrefix(word[len(before):], "://")
}

func isURL(word string) bool {
	return len(word) >= len(scheme) && strings.EqualFold(word[:len(scheme)], scheme)
}

// Parse reads a place. An error says what in it is wrong, and not the place.
func Parse(word string) (Place, error) {
	var host, path string
	var module bool
	if isURL(word) {
		host, path, _ = strings.Cut(word[len(scheme):], "/")
		module = true
	} else {
		host, path = cutHost(word)
		path, module = strings.CutPrefix(path, ":")
	}
	if err := checkHost(host, isURL(word)); err != nil {
		return Place{}, err
	}
	if err := checkPath(path, module); err != nil {
		return Place{}, err
	}
	if module {
		path = fromModule(path)
	}
	switch {
	case isURL(word):
		return Place{scheme + host + "/" + path + slash(path), true}, nil
	case module:
		return Place{host + "::" + path + slash(path), true}, nil
	}
	path = fromLogin(path)
	return Place{host + ":" + path + slash(path), plainPath().MatchString(path)}, nil
}

// cutHost cuts host:path at the colon after the host, which may be an address with colons in brackets.
func cutHost(word string) (host, path string) {
	at := strings.LastIndexByte(strings.SplitN(word, "[", 2)[0], '@')
	if end := strings.Index(word, "]:"); strings.HasPrefix(word[at+1:], "[") && end > 0 {
		return word[:end+1], word[end+2:]
	}
	host, path, _ = strings.Cut(word, ":")
	return host, path
}

const name = `[A-Za-z0-9_.][A-Za-z0-9_.-]*`

// The forms of the parts of a place, which most runs of the program need not know.
var (
	hostForm  = form(`^(` + name + `@)?(` + name + `|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\])$`)
	port      = form(`:[0-9]{1,5}$`)
	modForm   = form(`^` + name + `(/|$)`)
	plainPath = form(`^[A-Za-z0-9_./~@%+=,-]*$`)
)

func form(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

func checkHost(host string, url bool) error {
	if url {
		host = port().ReplaceAllString(host, "")
	}
	switch user, _, _ := strings.Cut(host, "@"); {
	case hostForm().MatchString(host):
		return nil
	case strings.Contains(user, ":") && url && user != host:
		return errors.New("rsync takes no password in a place: it asks for one, or reads it from the environment variable RSYNC_PASSWORD")
	}
	return fmt.Errorf("%q is no host, and no user@host: letters, digits, points, underscores and dashes, no dash in front", host)
}

func checkPath(path string, module bool) error {
	switch {
	case strings.ContainsAny(path, `*?[\`):
		return errors.New("rsync takes a path with *, ?, [ or \\ in it for a pattern")
	case strings.ContainsFunc(path, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("the path has a control character in it")
	case module && !modForm().MatchString(path):
		return errors.New("it has no module, as in host::module/path: letters, digits, points, underscores and dashes, no dash in front")
	}
	return nil
}

// fromLogin returns a path on another machine without what only a shell there would understand: a path that does not begin with a slash starts from the
// directory that one logs in to anyway.
func fromLogin(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		path = strings.TrimLeft(path[1:], "/")
	}
	if path == "" || strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return path
}

// fromModule returns the path of a module in which nothing can be taken for an option by the rsync that serves it.
func fromModule(path string) string {
	if module, rest, ok := strings.Cut(path, "/"); ok && strings.HasPrefix(rest, "-") {
		return module + "/./" + rest
	}
	return path
}

// slash is what makes a path end in one.
func slash(path string) string {
	if strings.HasSuffix(path, "/") {
		return ""
	}
	return "/"
}
