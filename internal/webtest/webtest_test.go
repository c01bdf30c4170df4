package webtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// files has the file "a/b" with ten digits in it, stored under a name without or with a leading slash.
func files(t *testing.T, name string) afero.Fs {
	t.Helper()
	mem := afero.NewMemMapFs()
	if err := afero.WriteFile(mem, name, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	return mem
}

// plain is a client that does nothing of its own accord.
var plain = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func get(t *testing.T, url, ranges string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	resp, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestServesFilesAndCounts(t *testing.T) {
	for _, name := range []string{"a/b", "/a/b"} {
		srv := Static(t, files(t, name))
		if _, body, err := get(t, srv.URL+"/a/b", ""); body != "0123456789" || err != nil {
			t.Errorf("whole file stored as %q: %q, %v", name, body, err)
		}
		if resp, body, _ := get(t, srv.URL+"/a/b", "bytes=2-4"); body != "234" || resp.StatusCode != 206 {
			t.Errorf("part: %d %q", resp.StatusCode, body)
		}
		if resp, _, _ := get(t, srv.URL+"/none", ""); resp.StatusCode != 404 {
			t.Errorf("missing file: %d", resp.StatusCode)
		}
		if srv.Requests() != 3 || srv.Ranges() != 1 || srv.Bytes() != 10+3+int64(len("404 page not found\n")) {
			t.Errorf("requests %d, ranges %d, bytes %d", srv.Requests(), srv.Ranges(), srv.Bytes())
		}
		if want := []string{"GET /a/b", "GET /a/b", "GET /none"}; !slices.Equal(srv.Log(), want) {
			t.Errorf("log %q", srv.Log())
		}
		srv.Reset()
		if srv.Requests() != 0 || srv.Ranges() != 0 || srv.Bytes() != 0 {
			t.Error("counters are not zero after Reset")
		}
	}
}

func TestModifiers(t *testing.T) {
	for _, tc := range []struct {
		name     string
		modifier Modifier
		ranges   string
		code     int
		body     string
		header   string // a header that must be there, and its value
		value    string
		err      error
	}{
		{"no range", NoRange(), "bytes=2-4", 200, "0123456789", "Accept-Ranges", "", nil},
		{"redirect", Redirect("new/place"), "", 302, "<a href=\"/new/place/a/b\">Found</a>.\n\n", "Location", "/new/place/a/b", nil},
		{"truncate", Truncate("a/b", 4), "", 200, "0123", "Content-Length", "10", io.ErrUnexpectedEOF},
		{"truncate another", Truncate("a/c", 4), "", 200, "0123456789", "Content-Length", "10", nil},
		{"truncate by prefix", Truncate("a/*", 1), "", 200, "0", "Content-Length", "10", io.ErrUnexpectedEOF},
		{"status", Status("a/b", 503), "", 503, "Service Unavailable\n", "", "", nil},
		{"status 200", Status("a/b", 200, 503), "", 200, "0123456789", "", "", nil},
		{"header", Header("a/b", "Retry-After", "7"), "", 200, "0123456789", "Retry-After", "7", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := Static(t, files(t, "a/b"), tc.modifier)
			resp, body, err := get(t, srv.URL+"/a/b", tc.ranges)
			if resp.StatusCode != tc.code || body != tc.body || !errors.Is(err, tc.err) {
				t.Errorf("got %d %q %v, want %d %q %v", resp.StatusCode, body, err, tc.code, tc.body, tc.err)
			}
			if got := resp.Header.Get(tc.header); tc.header != "" && got != tc.value {
				t.Errorf("header %s is %q, want %q", tc.header, got, tc.value)
			}
		})
	}
}

func TestGzipAnswersWholeAndCompressed(t *testing.T) {
	srv := Static(t, files(t, "a/b"), Gzip())
	resp, body, err := get(t, srv.URL+"/a/b", "bytes=2-4")
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "gzip" || body[:2] != "\x1f\x8b" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, err)
	}
}

func TestSlowSendsOneByteAndWaitsForTheClient(t *testing.T) {
	srv := Static(t, files(t, "a/b"), Slow("a/b"))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/a/b", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := plain.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil || first[0] != '0' || resp.ContentLength != 10 {
		t.Errorf("%q of %d, %v", first, resp.ContentLength, err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("then %q, %v", rest, err)
	}
}

func TestRedirectServesTheNewPlace(t *testing.T) {
	srv := Static(t, files(t, "a/b"), Redirect("new"))
	if _, body, _ := get(t, srv.URL+"/new/a/b", ""); body != "0123456789" {
		t.Errorf("got %q", body)
	}
}

func TestHTML200LooksLikeAPage(t *testing.T) {
	srv := Static(t, files(t, "a/b"), HTML200("a/b"))
	resp, body, _ := get(t, srv.URL+"/a/b", "")
	if resp.StatusCode != 200 || http.DetectContentType([]byte(body)) != "text/html; charset=utf-8" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestStatusRunsOut(t *testing.T) {
	srv := Static(t, files(t, "a/b"), Status("a/b", 500, 200, 404))
	for _, want := range []int{500, 200, 404, 200, 200} {
		if resp, _, _ := get(t, srv.URL+"/a/b", ""); resp.StatusCode != want {
			t.Errorf("got %d, want %d", resp.StatusCode, want)
		}
	}
}

func TestSetReplacesModifiers(t *testing.T) {
	srv := Static(t, files(t, "a/b"), HTML200("*"))
	srv.Set()
	if _, body, _ := get(t, srv.URL+"/a/b", ""); body != "0123456789" {
		t.Errorf("got %q", body)
	}
}

func TestTheFirstModifierSeesARequestFirst(t *testing.T) {
	srv := Static(t, files(t, "a/b"), Status("a/b", 503), Status("a/b", 404))
	for _, want := range []int{503, 404, 200} {
		if resp, _, _ := get(t, srv.URL+"/a/b", ""); resp.StatusCode != want {
			t.Errorf("got %d, want %d", resp.StatusCode, want)
		}
	}
}
