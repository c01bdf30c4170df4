package realserver

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

type server func(testing.TB, string) (string, bool)

var servers = map[string]server{"nginx": Nginx, "nginx with gzip": NginxGzip, "python": Python}

// content is long enough for a server to find that compressing it pays.
var content = bytes.Repeat([]byte("a line of a file\n"), 1000)

// directory returns a directory with the file changesets.idx and a file below cas.
func directory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cas"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"changesets.idx", "cas/77cf"} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// get fetches a URL without undoing compression.
func get(t *testing.T, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) == 2 {
		request.Header.Set(header[0], header[1])
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestServersServeTheDirectory(t *testing.T) {
	for name, serve := range servers {
		t.Run(name, func(t *testing.T) {
			url, ok := serve(t, directory(t))
			if !ok {
				t.Logf("%s is not installed: not tried", name)
				return
			}
			for _, file := range []string{"changesets.idx", "cas/77cf"} {
				response, body := get(t, url+"/"+file)
				if response.StatusCode != http.StatusOK || !bytes.Equal(body, content) {
					t.Errorf("get %s: %s, %d bytes, want 200 OK, %d bytes", file, response.Status, len(body), len(content))
				}
			}
			if response, _ := get(t, url+"/none"); response.StatusCode != http.StatusNotFound {
				t.Errorf("get a missing file: %s, want 404", response.Status)
			}
		})
	}
}

func TestNginxKnowsRange(t *testing.T) {
	url, ok := Nginx(t, directory(t))
	if !ok {
		t.Log("nginx is not installed: not tried")
		return
	}
	response, body := get(t, url+"/changesets.idx", "Range", "bytes=10-19")
	if response.StatusCode != http.StatusPartialContent || !bytes.Equal(body, content[10:20]) {
		t.Errorf("ask for ten bytes: %s, %d bytes, want 206 and ten bytes", response.Status, len(body))
	}
}

func TestNginxCompressesOnlyWhenToldTo(t *testing.T) {
	for serve, want := range map[string]string{"nginx": "", "nginx with gzip": "gzip"} {
		url, ok := servers[serve](t, directory(t))
		if !ok {
			t.Log("nginx is not installed: not tried")
			return
		}
		response, _ := get(t, url+"/changesets.idx", "Accept-Encoding", "gzip")
		if got := response.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%s: content encoding %q, want %q", serve, got, want)
		}
	}
}

func TestServersEndWithTheTest(t *testing.T) {
	for name, serve := range servers {
		var url string
		t.Run(name, func(t *testing.T) { url, _ = serve(t, directory(t)) })
		if url == "" {
			continue // not installed
		}
		if conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			_ = conn.Close()
			t.Errorf("%s still listens after its test", name)
		}
	}
}

func TestAServerThatDoesNotStartIsAnErrorWithItsOutput(t *testing.T) {
	p := start(t, exec.Command("sh", "-c", "echo no such port >&2; exit 1"))
	err := p.await(func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), "no such port") {
		t.Errorf("got %v, want an error with what the server printed", err)
	}
}

// So that a port that was taken meanwhile is told from other faults, and another one is tried.
func TestNginxSaysThatItsPortIsTaken(t *testing.T) {
	t.Parallel() // nginx tries for some seconds
	program, ok := find(t, "nginx")
	if !ok {
		t.Log("nginx is not installed: not tried")
		return
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = startNginx(t, program, taken.Addr().String(), t.TempDir(), "")
	if err == nil || !strings.Contains(err.Error(), addressInUse) {
		t.Errorf("start nginx on a taken port: %v, want an error with %q", err, addressInUse)
	}
}

// recorder is a test that notes that it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}

func TestAMissingServerFailsOnlyWhereItIsAskedFor(t *testing.T) {
	for asked, fails := range map[string]bool{"": false, "1": true} {
		t.Setenv("PROPHET_REAL_SERVERS", asked)
		r, ok, done := &recorder{TB: t}, true, make(chan struct{})
		go func() {
			defer close(done)
			_, ok = find(r, "no-such-server")
		}()
		<-done
		if r.failed != fails || !r.failed && ok {
			t.Errorf("PROPHET_REAL_SERVERS=%q: failed %v, ok %v, want failed %v", asked, r.failed, ok, fails)
		}
	}
}
