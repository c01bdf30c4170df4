package durable

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
)

// TestMain lets the test binary play another process, when the environment names a part for it.
func TestMain(m *testing.M) {
	fs := afero.NewBasePathFs(afero.NewOsFs(), os.Getenv("LOCK_TEST_DIR"))
	switch os.Getenv("LOCK_TEST_PART") {
	case "counter":
		exit(count(fs, 25))
	case "holder":
		exit(hold(fs))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// hold takes the lock, says so, and never lets go.
func hold(fs afero.Fs) error {
	if _, err := Lock(context.Background(), fs, "prophet/lock", Patience{}); err != nil {
		return err
	}
	fmt.Println("holding")
	time.Sleep(time.Hour) // until it is killed; without cgo, select {} would be a deadlock
	return nil
}

// count adds to the number in a file, n times, each time under the lock.
func count(fs afero.Fs, n int) error {
	for range n {
		unlock, err := Lock(context.Background(), fs, "prophet/lock", Patience{})
		if err != nil {
			return err
		}
		text, _ := afero.ReadFile(fs, "count")
		old, _ := strconv.Atoi(string(text))
		if err := afero.WriteFile(fs, "count", []byte(strconv.Itoa(old+1)), 0o666); err != nil {
			return err
		}
		if err := unlock(); err != nil {
			return err
		}
	}
	return nil
}

// part starts this test binary as another process.
func part(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCK_TEST_PART="+name, "LOCK_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestLockExcludesProcesses(t *testing.T) {
	dir := t.TempDir()
	var all []*exec.Cmd
	for range 8 {
		cmd := part(t, "counter", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	text, _ := os.ReadFile(filepath.Join(dir, "count"))
	if string(text) != "200" {
		t.Errorf("8 processes counted to %s, not 200", text)
	}
}

func TestLockExcludesGoroutines(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		if err := MkdirAll(fs, "r"); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := count(afero.NewBasePathFs(fs, "r"), 10); err != nil { // each its own way to the same files
					t.Error(err)
				}
			})
		}
		group.Wait()
		if text, _ := afero.ReadFile(fs, "r/count"); string(text) != "80" {
			t.Errorf("8 goroutines counted to %s, not 80", text)
		}
	})
}

func TestLockEndsWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	fs := afero.NewBasePathFs(afero.NewOsFs(), dir)
	holder := part(t, "holder", dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Lock(short, fs, "prophet/lock", Patience{})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), filepath.Join(dir, "prophet/lock")) {
		t.Errorf("while another process holds the lock: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	unlock, err := Lock(t.Context(), fs, "prophet/lock", Patience{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockWaitsAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, waitsAndSaysSo)
}

func waitsAndSaysSo(t *testing.T) {
	fs := afero.NewMemMapFs()
	unlock, err := Lock(t.Context(), fs, "lock", Patience{Waiting: func(string) { t.Error("said to wait for a lock that was free") }})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	time.AfterFunc(lockPatience+300*time.Millisecond, func() { unlock() })
	var said []time.Duration
	again, err := Lock(t.Context(), fs, "lock", Patience{Waiting: func(string) { said = append(said, time.Since(began)) }})
	if err != nil || len(said) != 1 || said[0] < lockPatience || said[0] > lockPatience+2*lockPoll {
		t.Errorf("said to wait after %v, %v", said, err)
	}
	if took := time.Since(began); took > lockPatience+300*time.Millisecond+lockPoll {
		t.Errorf("had the lock after %v", took)
	}
	unlock() // does nothing, and does not free what another holds
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Lock(soon, fs, "lock", Patience{}); err == nil {
		t.Error("unlocking twice freed the lock of another")
	}
	again()
}

func TestLocksOfDifferentFilesAreDifferent(t *testing.T) {
	one, two := afero.NewMemMapFs(), afero.NewMemMapFs()
	for _, l := range []struct {
		fs   afero.Fs
		name string
	}{{one, "lock"}, {one, "other/lock"}, {two, "lock"}, {crashfs.New(), "lock"}, {crashfs.New(), "lock"}, {plain{one}, "lock"}, {plain{two}, "lock"}} {
		soon, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		unlock, err := Lock(soon, l.fs, l.name, Patience{})
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
	}
}

// wrapped is a file system that counts, logs or fails, with another beneath it.
type wrapped struct{ afero.Fs }

type wrappedFile struct{ afero.File }

func (f wrappedFile) Unwrap() afero.File { return f.File }

func (w wrapped) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := w.Fs.OpenFile(name, flag, perm)
	return wrappedFile{f}, err
}

// plain hides what its files are.
type plain struct{ afero.Fs }

type plainFile struct{ afero.File }

func (p plain) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := p.Fs.OpenFile(name, flag, perm)
	return plainFile{f}, err
}

func TestLockSeesTheFileBeneathAWrapper(t *testing.T) {
	everywhere(t, func(t *testing.T, fs afero.Fs) {
		unlock, err := Lock(t.Context(), fs, "d/lock", Patience{})
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		for _, other := range []struct {
			fs   afero.Fs
			name string
		}{{wrapped{fs}, "d/lock"}, {afero.NewBasePathFs(wrapped{fs}, "d"), "lock"}} {
			soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := Lock(soon, other.fs, other.name, Patience{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("through %T: %v", other.fs, err)
			}
		}
	})
}

func TestLockSaysWhenTheFileSystemCannotLock(t *testing.T) {
	for _, errno := range []error{syscall.ENOSYS, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOLCK} {
		err := lockError("/mnt/r/prophet/lock", errno)
		if !strings.Contains(err.Error(), "/mnt/r/prophet/lock: this file system cannot lock files") || !errors.Is(err, errno) {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := lockError("lock", syscall.EIO); strings.Contains(err.Error(), "cannot lock") {
		t.Errorf("an error of the disk: %v", err)
	}
	if _, err := Lock(t.Context(), afero.NewReadOnlyFs(afero.NewMemMapFs()), "lock", Patience{}); err == nil {
		t.Error("locked a file system that is for reading only")
	}
}
