package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Rsync has an rsync serve dir for reading and writing, as the module "mirror", and returns the URL of that, with no slash at the end. Not ok: there is no rsync.
func Rsync(tb testing.TB, dir string) (url string, ok bool) {
	tb.Helper()
	program, ok := find(tb, "rsync")
	if !ok {
		return "", false
	}
	return "rsync://" + onFreePort(tb, func(address string) error { return startRsync(tb, program, address, dir) }) + "/mirror", true
}

// startRsync starts rsync and returns when it listens.
func startRsync(tb testing.TB, program, address, dir string) error {
	tb.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	config := filepath.Join(tb.TempDir(), "rsyncd.conf")
	text := fmt.Sprintf("use chroot = no\nuid = %d\ngid = %d\n[mirror]\npath = %s\nread only = no\n", os.Getuid(), os.Getgid(), dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	p := start(tb, exec.Command(program, "--daemon", "--no-detach", "--log-file=/dev/stdout", "--address="+host, "--port="+port, "--config="+config))
	return p.await(func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// RemoteShell returns the path of a program that stands in for ssh: whatever the host, it hands the command to a shell on this machine, as sshd does on another. Not ok: there is no rsync to be run by it.
func RemoteShell(tb testing.TB) (path string, ok bool) {
	tb.Helper()
	if _, ok := find(tb, "rsync"); !ok {
		return "", false
	}
	path = filepath.Join(tb.TempDir(), "shell")
	script := "#!/bin/sh\n[ \"$1\" != -l ] || shift 2\nshift\nexec sh -c \"$*\"\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		tb.Fatal(err)
	}
	return path, true
}
