package durable

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"
)

// holding starts another process, which holds the lock until it is killed.
func holding(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	holder := part(t, "holder", dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		holder.Process.Kill()
		holder.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	return holder
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := afero.NewMemMapFs()
		unlock, err := Lock(t.Context(), fs, "lock", Patience{Most: -1})
		if err != nil {
			t.Fatal(err)
		}
		for most, want := range map[time.Duration]time.Duration{-1: 0, time.Millisecond: lockPoll, 3 * time.Second: 3 * time.Second, lockPatience + 1: lockPatience + lockPoll} {
			began, said := time.Now(), 0
			_, err := Lock(t.Context(), fs, "lock", Patience{Most: most, Waiting: func(string) { said++ }})
			if told := most > lockPatience; told != (said == 1) {
				t.Errorf("at most %v: said %d times to wait", most, said)
			}
			var busy *BusyError
			if !errors.As(err, &busy) || busy.Path != "lock" || busy.Waited != max(most, 0) || time.Since(began) != want {
				t.Errorf("at most %v: %v after %v", most, err, time.Since(began))
			}
		}
		unlock()
		if _, err := Lock(t.Context(), fs, "lock", Patience{Most: -1}); err != nil {
			t.Errorf("a lock that is free, without waiting: %v", err)
		}
	})
}

// A process that is stopped has its locks still; one that is killed has none, and whoever waits goes on.
func TestAStoppedHolderIsWaitedForAndNamed(t *testing.T) {
	dir := t.TempDir()
	fs := afero.NewBasePathFs(afero.NewOsFs(), dir)
	holder := holding(t, dir)
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus // it stops some time after the signal was sent
	if _, err := syscall.Wait4(holder.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v, %v", status, err)
	}
	who := fmt.Sprintf("process %d (%.15s)", holder.Process.Pid, filepath.Base(os.Args[0]))
	if runtime.GOOS != "linux" {
		who = somebody
	}
	var busy *BusyError
	if _, err := Lock(t.Context(), fs, "prophet/lock", Patience{Most: -1}); !errors.As(err, &busy) || !strings.HasPrefix(busy.Who, who) {
		t.Errorf("got %v, want one who blames %s", err, who)
	}
	if said := who + ", which is stopped, has the lock " + filepath.Join(dir, "prophet/lock"); runtime.GOOS == "linux" && (busy.Stopped() != holder.Process.Pid || busy.Error() != said) {
		t.Errorf("got %v, of process %d, want %s", busy, busy.Stopped(), said)
	}
	said := make(chan string, 1)
	got := make(chan error)
	go func() {
		unlock, err := Lock(context.Background(), fs, "prophet/lock", Patience{Waiting: func(who string) { said <- who }})
		if err == nil {
			err = unlock()
		}
		got <- err
	}()
	if text := <-said; !strings.HasPrefix(text, who) || runtime.GOOS == "linux" && text != who+", which is stopped," {
		t.Errorf("who waits is told of %q, want %q", text, who)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// On a file system that says yes to everybody a second handle gets what the first one has.
func TestALockThatTwoGetIsNone(t *testing.T) {
	released := false
	yes := func() (bool, error) { return true, nil }
	l := &lock{path: "/mnt/lock", try: yes, again: yes, release: func() error { released = true; return nil }}
	if _, err := l.proven(); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "/mnt/lock: this file system cannot lock files") || !released {
		t.Errorf("got %v, released: %v", err, released)
	}
	failing := errors.New("the disk is gone")
	l.again = func() (bool, error) { return false, failing }
	if _, err := l.proven(); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
	name := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if twice, err := lockAgain(name)(); !twice || err != nil {
		t.Errorf("a lock that is free: %v, %v", twice, err)
	}
	held, err := systemLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := held.try(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if twice, err := held.again(); twice || err != nil {
		t.Errorf("a lock that is held: %v, %v", twice, err)
	}
}
