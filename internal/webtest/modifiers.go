package webtest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// Modifier makes one server of another. Where it has a path, that is the path of a file without a
// leading slash; a path that ends in "*" stands for all that begin so.
type Modifier func(http.Handler) http.Handler

// NoRange makes a server that sends whole files, whatever part is asked for.
func NoRange() Modifier {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := record(next, without(r, "Range"))
			a.header.Del("Accept-Ranges")
			a.send(w)
		})
	}
}

// Gzip makes a server that compresses every answer, whole and unasked.
func Gzip() Modifier {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := record(next, without(r, "Range"))
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			z.Write(a.body)
			z.Close()
			a.header.Set("Content-Encoding", "gzip")
			a.header.Del("Accept-Ranges")
			if r.Method != http.MethodHead {
				a.body = packed.Bytes()
			}
			a.header.Set("Content-Length", strconv.Itoa(packed.Len()))
			a.send(w)
		})
	}
}

// Redirect makes a server that has moved all files below the directory prefix, and redirects from where they were.
func Redirect(prefix string) Modifier {
	prefix = "/" + strings.Trim(prefix, "/")
	return func(next http.Handler) http.Handler {
		moved := http.StripPrefix(prefix, next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, prefix+"/") {
				moved.ServeHTTP(w, r)
				return
			}
			http.Redirect(w, r, prefix+r.URL.EscapedPath(), http.StatusFound)
		})
	}
}

// HTML200 makes a server that answers for path with a web page and the status of success.
func HTML200(path string) Modifier {
	return at(path, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html>\n<html><body><h1>Oops</h1>Try again later.</body></html>\n")
	})
}

// Truncate makes a server that announces the whole body for path, sends n bytes of it and cuts the connection.
func Truncate(path string, n int) Modifier {
	return at(path, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		a := record(next, r)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:min(n, len(a.body))]
		a.send(w)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}

// Slow makes a server that sends the first byte of the body for path, and then nothing until the client gives up.
func Slow(path string) Modifier {
	return at(path, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := record(next, r)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:min(1, len(a.body))]
		a.send(w)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

// Status makes a server that answers requests for path with these codes, one after the other, and
// properly after that. A code of 200 is a proper answer too.
func Status(path string, codes ...int) Modifier {
	var mu sync.Mutex
	pop := func() int {
		mu.Lock()
		defer mu.Unlock()
		if len(codes) == 0 {
			return http.StatusOK
		}
		code := codes[0]
		codes = codes[1:]
		return code
	}
	return at(path, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if code := pop(); code != http.StatusOK {
			http.Error(w, http.StatusText(code), code)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Hiding makes a server that forbids what is not there, as those do that let nobody list a directory.
func Hiding() Modifier {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := record(next, r)
			if a.code == http.StatusNotFound {
				a.code = http.StatusForbidden
			}
			a.send(w)
		})
	}
}

// Header makes a server that sets a header in the answers for path.
func Header(path, key, value string) Modifier {
	return at(path, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set(key, value)
		next.ServeHTTP(w, r)
	})
}

// at returns a modifier of what is answered for path.
func at(path string, serve func(http.ResponseWriter, *http.Request, http.Handler)) Modifier {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if matches(path, strings.TrimPrefix(r.URL.Path, "/")) {
				serve(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func matches(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return path == strings.TrimPrefix(pattern, "/")
}

func without(r *http.Request, header string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del(header)
	return r
}

// answer is a whole answer, to be changed before it is sent.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func record(h http.Handler, r *http.Request) *answer {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return &answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

func (a *answer) send(w http.ResponseWriter) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.WriteHeader(a.code)
	w.Write(a.body)
}
