// Package webtest has web servers for tests: good ones, odd ones and bad ones.
//
// A [Server] serves the files of an [afero.Fs] as Go's file server does, and counts. A [Modifier]
// makes it behave like some other server:
//
//	srv := webtest.Static(t, files, webtest.NoRange(), webtest.Redirect("new"))
//	… read srv.URL …
//	srv.Requests()                            // how many were made
//	srv.Set(webtest.Truncate("a/b.idx", 10))  // from now on, another server
package webtest

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"
)

// Server is a web server that runs until its test ends.
type Server struct {
	// URL is the address of the root, without a slash at the end.
	URL string

	files http.Handler

	mu      sync.Mutex
	handler http.Handler
	bytes   int64
	ranges  int64
	lines   []string
}

// Static starts a server of files, changed by modifiers; the first of them sees a request first.
func Static(tb testing.TB, files afero.Fs, modifiers ...Modifier) *Server {
	tb.Helper()
	s := newServer(files, modifiers)
	web := httptest.NewServer(s)
	s.URL = web.URL
	tb.Cleanup(func() {
		web.CloseClientConnections() // sets free what hangs on purpose
		web.Close()
	})
	return s
}

func newServer(files afero.Fs, modifiers []Modifier) *Server {
	s := &Server{files: http.FileServer(dir{files})}
	s.Set(modifiers...)
	return s
}

// Set takes away the modifiers that s has, and gives it these.
func (s *Server) Set(modifiers ...Modifier) {
	h := s.files
	for i := len(modifiers) - 1; i >= 0; i-- {
		h = modifiers[i](h)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// ServeHTTP counts a request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.handler
	s.lines = append(s.lines, r.Method+" "+r.URL.RequestURI())
	if r.Header.Get("Range") != "" {
		s.ranges++
	}
	s.mu.Unlock()
	h.ServeHTTP(&counted{w, s}, r)
}

// Requests returns how many requests came, whatever the answer was.
func (s *Server) Requests() int64 { return int64(len(s.Log())) }

// Ranges returns how many of them asked for a part of a file.
func (s *Server) Ranges() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ranges
}

// Bytes returns how many bytes of bodies were sent, without headers.
func (s *Server) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Log returns the requests in the order in which they came, as in "GET /a/b".
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// Reset sets all counters to zero and empties the log.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes, s.ranges, s.lines = 0, 0, nil
}

// counted counts the bytes of a body.
type counted struct {
	http.ResponseWriter
	s *Server
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] flush.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// dir is the file system of a file server. Names may be stored with a leading slash or without.
type dir struct{ files afero.Fs }

func (d dir) Open(name string) (http.File, error) {
	f, err := d.files.Open(strings.TrimPrefix(name, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return d.files.Open(name)
	}
	return f, err
}
