package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/afero"
	"github.com/spf13/afero/mem"
)

const (
	lockPoll     = 4 * time.Millisecond
	lockPatience = time.Second // how long to wait before saying so
)

// Patience says how to wait for a lock. The zero value waits as long as it takes, and says nothing.
type Patience struct {
	Most    time.Duration    // how long to wait at most; 0: as long as it takes; less: not at all
	Waiting func(who string) // is called once when the wait takes longer than a second, with who has the lock: "process 4711 (prophet)" or "another process"
}

// BusyError says that another writer had a lock for longer than one was to wait for it. Nothing was done.
type BusyError struct {
	Path   string // of the lock file
	Who    string // has it, as in [Patience]
	Waited time.Duration
}

func (e *BusyError) Error() string {
	if e.Waited == 0 {
		return fmt.Sprintf("%s has the lock %s", e.Who, e.Path)
	}
	return fmt.Sprintf("%s has the lock %s, and still has it after %v", e.Who, e.Path, e.Waited)
}

// stopped ends the words for a process that is.
const stopped = ", which is stopped,"

// Stopped returns the number of the process that has the lock if that is known to be stopped: it keeps the lock until it goes on, or ends. Otherwise it returns 0.
func (e *BusyError) Stopped() (pid int) {
	if strings.HasSuffix(e.Who, stopped) {
		_, _ = fmt.Sscanf(e.Who, "process %d", &pid)
	}
	return pid
}

// Lock takes the exclusive lock that the named file stands for, makes the file if need be, and waits
// for the lock until ctx is done, or as long as p says: then the error is a [BusyError]. It excludes other processes and other goroutines of this one. The
// lock ends with the process that holds it, however that ends. A second call of unlock does nothing.
//
// Files of the operating system are locked by it; they are found beneath [afero.BasePathFs] and
// beneath any file with a method Unwrap() afero.File. There a file system that says that it locks, and gives one lock to two, is refused. Any other file system, such as one in
// memory, is taken to be this process's own, and locked within it: the file itself in an [afero.MemMapFs],
// or what the open file's method LockKey() any returns, or else the name in fs.
func Lock(ctx context.Context, fs afero.Fs, name string, p Patience) (unlock func() error, err error) {
	l, err := openLock(fs, name)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	start := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait for the lock %s, which %s has: %w", l.path, l.who(), err)
		}
		ok, err := l.try()
		if err != nil {
			return nil, lockError(l.path, err)
		}
		if ok {
			return l.proven()
		}
		waited := time.Since(start)
		if p.Waiting != nil && waited > lockPatience {
			p.Waiting(l.who())
			p.Waiting = nil
		}
		if p.Most < 0 || p.Most > 0 && waited >= p.Most {
			return nil, &BusyError{l.path, l.who(), max(p.Most, 0)}
		}
		pause(ctx)
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(lockPoll):
	}
}

// GiveWay waits, until ctx is done, for as long as those that wait for a lock need to find that it is free. Who takes a lock again at once, and holds it for
// long each time, calls it in between: the others look every few milliseconds, and would never meet the moment.
func GiveWay(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(lockPoll + lockPoll/2):
	}
}

// errFalse is the error of a file system that gives one lock to two.
var errFalse = fmt.Errorf("it gives the lock to two at once: %w", errors.ErrUnsupported)

// lockError says what a person can do about a file system without locks.
func lockError(path string, err error) error {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) {
		return fmt.Errorf("lock %s: this file system cannot lock files, so it is not safe to write here; use a local disk: %w", path, err)
	}
	return fmt.Errorf("lock %s: %w", path, err)
}

// lock is one attempt at a lock: either of the operating system or of this process.
type lock struct {
	path    string
	try     func() (bool, error)
	release func() error
	again   func() (bool, error) // tries to take it a second time, and lets go; nil where that needs no proof
	who     func() string        // has it
}

// proven makes sure that nobody else can get the lock that was taken, and returns what lets go of it.
func (l *lock) proven() (unlock func() error, err error) {
	unlock = sync.OnceValue(l.release)
	if l.again == nil {
		return unlock, nil
	}
	twice, err := l.again()
	if twice {
		err = errFalse
	}
	if err != nil {
		return nil, errors.Join(lockError(l.path, err), unlock())
	}
	return unlock, nil
}

// held has the locks on file systems that are this process's own. Its mutex is also held while a lock
// file is opened: of two that create a file at once in an afero.MemMapFs, each gets a file of its own.
var held = struct {
	sync.Mutex
	keys map[any]bool
}{keys: map[any]bool{}}

func openLock(fs afero.Fs, name string) (*lock, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := MkdirAll(fs, path.Dir(name)); err != nil {
		return nil, err
	}
	held.Lock()
	defer held.Unlock()
	f, err := fs.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch f := unwrap(f).(type) {
	case *os.File:
		return systemLock(f.Name())
	case *mem.File:
		return processLock(name, f.Data()), nil
	case interface{ LockKey() any }:
		return processLock(name, f.LockKey()), nil
	}
	key := [2]any{fs, name}
	if !reflect.ValueOf(fs).Comparable() {
		return nil, fmt.Errorf("file system %s cannot be told from another", fs.Name())
	}
	return processLock(name, key), nil
}

// unwrap returns the file beneath those that only forward to another.
func unwrap(f afero.File) afero.File {
	for {
		switch outer := f.(type) {
		case *afero.BasePathFile:
			f = outer.File
		case interface{ Unwrap() afero.File }:
			f = outer.Unwrap()
		default:
			return f
		}
	}
}

// Locked reports whether somebody has the lock that the named file stands for, as far as that can be seen without writing.
func Locked(fs afero.Fs, name string) bool {
	held.Lock()
	defer held.Unlock()
	f, err := fs.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	switch f := unwrap(f).(type) {
	case *os.File:
		l := flock.New(f.Name(), flock.SetFlag(os.O_RDONLY))
		free, err := l.TryRLock()
		return errors.Join(err, l.Close()) == nil && !free
	case *mem.File:
		return held.keys[f.Data()]
	case interface{ LockKey() any }:
		return held.keys[f.LockKey()]
	}
	return reflect.ValueOf(fs).Comparable() && held.keys[[2]any{fs, name}]
}

// systemLock is a lock of the operating system. The file is opened for writing because locks over NFS demand it.
func systemLock(name string) (*lock, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	l := flock.New(name, flock.SetFlag(os.O_RDWR))
	return &lock{name, l.TryLock, l.Unlock, lockAgain(name), func() string { return holder(name) }}, nil
}

// lockAgain returns what tries to lock a file that is locked, with another handle.
func lockAgain(name string) func() (bool, error) {
	return func() (bool, error) {
		second := flock.New(name, flock.SetFlag(os.O_RDWR))
		ok, err := second.TryLock()
		return ok, errors.Join(err, second.Close())
	}
}

// somebody is who has a lock where that cannot be found out.
const somebody = "another process"

// processLock is a lock within this process, told from others by its key.
func processLock(name string, key any) *lock {
	try := func() (bool, error) {
		held.Lock()
		defer held.Unlock()
		if held.keys[key] {
			return false, nil
		}
		held.keys[key] = true
		return true, nil
	}
	release := func() error {
		held.Lock()
		defer held.Unlock()
		delete(held.keys, key)
		return nil
	}
	return &lock{name, try, release, nil, func() string { return "another writer" }}
}
