package httpfs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/httpfs"
)

func TestSlowServers(t *testing.T) {
	const idle = 200 * time.Millisecond
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
		}, "tried 2 times: the server stopped in the middle: fewer than 512 bytes came in 200ms", 2},
		{"drips", drip, "tried 2 times: the server stopped in the middle", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url, requests := serve(t, tc.serve)
			_, err := io.ReadAll(openFile(t, open(t, url, httpfs.Options{IdleTimeout: idle}), "x"))
			wantError(t, err, url+"/x", tc.text)
			if requests.Load() != tc.tries {
				t.Errorf("%d tries", requests.Load())
			}
		})
	}
}

func TestASlowServerThatGoesOnIsRead(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(rows); i += 880 {
			w.Write(rows[i : i+880])
			http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
		}
	})
	if got, err := afero.ReadFile(open(t, url, httpfs.Options{IdleTimeout: 700 * time.Millisecond}), "x"); err != nil || !bytes.Equal(got, rows) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
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
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) { h(cancel, w, r) })
			fsys, err := httpfs.New(ctx, url, httpfs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := io.ReadAll(openFile(t, fsys, "x")); !errors.Is(err, reason) {
					t.Errorf("got %v", err)
				}
			}
			if requests.Load() != 1 {
				t.Errorf("%d requests", requests.Load())
			}
		})
	}
}
