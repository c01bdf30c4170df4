package httpfs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/httpfs"
	"prophet/internal/webtest"
)

// piped serves over pipes, for tests in which time passes while everybody waits, and counts the requests.
func piped(t *testing.T, h http.HandlerFunc) (dial webtest.Dial, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	return webtest.Pipe(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		h(w, r)
	})}), requests
}

func TestSlowServers(t *testing.T) {
	const idle = 30 * time.Second
	hang := func(r *http.Request) { <-r.Context().Done() }
	drip := func(w http.ResponseWriter, r *http.Request) {
		for err := error(nil); err == nil && r.Context().Err() == nil; time.Sleep(idle / 10) {
			_, err = w.Write([]byte("."))
			http.NewResponseController(w).Flush()
		}
	}
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		text  string
		tries int64
	}{
		{"no answer", func(w http.ResponseWriter, r *http.Request) { hang(r) }, "tried 4 times: the server does not answer", 4},
		{"stops", func(w http.ResponseWriter, r *http.Request) {
			w.Write(rows)
			http.NewResponseController(w).Flush()
			hang(r)
		}, "tried 2 times: the server stopped in the middle: fewer than 512 bytes came in 30s", 2},
		{"drips", drip, "tried 2 times: the server stopped in the middle", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, requests := piped(t, tc.serve)
				_, err := io.ReadAll(openFile(t, open(t, webtest.PipeURL, httpfs.Options{Dial: dial, IdleTimeout: idle}), "x"))
				wantError(t, err, webtest.PipeURL+"/x", tc.text)
				if requests.Load() != tc.tries {
					t.Errorf("%d tries", requests.Load())
				}
			})
		})
	}
}

func TestASlowServerThatGoesOnIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, _ := piped(t, func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(rows); i += 880 {
				w.Write(rows[i : i+880])
				http.NewResponseController(w).Flush()
				time.Sleep(29 * time.Second)
			}
		})
		if got, err := afero.ReadFile(open(t, webtest.PipeURL, httpfs.Options{Dial: dial}), "x"); err != nil || !bytes.Equal(got, rows) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestConnectionErrorsAreTriedFourTimes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	var slept naps
	fsys := open(t, url, httpfs.Options{Sleep: slept.sleep})
	_, err = io.ReadAll(openFile(t, fsys, "x"))
	wantError(t, err, url+"/x", "tried 4 times: dial tcp")
	if fsys.Requests() != 4 || slept.count() != 3 {
		t.Errorf("%d requests, slept %v", fsys.Requests(), slept.list)
	}
}

func TestPlainHTTPBehindHTTPSIsNotTriedAgain(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	url = strings.Replace(url, "http:", "https:", 1)
	fsys := open(t, url, httpfs.Options{})
	_, err := io.ReadAll(openFile(t, fsys, "x"))
	wantError(t, err, url+"/x", "server gave HTTP response to HTTPS client")
	if fsys.Requests() != 1 {
		t.Errorf("%d requests", fsys.Requests())
	}
}

func TestCancelEndsReadsUnderWayAndLaterOnes(t *testing.T) {
	reason := errors.New("stopped by the user")
	for name, h := range map[string]func(context.CancelCauseFunc, http.ResponseWriter, *http.Request){
		"before the answer": func(cancel context.CancelCauseFunc, w http.ResponseWriter, r *http.Request) {
			cancel(reason)
			<-r.Context().Done()
		},
		"in the body": func(cancel context.CancelCauseFunc, w http.ResponseWriter, r *http.Request) {
			w.Write(rows)
			http.NewResponseController(w).Flush()
			time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
			<-r.Context().Done()
		},
		"between tries": func(cancel context.CancelCauseFunc, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(503)
			time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				dial, requests := piped(t, func(w http.ResponseWriter, r *http.Request) { h(cancel, w, r) })
				fsys, err := httpfs.New(ctx, webtest.PipeURL, httpfs.Options{Dial: dial})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				for range 2 {
					if _, err := io.ReadAll(openFile(t, fsys, "x")); !errors.Is(err, reason) {
						t.Errorf("got %v", err)
					}
				}
				if took := time.Since(began); requests.Load() != 1 || took > 20*time.Millisecond {
					t.Errorf("%d requests, in %v", requests.Load(), took)
				}
			})
		})
	}
}
