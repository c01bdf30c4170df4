//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"
)

// laid makes a directory with traps in it, beside one that is not to be touched, and opens it by a link to it.
func laid(t *testing.T) (in afero.Fs, outside string) {
	t.Helper()
	dir := t.TempDir()
	outside = filepath.Join(dir, "outside")
	root := filepath.Join(dir, "root")
	err := errors.Join(os.MkdirAll(filepath.Join(root, "sub"), 0o700), os.Mkdir(outside, 0o700), os.WriteFile(filepath.Join(outside, "file"), []byte("mine"), 0o600),
		syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600),
		os.Symlink("/dev/zero", filepath.Join(root, "zero")), os.Symlink(filepath.Join(outside, "file"), filepath.Join(root, "sub", "link")),
		os.Symlink(outside, filepath.Join(root, "dir")), os.Symlink("root", filepath.Join(root, "round")), os.Symlink(root, filepath.Join(dir, "way")))
	if err != nil {
		t.Fatal(err)
	}
	return Within(afero.NewOsFs(), filepath.Join(dir, "way")), outside
}

func TestAPipeOrADeviceAmongTheFilesIsAnError(t *testing.T) {
	in, _ := laid(t)
	for name, want := range map[string]string{"pipe": "a named pipe", "zero": "a device"} {
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR} {
			f, err := in.OpenFile(name, flag, 0)
			if err == nil || flag == os.O_RDONLY && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, %v", name, f, err)
			}
		}
	}
}

func TestALinkIsReadAndNotWrittenThrough(t *testing.T) {
	in, outside := laid(t)
	if b, err := afero.ReadFile(in, "sub/link"); string(b) != "mine" || err != nil {
		t.Errorf("read: %q, %v", b, err)
	}
	before, _ := os.ReadDir(outside)
	for what, err := range map[string]error{
		"write":           afero.WriteFile(in, "sub/link", []byte("theirs"), 0o600),
		"append":          second(in.OpenFile("sub/link", os.O_RDWR|os.O_APPEND, 0)),
		"create":          second(in.Create("sub/link")),
		"create below":    second(in.Create("dir/new")),
		"mkdir":           in.Mkdir("dir/new", 0o700),
		"mkdir below":     in.MkdirAll("dir/new/new", 0o700),
		"remove":          in.Remove("dir/file"),
		"remove all":      in.RemoveAll("dir/file"),
		"rename from":     in.Rename("dir/file", "here"),
		"WriteFile":       WriteFile(in, "dir/file", []byte("theirs")),
		"WriteFile below": WriteFile(in, "dir/new/file", []byte("theirs")),
	} {
		if err == nil || !strings.Contains(err.Error(), "it is a symbolic link") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := WriteFile(in, "dir/file", nil); err == nil || !strings.Contains(err.Error(), filepath.Join("way", "dir")+": it is") {
		t.Errorf("it names another one than the link: %v", err)
	}
	after, _ := os.ReadDir(outside)
	if b, _ := os.ReadFile(filepath.Join(outside, "file")); string(b) != "mine" || len(after) != len(before) {
		t.Errorf("outside: %q, %v", b, after)
	}
	if err := WriteFile(in, "sub/link", []byte("ours")); err != nil { // which takes the place of the link
		t.Error(err)
	}
	if b, _ := os.ReadFile(filepath.Join(outside, "file")); string(b) != "mine" {
		t.Errorf("outside: %q", b)
	}
	if err := WriteFile(in, "sub/new", []byte("ours")); err != nil {
		t.Error(err)
	}
}

func second(f afero.File, err error) error {
	if err == nil {
		f.Close()
	}
	return err
}

func TestAWalkGoesRoundNoLink(t *testing.T) {
	in, _ := laid(t)
	n := 0
	err := afero.Walk(in, ".", func(_ string, _ fs.FileInfo, err error) error {
		n++
		return err
	})
	if err != nil || n != 7 {
		t.Errorf("%d names, %v", n, err)
	}
}
