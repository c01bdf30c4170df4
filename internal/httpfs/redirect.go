package httpfs

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 5 // in a row, for one file

// redirectError is a redirect that we do not follow.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// checkRedirect is the client's CheckRedirect: on the same host only.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, req.URL
	to.User = nil
	if what := foreign(from, to); what != "" {
		return &redirectError{fmt.Sprintf("the server redirects from %.300q to %.300q, which is another %s", from, to, what)}
	}
	if len(via) > maxRedirects {
		return &redirectError{fmt.Sprintf("the server redirects more than %d times, at last to %.300q", maxRedirects, to)}
	}
	return nil
}

// foreign says in what a redirect leaves the server, or "". From http to https of the same host name any port is fine.
func foreign(from, to *url.URL) string {
	upgrade := from.Scheme == "http" && to.Scheme == "https"
	switch {
	case to.Scheme != from.Scheme && !upgrade:
		return "scheme"
	case !strings.EqualFold(from.Hostname(), to.Hostname()):
		return "host"
	case !upgrade && port(from) != port(to):
		return "port"
	}
	return ""
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
