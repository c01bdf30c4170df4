package main

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// server is a static web server that counts.
type server struct {
	url  string // without a slash at the end
	http *http.Server

	sent  atomic.Int64 // bytes, with headers
	mu    sync.Mutex
	paths []string // that were asked for, without a leading slash
}

// serve serves dir on a port of its own until it is closed. With plain, nothing is there but what the original knows.
func serve(dir string, zip, plain bool) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + listener.Addr().String()}
	var handler http.Handler = http.FileServer(http.Dir(dir))
	if zip {
		handler = zipped(handler)
	}
	if plain {
		handler = withoutOurs(handler)
	}
	s.http = &http.Server{Handler: s.counted(handler)}
	go s.http.Serve(countingListener{listener, &s.sent})
	return s, nil
}

func (s *server) close() { s.http.Close() }

func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.paths = append(s.paths, strings.TrimPrefix(r.URL.Path, "/"))
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// reset begins to count anew.
func (s *server) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = nil
	s.sent.Store(0)
}

// asked returns what was asked for since, one path for each request.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paths)
}

// withoutOurs makes of a mirror of ours one that the original might have made.
func withoutOurs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/prophet.json") || strings.Contains(r.URL.Path, "/prophet/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// zipped compresses whole answers for whom that accepts it.
func zipped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		r.Header.Del("Range")
		z := gzip.NewWriter(w)
		defer z.Close()
		next.ServeHTTP(&zipWriter{w, z}, r)
	})
}

type zipWriter struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (w *zipWriter) WriteHeader(code int) {
	w.Header().Del("Content-Length")
	w.Header().Del("Accept-Ranges")
	w.Header().Set("Content-Encoding", "gzip")
	w.ResponseWriter.WriteHeader(code)
}

func (w *zipWriter) Write(p []byte) (int, error) { return w.z.Write(p) }

type countingListener struct {
	net.Listener
	sent *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{conn, l.sent}, nil
}

type countingConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// ReadFrom lets the system send a file by itself.
func (c countingConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.Conn, r)
	c.sent.Add(n)
	return n, err
}
