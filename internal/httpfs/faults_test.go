package httpfs_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/httpfs"
	"prophet/internal/webtest"
)

// serve starts a server of a test's own, which counts requests.
func serve(t *testing.T, h http.HandlerFunc) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		h(w, r)
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL, requests
}

func packed(body []byte) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	z.Write(body)
	z.Close()
	return buf.Bytes()
}

// wantError checks that an error names the URL and says what happened.
func wantError(t *testing.T, err error, url, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "fetch "+url+": ") || !strings.Contains(err.Error(), text) {
		t.Errorf("got  %v\nwant fetch %s: … %s", err, url, text)
	}
}

func TestStatusesThatAreErrors(t *testing.T) {
	for _, tc := range []struct {
		code  int
		is    error
		text  string
		tries int64
	}{
		{404, fs.ErrNotExist, "file does not exist", 1},
		{410, fs.ErrNotExist, "file does not exist", 1},
		{403, fs.ErrPermission, "permission denied", 1},
		{401, fs.ErrPermission, "the server wants a user name and password", 1},
		{418, nil, "the server answered 418 I'm a teapot", 1},
		{299, nil, "the server answered with the unknown status 299", 1},
		{206, nil, "the server answered 206 Partial Content", 1},
		{301, nil, "the server answered 301 Moved Permanently", 1},
		{501, nil, "the server answered 501 Not Implemented", 1},
		{429, nil, "tried 4 times: the server answered 429 Too Many Requests", 4},
		{500, nil, "tried 4 times: the server answered 500 Internal Server Error", 4},
		{502, nil, "tried 4 times: the server answered 502 Bad Gateway", 4},
		{503, nil, "tried 4 times: the server answered 503 Service Unavailable", 4},
		{504, nil, "tried 4 times: the server answered 504 Gateway Timeout", 4},
	} {
		url, requests := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.code) })
		_, err := open(t, url, httpfs.Options{}).Sub("db").Stat("x")
		requests.Store(0)
		if tc.code != 501 { // which a HEAD may get without harm
			wantError(t, err, url+"/db/x", tc.text)
		}
		_, err = io.ReadAll(openFile(t, open(t, url, httpfs.Options{}), "db/x"))
		wantError(t, err, url+"/db/x", tc.text)
		if tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%d: %v is not %v", tc.code, err, tc.is)
		}
		if requests.Load() != tc.tries {
			t.Errorf("%d: %d tries, want %d", tc.code, requests.Load(), tc.tries)
		}
	}
}

func TestRetriesWaitLongerEachTime(t *testing.T) {
	srv := webtest.Static(t, files(t), webtest.Status(small, 503, 500, 429))
	var slept naps
	fsys := open(t, srv.URL, httpfs.Options{Sleep: slept.sleep})
	if got, err := afero.ReadFile(fsys, small); string(got) != "100" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	wantRequests(t, srv, fsys, 4)
	for i, most := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		if d := slept.list[i]; d <= most/2 || d > most {
			t.Errorf("wait %d is %v", i, d)
		}
	}
}

func TestRetryAfterIsHonouredUpToABound(t *testing.T) {
	synctest.Test(t, honoursRetryAfter)
}

func honoursRetryAfter(t *testing.T) {
	for _, tc := range []struct {
		value string
		want  time.Duration
	}{{"20", 20 * time.Second}, {time.Now().Add(15 * time.Second).UTC().Format(http.TimeFormat), 15 * time.Second}} {
		srv, dial := webtest.StaticPipe(t, files(t), webtest.Header(small, "Retry-After", tc.value), webtest.Status(small, 503))
		var slept naps
		if _, err := afero.ReadFile(open(t, srv.URL, httpfs.Options{Dial: dial, Sleep: slept.sleep}), small); err != nil {
			t.Error(err)
		}
		if slept.count() != 1 || slept.list[0] != tc.want {
			t.Errorf("Retry-After %s: slept %v", tc.value, slept.list)
		}
	}
	srv, dial := webtest.StaticPipe(t, files(t), webtest.Header(small, "Retry-After", "3600"), webtest.Status(small, 503))
	fsys := open(t, srv.URL, httpfs.Options{Dial: dial})
	_, err := io.ReadAll(openFile(t, fsys, small))
	wantError(t, err, srv.URL+"/"+small, "the server answered 503 Service Unavailable and asks to come back in 1h0m0s")
	wantRequests(t, srv, fsys, 1)
}

func TestDamagedBodies(t *testing.T) {
	long := strconv.Itoa(len(rows))
	plain := func(w http.ResponseWriter, r *http.Request) { w.Write(rows) }
	cut := func(header, value string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(header, value)
			w.Write(body)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	gzipped := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(body)
		}
	}
	flipped := packed(rows)
	flipped[len(flipped)-5] ^= 1
	broken := packed(rows)
	broken[10] |= 6 // a block type that does not exist
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		text  string
		tries int64
	}{
		{"cut", cut("Content-Length", long, rows[:100]), "tried 2 times: the answer ends after 100 of 4400 bytes: unexpected EOF", 2},
		{"cut, chunked", cut("X", "", rows[:100]), "tried 2 times: the answer ends after 100 bytes, before it is complete", 2},
		{"cut, empty", cut("Content-Length", long, nil), "tried 2 times: the answer ends after 0 of 4400 bytes", 2},
		{"no gzip", gzipped(rows), "tried 2 times: decompress the answer: gzip: invalid header", 2},
		{"gzip, empty", gzipped(nil), "tried 2 times: decompress the answer: EOF", 2},
		{"gzip, ends early", gzipped(packed(rows)[:100]), "tried 2 times: decompress the answer: unexpected EOF", 2},
		{"gzip, wrong checksum", gzipped(flipped), "tried 2 times: decompress the answer: gzip: invalid checksum", 2},
		{"gzip, corrupt", gzipped(broken), "tried 2 times: decompress the answer: flate: corrupt input", 2},
		{"unknown compression", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br, \u009b31mgzip")
			plain(w, r)
		}, `the server compressed the file in a way that we cannot read, "br, \u009b31mgzip"`, 1},
		{"malformed header", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("\x1b", 10000))
		}, "tried 4 times: net/http: HTTP/1.x transport connection broken: malformed MIME header", 4},
		{"page", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!doctype html><title>Log in</title>")
		},
			"the server answered with a web page instead of the file", 1},
		{"page, compressed", gzipped(packed([]byte("<html>"))), "the server answered with a web page instead of the file", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, requests := serve(t, tc.serve)
			_, err := io.ReadAll(openFile(t, open(t, url, httpfs.Options{}), "db/x"))
			wantError(t, err, url+"/db/x", tc.text)
			if strings.Contains(err.Error(), "\u009b") || len(err.Error()) > 1200 || requests.Load() != tc.tries {
				t.Errorf("%q after %d tries, want %d", err, requests.Load(), tc.tries)
			}
			requests.Store(0)
			_, err = openFile(t, open(t, url, httpfs.Options{}), "db/x").ReadAt(make([]byte, 44), 0)
			wantError(t, err, url+"/db/x", tc.text)
			if requests.Load() != tc.tries {
				t.Errorf("ReadAt: %d tries, want %d", requests.Load(), tc.tries)
			}
		})
	}
}

func TestABodyThatHealsIsReadOnTheSecondTry(t *testing.T) {
	var tries atomic.Int64
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			w.Header().Set("Content-Length", "4400")
			w.Write(rows[:1000])
			panic(http.ErrAbortHandler)
		}
		w.Write(rows)
	})
	if got, err := afero.ReadFile(open(t, url, httpfs.Options{}), "x"); err != nil || !bytes.Equal(got, rows) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestAFileThatFailedIsNotAskedForAgain(t *testing.T) {
	srv := webtest.Static(t, files(t), webtest.HTML200(small))
	fsys := open(t, srv.URL, httpfs.Options{})
	f := openFile(t, fsys, small)
	_, err1 := f.Stat()
	_, err2 := f.Read(make([]byte, 3))
	if err1 == nil || err1 != err2 {
		t.Errorf("%v, %v", err1, err2)
	}
	wantRequests(t, srv, fsys, 1)
}

func TestWrongRanges(t *testing.T) {
	for _, tc := range []struct {
		name, contentRange string
		n                  int
		text               string
	}{
		{"none", "", 44, `the server sent a part of the file without saying which: Content-Range ""`},
		{"another", "bytes 0-43/4400", 44, "the server sent bytes 0 to 43 when asked for 44 to 87"},
		{"longer", "bytes 44-131/4400", 88, "the server sent bytes 44 to 131 when asked for 44 to 87"},
		{"earlier", "bytes 40-87/4400", 48, "the server sent bytes 40 to 87 when asked for 44 to 87"},
		{"later", "bytes 48-87/4400", 40, "the server sent bytes 48 to 87 when asked for 44 to 87"},
		{"shorter", "bytes 44-65/4400", 22, "the server sent bytes 44 to 65 when asked for 44 to 87"},
		{"shorter, size unknown", "bytes 44-65/*", 22, "the server sent bytes 44 to 65 when asked for 44 to 87"},
		{"beyond the end", "bytes 44-87/60", 44, "the server sent a part of the file without saying which"},
		{"body longer", "bytes 44-87/4400", 88, "the server sent 88 bytes as a part of 44"},
		{"body shorter", "bytes 44-87/4400", 22, "the server sent 22 bytes as a part of 44"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.contentRange != "" {
					w.Header().Set("Content-Range", tc.contentRange)
				}
				w.WriteHeader(http.StatusPartialContent)
				w.Write(rows[:tc.n])
			})
			_, err := openFile(t, open(t, url, httpfs.Options{}), "x").ReadAt(make([]byte, 44), 44)
			wantError(t, err, url+"/x", tc.text)
			if requests.Load() != 1 {
				t.Errorf("%d tries", requests.Load())
			}
		})
	}
}

func TestAPartThatEndsEarlyIsTriedTwice(t *testing.T) {
	url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 44-87/4400")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(rows[:22])
		http.NewResponseController(w).Flush() // no Content-Length
	})
	_, err := openFile(t, open(t, url, httpfs.Options{}), "x").ReadAt(make([]byte, 44), 44)
	wantError(t, err, url+"/x", "tried 2 times: the answer ends before the 44 bytes of the part")
	if requests.Load() != 2 {
		t.Errorf("%d tries", requests.Load())
	}
}

func TestARefusedRangeInsideTheFileIsAnError(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes */4400")
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	})
	f := openFile(t, open(t, url, httpfs.Options{}), "x")
	_, err := f.ReadAt(make([]byte, 44), 44)
	wantError(t, err, url+"/x", "the server refuses a part from byte 44 of a file that has 4400")
	if _, err := f.ReadAt(make([]byte, 44), 4400); err != io.EOF {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestACompressedRangeIsNotTrusted(t *testing.T) {
	url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			w.Write(rows)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Range", "bytes 44-87/4400")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(packed(rows)[44:88])
	})
	f := openFile(t, open(t, url, httpfs.Options{}), "x")
	for i := range 3 {
		if got := readAt(t, f, 44, int64(44*i)); got != string(rows[44*i:44*i+44]) {
			t.Errorf("row %d: %q", i, got)
		}
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestAPageInPlaceOfAPartIsRefused(t *testing.T) {
	page := []byte("<!DOCTYPE html><html><body>" + strings.Repeat("not found ", 100))
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(page))
	})
	fsys := open(t, url, httpfs.Options{})
	_, err := openFile(t, fsys, "x").ReadAt(make([]byte, 44), 0)
	wantError(t, err, url+"/x", "the server answered with a web page instead of the file")
}

func TestBodiesAreBounded(t *testing.T) {
	bomb := packed(make([]byte, 50<<20))
	limit := func(name string) int64 {
		if strings.HasSuffix(name, "-no") {
			return 2
		}
		return 0
	}
	forever := func(w http.ResponseWriter, piece []byte) {
		for err := error(nil); err == nil; {
			_, err = w.Write(piece)
		}
	}
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		limit int
		most  int64 // bytes received
	}{
		{"db/announced", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			w.Write(rows)
		}, 1000, 0},
		{"db/endless", func(w http.ResponseWriter, r *http.Request) { forever(w, rows) }, 1000, 8000},
		{"db/bomb", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb)
		}, 1 << 20, 1 << 20},
		{"db/gzip of nothing", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			forever(w, packed(nil))
		}, 1000, 8000},
		{"db/latest-sequence-no", func(w http.ResponseWriter, r *http.Request) { w.Write(rows[:3]) }, 2, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, requests := serve(t, tc.serve)
			fsys := open(t, url, httpfs.Options{MaxBody: max(1000, int64(tc.limit)), MaxBodyOf: limit})
			_, err := io.ReadAll(openFile(t, fsys, tc.name))
			wantError(t, err, url+"/"+strings.ReplaceAll(tc.name, " ", "%20"), fmt.Sprintf("the file is larger than the %d bytes it may have", tc.limit))
			if fsys.Bytes() > tc.most || requests.Load() != 1 {
				t.Errorf("%d bytes received, %d tries", fsys.Bytes(), requests.Load())
			}
		})
	}
}

func TestAFileOfExactlyTheBoundIsRead(t *testing.T) {
	for _, m := range []webtest.Modifier{webtest.NoRange(), webtest.Gzip()} {
		srv := webtest.Static(t, files(t), m)
		if _, err := afero.ReadFile(open(t, srv.URL, httpfs.Options{MaxBody: 4400}), index); err != nil {
			t.Error(err)
		}
		if _, err := afero.ReadFile(open(t, srv.URL, httpfs.Options{MaxBody: 4399}), index); err == nil {
			t.Error("one byte too many is accepted")
		}
	}
}
