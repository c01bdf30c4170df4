package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Nginx serves dir with nginx as it is set up by default, and returns its URL, with no slash
// at the end. Not ok: there is no nginx.
func Nginx(tb testing.TB, dir string) (url string, ok bool) {
	tb.Helper()
	return nginx(tb, dir, "gzip off;")
}

// NginxGzip is as [Nginx], but whatever is asked for by a client that takes gzip is compressed, which
// costs it its Content-Length and its Range.
func NginxGzip(tb testing.TB, dir string) (url string, ok bool) {
	tb.Helper()
	return nginx(tb, dir, `gzip on; gzip_types *; gzip_min_length 1; gzip_http_version 1.0;`)
}

// A port that is free may be taken by somebody else before the server gets it. Then it prints addressInUse,
// and another port is tried, bindAttempts times in all.
const (
	bindAttempts = 5
	addressInUse = "Address already in use"
)

func nginx(tb testing.TB, dir, directives string) (url string, ok bool) {
	tb.Helper()
	program, ok := find(tb, "nginx")
	if !ok {
		return "", false
	}
	return "http://" + onFreePort(tb, func(address string) error { return startNginx(tb, program, address, dir, directives) }), true
}

// onFreePort starts a server at an address that is free, and returns that.
func onFreePort(tb testing.TB, start func(address string) error) (address string) {
	tb.Helper()
	var err error
	for range bindAttempts {
		address = freeAddress(tb)
		if err = start(address); err == nil {
			return address
		}
		if !strings.Contains(err.Error(), addressInUse) {
			break
		}
	}
	tb.Fatal(err)
	return ""
}

// startNginx starts nginx and returns when it listens.
func startNginx(tb testing.TB, program, address, dir, directives string) error {
	tb.Helper()
	home := tb.TempDir()
	config := filepath.Join(home, "nginx.conf")
	if err := os.WriteFile(config, []byte(configuration(tb, home, address, dir, directives)), 0o600); err != nil {
		tb.Fatal(err)
	}
	p := start(tb, exec.Command(program, "-p", home, "-e", "stderr", "-c", config))
	return p.await(func() bool { // it writes its process number once it has bound its port
		info, err := os.Stat(filepath.Join(home, "pid"))
		return err == nil && info.Size() > 0
	})
}

// configuration returns one process in the foreground that runs as whoever starts it and writes below home only.
func configuration(tb testing.TB, home, address, dir, directives string) string {
	tb.Helper()
	return fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
events {}
http {
	access_log off;
	default_type application/octet-stream;
	client_body_temp_path %[1]s;
	proxy_temp_path %[1]s;
	fastcgi_temp_path %[1]s;
	uwsgi_temp_path %[1]s;
	scgi_temp_path %[1]s;
	server {
		listen %[2]s;
		root %[3]s;
		%[4]s
	}
}
`, plain(tb, home), address, plain(tb, dir), directives)
}

// plain returns path, and fails the test if it means something else in nginx's configuration.
func plain(tb testing.TB, path string) string {
	tb.Helper()
	if strings.ContainsAny(path, " \t\r\n\"'\\$;{}#") {
		tb.Fatalf("nginx cannot be given the path %q", path)
	}
	return path
}

// freeAddress returns a loopback address whose port is free now.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
