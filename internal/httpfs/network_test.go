package httpfs_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/httpfs"
	"prophet/internal/webtest"
)

func TestAMovedMirrorCostsOneRequestMore(t *testing.T) {
	srv := webtest.Static(t, files(t), webtest.Redirect("new/place"))
	fsys := open(t, srv.URL+"/", httpfs.Options{})
	for _, name := range []string{small, index, empty, small} {
		if _, err := afero.ReadFile(fsys.Sub("db"), strings.TrimPrefix(name, "db/")); err != nil {
			t.Error(err)
		}
	}
	wantRequests(t, srv, fsys, 5)
	_, err := io.ReadAll(openFile(t, fsys, "db/none")) // looked for in both places, once
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	wantRequests(t, srv, fsys, 8)
	if _, err := io.ReadAll(openFile(t, fsys, "db/none2")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	wantRequests(t, srv, fsys, 9)
}

func TestAMirrorIsKnownToHaveMovedByAMissingFile(t *testing.T) {
	srv := webtest.Static(t, files(t), webtest.Redirect("new"))
	fsys := open(t, srv.URL, httpfs.Options{})
	io.ReadAll(openFile(t, fsys, "prophet.json"))
	afero.ReadFile(fsys, small)
	wantRequests(t, srv, fsys, 3)
}

func TestOneRedirectedFileDoesNotMoveTheMirror(t *testing.T) {
	redirect := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/"+index:
				http.Redirect(w, r, "/big/"+index, http.StatusFound)
			case r.URL.Path == "/big/"+index:
				http.StripPrefix("/big", next).ServeHTTP(w, r)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
	srv := webtest.Static(t, files(t), redirect)
	fsys := open(t, srv.URL, httpfs.Options{})
	for _, name := range []string{index, small, empty, index, small} {
		if _, err := io.ReadAll(openFile(t, fsys, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestRedirectsAreFollowedWithRangeAndPassword(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			switch {
			case user != "ann" || password != "s3cret" || r.Header.Get("Range") != "bytes=44-87" || r.UserAgent() != "prophet/7":
				w.WriteHeader(http.StatusTeapot)
			case r.URL.Path == "/x":
				w.Header().Set("Location", "y/?v=2#top")
				w.WriteHeader(code)
			default:
				w.Header().Set("Content-Range", "bytes 44-87/4400")
				w.WriteHeader(http.StatusPartialContent)
				w.Write(rows[44:88])
			}
		})
		fsys := open(t, strings.Replace(url, "http://", "http://ann:s3cret@", 1), httpfs.Options{UserAgent: "prophet/7"})
		if got := readAt(t, openFile(t, fsys, "x"), 44, 44); got != string(rows[44:88]) {
			t.Errorf("%d: %q", code, got)
		}
	}
}

func TestRedirectsElsewhereAreRefused(t *testing.T) {
	other, visits := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "gotcha") })
	for _, tc := range []struct{ to, text string }{
		{"http://mirror.invalid/x", `to "http://mirror.invalid/x", which is another host`},
		{"http://eve:pw@mirror.invalid/x", `to "http://mirror.invalid/x", which is another host`},
		{"//mirror.invalid/x", `to "http://mirror.invalid/x", which is another host`},
		{"file:///etc/passwd", `to "file:///etc/passwd", which is another scheme`},
		{other + "/x", `to "` + other + `/x", which is another port`},
		{"/x", "redirects more than 5 times, at last to"},
	} {
		url, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", tc.to)
			w.WriteHeader(http.StatusFound)
		})
		_, err := io.ReadAll(openFile(t, open(t, url, httpfs.Options{}), "x"))
		wantError(t, err, url+"/x", tc.text)
		if !strings.Contains(err.Error(), "from \""+url+"/x\" to") && tc.to != "/x" {
			t.Errorf("%v does not name where the redirect came from", err)
		}
		if n := requests.Load(); n != 1 && tc.to != "/x" || n > 6 {
			t.Errorf("%d requests", n)
		}
	}
	if visits.Load() != 0 {
		t.Errorf("the other server was asked %d times", visits.Load())
	}
}

func TestFromHTTPToHTTPSAndNotBack(t *testing.T) {
	var plainURL string
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/back") {
			http.Redirect(w, r, plainURL+"/x", http.StatusFound)
			return
		}
		io.WriteString(w, "safe")
	}))
	defer secure.Close()
	plainURL, requests := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusMovedPermanently)
	})
	config := secure.Client().Transport.(*http.Transport).TLSClientConfig
	fsys := open(t, plainURL, httpfs.Options{TLS: config})
	for range 3 {
		if got, err := afero.ReadFile(fsys, "db/x"); string(got) != "safe" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if requests.Load() != 1 || fsys.Requests() != 4 {
		t.Errorf("%d requests in plain, %d in all", requests.Load(), fsys.Requests())
	}
	_, err := io.ReadAll(openFile(t, fsys, "back"))
	wantError(t, err, secure.URL+"/back", "which is another scheme")
}

func TestAnUnknownCertificateIsNotTriedAgain(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	fsys := open(t, secure.URL, httpfs.Options{TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	_, err := io.ReadAll(openFile(t, fsys, "x"))
	wantError(t, err, secure.URL+"/x", "certificate")
	if fsys.Requests() != 1 {
		t.Errorf("%d requests", fsys.Requests())
	}
}

func TestCredentialsAreSentAndNeverShown(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		switch {
		case !ok || user != "ann@x" || password != "s3/cret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/away":
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		case r.URL.Path == "/cut":
			w.Header().Set("Content-Length", "7")
			panic(http.ErrAbortHandler)
		case r.URL.Path != "/ok":
			w.WriteHeader(http.StatusForbidden)
		}
	})
	with := strings.Replace(base, "http://", "http://ann%40x:s3%2Fcret@", 1)
	fsys := open(t, with, httpfs.Options{})
	if _, err := io.ReadAll(openFile(t, fsys, "ok")); err != nil {
		t.Errorf("with credentials: %v", err)
	}
	if _, err := io.ReadAll(openFile(t, open(t, base, httpfs.Options{}), "ok")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("without credentials: %v", err)
	}
	closed := open(t, "http://ann%40x:s3%2Fcret@127.0.0.1:1/", httpfs.Options{})
	for _, f := range []afero.File{openFile(t, fsys, "away"), openFile(t, fsys, "cut"), openFile(t, fsys, "none"), openFile(t, closed, "x")} {
		_, err := io.ReadAll(f)
		_, stat := f.Stat()
		for _, text := range []string{fmt.Sprint(err), fmt.Sprint(stat), fmt.Sprint(f.Close()), fsys.Name()} {
			if err == nil || strings.Contains(text, "ann") || strings.Contains(text, "s3") {
				t.Errorf("error shows credentials: %s", text)
			}
		}
	}
}

func TestAProxyIsUsedWhereOneIsGiven(t *testing.T) {
	proxy, requests := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.String()) })
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	fsys := open(t, "http://mirror.invalid/", httpfs.Options{Proxy: http.ProxyURL(u)})
	if got, err := afero.ReadFile(fsys, "x"); string(got) != "http://mirror.invalid/x" || err != nil || requests.Load() != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRequestsInFlightAreBoundedAndConnectionsKept(t *testing.T) {
	synctest.Test(t, requestsInFlight)
}

func requestsInFlight(t *testing.T) {
	const bound, readers, reads = 4, 20, 10
	var now, most, connections atomic.Int64
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		if strings.HasSuffix(r.URL.Path, "0") {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, r.URL.Path)
	})}
	srv.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	fsys := open(t, webtest.PipeURL, httpfs.Options{Dial: webtest.Pipe(t, srv), Connections: bound})
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			for j := range reads {
				name := fmt.Sprintf("f%d-%d", i, j)
				got, err := afero.ReadFile(fsys, name)
				if j == 0 && !errors.Is(err, fs.ErrNotExist) || j > 0 && string(got) != "/"+name {
					t.Errorf("%s: %q, %v", name, got, err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != bound || connections.Load() > bound {
		t.Errorf("at most %d requests at once, over %d connections; want %d", most.Load(), connections.Load(), bound)
	}
	if fsys.Requests() != readers*reads {
		t.Errorf("%d requests", fsys.Requests())
	}
}

func TestAServerThatClosesConnectionsIsAskedLessAtOnce(t *testing.T) {
	synctest.Test(t, askedLess)
}

func askedLess(t *testing.T) {
	const bound, readers = 16, 30
	var now, most atomic.Int64
	dial, _ := piped(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
		w.Header().Set("Connection", "close")
		io.WriteString(w, r.URL.Path)
	})
	fsys := open(t, webtest.PipeURL, httpfs.Options{Dial: dial, Connections: bound})
	read := func(name string) {
		if got, err := afero.ReadFile(fsys, name); err != nil || string(got) != "/"+name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	read("first")
	synctest.Wait() // it takes the slots away beside the work
	most.Store(0)
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() { read(fmt.Sprint("f", i)) })
	}
	wg.Wait()
	if most.Load() != 4 {
		t.Errorf("%d requests at once, want 4: such a server drops connections beyond the five that it queues", most.Load())
	}
}

func TestCompressionIsAskedForWholeFilesOnly(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]string{}
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.Method+r.Header.Get("Range")] = strings.Join(r.Header.Values("Accept-Encoding"), ", ")
		w.Write(rows)
	})
	fsys := open(t, url, httpfs.Options{})
	fsys.Stat("x")
	readAt(t, openFile(t, fsys, "x"), 44, 44)
	afero.ReadFile(fsys, "x")
	want := map[string]string{"GET": "gzip", "GETbytes=44-87": "identity", "HEAD": "identity"}
	if !maps.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
}

func TestOneOpenFileServesManyReadersAtOnce(t *testing.T) {
	synctest.Test(t, manyReaders)
}

func manyReaders(t *testing.T) {
	var now, most atomic.Int64
	slow := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(5 * time.Millisecond)
			next.ServeHTTP(w, r)
		})
	}
	srv, dial := webtest.StaticPipe(t, files(t), slow)
	fsys := open(t, srv.URL, httpfs.Options{Dial: dial})
	f := openFile(t, fsys, index)
	read := func(i int) {
		p := make([]byte, 44)
		if _, err := f.ReadAt(p, int64(44*i)); err != nil || string(p) != string(rows[44*i:44*i+44]) {
			t.Errorf("row %d: %q, %v", i, p, err)
		}
	}
	read(0) // whether the server sends parts is found out by one alone
	var wg sync.WaitGroup
	for i := 1; i < 40; i++ {
		wg.Go(func() { read(i) })
	}
	wg.Wait()
	if most.Load() != 16 || srv.Ranges() != 40 {
		t.Errorf("at most %d at once, %d ranges", most.Load(), srv.Ranges())
	}
}
