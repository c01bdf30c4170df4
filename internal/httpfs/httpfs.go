// Package httpfs reads a static web server as a file system.
//
// A mirror is a replica's files on a web server. An [FS] makes an [afero.Fs] of it, so that
// whatever reads a replica reads a mirror too. Nothing is asked of the server but GET and HEAD:
//
//	mirror, err := httpfs.New(ctx, "https://bugs.example.org/", httpfs.Options{})
//	afero.ReadFile(mirror, "a1b2…/latest-sequence-no")  // one GET
//	f, err := mirror.Open("a1b2…/changesets.idx")       // no request
//	f.ReadAt(row, 44*(n-1))                             // one GET with Range, 44 bytes
//
// # Requests
//
// Opening a file asks nothing; a file that is missing is found out by the first read. Read, Seek
// from the end and Stat of an open file fetch the whole file with one GET and keep it until Close.
// ReadAt asks for exactly the bytes it wants. Where the server sends the whole file instead, the
// open file keeps it, and later reads cost nothing. FS.Stat is one HEAD, rarely a GET as well.
// There are no directories: a static server need not list what it has.
//
// # What a server may do
//
// It may lack Range, compress with gzip whether asked or not, and redirect on the same host, also
// from http to https. Where a redirect moves the whole mirror, later requests go straight to the
// new place. It may be busy: connection errors and the statuses 429, 500, 502, 503 and 504 are
// tried again, four times in all, after waits that double, or as long as Retry-After says.
//
// # What a server may not do
//
// It is not trusted. Redirects to another host, port or scheme are refused. Bodies are bounded,
// after decompression too. A body shorter than announced, a wrong range, a web page in place of a
// file, and an answer that stops or drips are errors. What a file holds is for the caller to verify.
//
// # Errors
//
// Every failed read is an [fs.PathError] with the URL in place of the path, and never with the
// user name or the password that the base URL held. A missing file (404, 410) is
// [fs.ErrNotExist], a forbidden one (401, 403) [fs.ErrPermission], one that is too large an error of
// its own, and whatever would write is [syscall.EROFS]. All else is a [FetchError]: the file may be
// as it should be.
package httpfs

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"path"
	"time"
)

// Options say how a server is asked. The zero Options are good for any server.
type Options struct {
	// UserAgent goes with each request, as in "prophet/1.0". Empty means "prophet".
	UserAgent string
	// Connections is how many requests may be under way at once, 16 if 0.
	Connections int
	// ConnectTimeout bounds a connection and a TLS handshake, 10 s each if 0.
	ConnectTimeout time.Duration
	// IdleTimeout bounds the wait for an answer, and then for each further 512 bytes of it or its end. 30 s if 0.
	IdleTimeout time.Duration
	// MaxBody bounds a whole file, in bytes after decompression, 64 MiB if 0. Of files of more than 1 MiB one is in memory at a time: from its second
	// MiB until it is closed, the others wait. But one that was opened for its parts, by ReadAt, and came whole makes nobody wait once it is there.
	MaxBody int64
	// MaxBodyOf, if not nil, takes the place of MaxBody for those files for which it returns more than 0.
	// The name is the path below the base URL.
	MaxBodyOf func(name string) int64
	// TLS configures https; nil means the system's certificates.
	TLS *tls.Config
	// Proxy finds the proxy for a request; nil means none. See [http.ProxyFromEnvironment].
	Proxy func(*http.Request) (*url.URL, error)
	// Dial connects to a server, until ctx is done at most. Nil means the network, within ConnectTimeout.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Sleep waits between tries, until ctx is done at most. Nil means the clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

func (o Options) withDefaults() Options {
	orDefault(&o.UserAgent, "prophet")
	orDefault(&o.Connections, 16)
	orDefault(&o.ConnectTimeout, 10*time.Second)
	orDefault(&o.IdleTimeout, 30*time.Second)
	orDefault(&o.MaxBody, 64<<20)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: o.ConnectTimeout}).DialContext
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func orDefault[T string | int | int64 | time.Duration](v *T, def T) {
	var zero T
	if *v <= zero {
		*v = def
	}
}

func (o *Options) limit(name string) int64 {
	if o.MaxBodyOf != nil {
		if n := o.MaxBodyOf(name); n > 0 {
			return n
		}
	}
	return o.MaxBody
}

// FS is a read-only [afero.Fs] over what a web server has below a URL.
// It is safe for use by many goroutines at once, and so are the files it opens.
type FS struct {
	c   *client
	dir string // what is put before each name: "" or "a/b"
}

// New returns the file system below base, an http or https URL without query or fragment. No
// request is made yet. A user name and password in base are sent with each request.
// When ctx is done, reads under way and all later ones fail with its cause.
func New(ctx context.Context, base string, opts Options) (*FS, error) {
	u, user, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	return &FS{c: newClient(ctx, u, user, opts.withDefaults())}, nil
}

// Sub returns the file system below dir, with the same connections, bounds and counters.
func (s *FS) Sub(dir string) *FS { return &FS{s.c, s.dir + "/" + dir} }

// Name returns the URL of the file system's root, without user name and password.
func (s *FS) Name() string { return join(s.c.place.origin, path.Clean("/" + s.dir)[1:]).String() }

// Revalidate makes caches on the way ask the server whether what they have is still what it has, from now on, for this file system and all its Subs.
func (s *FS) Revalidate() { s.c.revalidate.Store(true) }

// Requests returns how many requests were made, redirects and tries counted each.
func (s *FS) Requests() int64 { return s.c.requests.Load() }

// Bytes returns how many bytes of bodies were received, as sent, which may be compressed.
func (s *FS) Bytes() int64 { return s.c.bytes.Load() }
