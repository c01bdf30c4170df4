package httpfs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// client makes the requests of an FS and of all its Subs.
type client struct {
	ctx   context.Context
	opts  Options
	user  *url.Userinfo
	place place
	http  http.Client
	slots chan struct{} // holds one element for each request under way
	close sync.Once     // the server was seen to close its connections
	large largeFiles

	requests, bytes atomic.Int64
	revalidate      atomic.Bool
}

func newClient(ctx context.Context, base *url.URL, user *url.Userinfo, opts Options) *client {
	c := &client{ctx: ctx, opts: opts, user: user, slots: make(chan struct{}, opts.Connections), large: newLargeFiles()}
	c.place.origin = base
	transport := &http.Transport{
		Proxy:                  opts.Proxy,
		DialContext:            opts.Dial,
		TLSClientConfig:        opts.TLS.Clone(),
		TLSHandshakeTimeout:    opts.ConnectTimeout,
		ResponseHeaderTimeout:  opts.IdleTimeout,
		MaxConnsPerHost:        opts.Connections,
		MaxIdleConnsPerHost:    opts.Connections,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // we decompress, within bounds
	}
	c.http = http.Client{Transport: counted{transport, &c.requests}, CheckRedirect: checkRedirect}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	return c
}

type counted struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (t counted) RoundTrip(r *http.Request) (*http.Response, error) {
	t.n.Add(1)
	return t.next.RoundTrip(r)
}

// request is what is asked for one file.
type request struct {
	method, name string
	header       http.Header
	statuses     []int // the answers that are not errors
}

// answer is what the server sent for it.
type answer struct {
	*http.Response
	body *watched // takes the place of Response.Body
}

// do makes a request, again where that helps, and hands the answer to use, which reads the body.
func (c *client) do(req request, use func(answer) error) error {
	base, unsure := c.place.now()
	err := c.retry(func() error { return c.once(base, req, use) })
	if unsure && errors.Is(err, fs.ErrNotExist) {
		base = c.place.origin
		err = c.retry(func() error { return c.once(base, req, use) })
	}
	if err != nil {
		return c.failed(base, req.name, err)
	}
	return nil
}

// failed returns the error of a file that could not be fetched.
func (c *client) failed(base *url.URL, name string, err error) error {
	_, large := errors.AsType[*sizeError](err)
	if !large && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, ErrNoParts) && c.ctx.Err() == nil {
		_, unreached := errors.AsType[*unreachedError](err)
		err = &FetchError{Answered: !unreached, Err: err}
	}
	return &fs.PathError{Op: "fetch", Path: join(base, name).String(), Err: err}
}

func (c *client) once(base *url.URL, req request, use func(answer) error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	hr, err := c.newRequest(ctx, base, req)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(hr)
	if err != nil {
		return c.unanswered(err)
	}
	defer resp.Body.Close()
	if resp.Close {
		c.close.Do(func() { go c.narrow() })
	}
	body := c.watch(ctx, cancel, resp)
	defer body.stop()
	err = checkStatus(resp, req.statuses)
	c.place.learn(req.name, base, resp.Request.URL, err == nil)
	if err != nil {
		io.CopyN(io.Discard, body, 64<<10) // so that the connection can be used again
		return err
	}
	return use(answer{resp, body})
}

// fewer is how many requests are under way at once with a server that closes the connection after each. The simple servers that
// do so let five connections wait and drop the rest, and a connection that was dropped is tried again after a second.
const fewer = 4

// narrow takes slots away for good, so that only fewer are left.
func (c *client) narrow() {
	for range cap(c.slots) - fewer {
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *client) newRequest(ctx context.Context, base *url.URL, req request) (*http.Request, error) {
	hr, err := http.NewRequestWithContext(ctx, req.method, join(base, req.name).String(), nil)
	if err != nil {
		return nil, cause(err)
	}
	if req.header != nil {
		hr.Header = req.header.Clone()
	}
	hr.Header.Set("User-Agent", c.opts.UserAgent)
	if c.revalidate.Load() {
		hr.Header.Set("Cache-Control", "no-cache")
	}
	if c.user != nil {
		password, _ := c.user.Password()
		hr.SetBasicAuth(c.user.Username(), password)
	}
	return hr, nil
}

// unanswered says why no answer came, and whether another try may help.
func (c *client) unanswered(err error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	err = &shortened{cause(err)}
	if _, redirect := errors.AsType[*redirectError](err); redirect {
		return err
	}
	if hopeless(err) {
		return &unreachedError{err}
	}
	op, _ := errors.AsType[*net.OpError](err)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() && op == nil {
		err = fmt.Errorf("the server does not answer: %w", err)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the connection was closed before an answer came")
	}
	return &tryAgain{err: &unreachedError{err}, tries: maxTries}
}

// unreachedError says that no answer came.
type unreachedError struct{ error }

func (e *unreachedError) Unwrap() error { return e.error }

// shortened is an error whose text may repeat what the server sent.
type shortened struct{ error }

func (e *shortened) Error() string { return fmt.Sprintf("%.1000s", e.error) }
func (e *shortened) Unwrap() error { return e.error }

// hopeless reports whether asking again would only take time.
func hopeless(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	_, cert := errors.AsType[*tls.CertificateVerificationError](err)
	return cert || errors.Is(err, http.ErrSchemeMismatch)
}

// checkStatus returns nil for the statuses that are wanted, and else an error for people.
func checkStatus(resp *http.Response, wanted []int) error {
	code := resp.StatusCode
	if slices.Contains(wanted, code) {
		return nil
	}
	err := fmt.Errorf("the server answered %s", statusText(code))
	switch code {
	case http.StatusNotFound, http.StatusGone:
		return fs.ErrNotExist
	case http.StatusForbidden:
		return fs.ErrPermission
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after := parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
		if after > maxRetryAfter {
			return fmt.Errorf("%w and asks to come back in %v", err, after.Round(time.Second))
		}
		return &tryAgain{err, maxTries, after}
	}
	return err
}

// statusText names a status by our own words: the server's may hold anything.
func statusText(code int) string {
	if text := http.StatusText(code); text != "" {
		return fmt.Sprintf("%d %s", code, text)
	}
	return fmt.Sprintf("with the unknown status %d", code)
}
