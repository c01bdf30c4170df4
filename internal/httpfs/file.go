package httpfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"syscall"
	"time"
)

// file is an open file. It has asked nothing of the server before it is read.
type file struct {
	c        *client
	asOpened string // the name that the caller used
	name     string // below the base

	mu     sync.Mutex
	closed bool
	pos    int64
	parts  bool   // the server sends parts of this file
	total  int64  // its size, -1 if not known; whole knows better
	body   []byte // all of it, if not nil
	done   func() // says that body is not needed any more; nil if it was not fetched by load
	failed error  // why it could not be fetched whole; a file says so once and for all
	mod    time.Time
}

func (f *file) Name() string { return f.asOpened }

// Close forgets what was fetched. Who has read a large file must close it before anybody can read another one.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.error("close", fs.ErrClosed)
	}
	f.closed, f.body = true, nil
	if f.done != nil {
		f.done()
	}
	return nil
}

func (f *file) error(op string, err error) error {
	return &fs.PathError{Op: op, Path: join(f.c.place.origin, f.name).String(), Err: err}
}

// load makes body hold the file. The caller holds mu.
func (f *file) load(op string) error {
	switch {
	case f.closed:
		return f.error(op, fs.ErrClosed)
	case f.body != nil || f.failed != nil:
		return f.failed
	}
	body, mod, done, err := f.c.whole(f.name)
	if f.mod, f.failed = mod, err; err == nil {
		f.body, f.done = body, done
	}
	return f.failed
}

func (f *file) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load("read"); err != nil {
		return 0, err
	}
	n, err := copyAt(p, f.body, f.pos)
	f.pos += int64(n)
	if n > 0 {
		err = nil // the end is told by the next read
	}
	return n, err
}

// ReadAt asks for the bytes it wants and no others, as long as the server knows how to send parts of a file.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, f.error("read", fmt.Errorf("negative offset %d", off))
	}
	if len(p) == 0 {
		return 0, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return 0, f.error("read", fs.ErrClosed)
	case f.body != nil:
		return copyAt(p, f.body, off)
	}
	got, err := f.ask(p, off)
	if err != nil {
		return 0, err
	}
	return f.took(got, p, off)
}

// ask fetches a part. The caller holds mu. Once the server is known to send parts, mu is let go
// meanwhile, so that several may be under way; before that, a second reader waits for the whole file that may come.
func (f *file) ask(p []byte, off int64) (part, error) {
	if f.parts {
		f.mu.Unlock()
		defer f.mu.Lock()
	}
	return f.c.part(f.name, p, off)
}

// took notes what an answer tells of the file, and returns what ReadAt does. The caller holds mu.
func (f *file) took(got part, p []byte, off int64) (int, error) {
	f.mod = got.mod
	if got.whole != nil {
		if !f.closed {
			f.body = got.whole
		}
		return copyAt(p, got.whole, off)
	}
	f.parts, f.total = true, got.total
	if got.n < len(p) {
		return got.n, io.EOF
	}
	return got.n, nil
}

// copyAt copies from body to p, and returns io.EOF if p is longer than what is left.
func copyAt(p, body []byte, off int64) (int, error) {
	n := 0
	if off < int64(len(body)) {
		n = copy(p, body[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pos := offset
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		pos += f.pos
	case io.SeekEnd:
		size, err := f.size("seek")
		if err != nil {
			return 0, err
		}
		pos += size
	default:
		return 0, f.error("seek", fmt.Errorf("unknown whence %d", whence))
	}
	if f.closed {
		return 0, f.error("seek", fs.ErrClosed)
	}
	if pos < 0 {
		return 0, f.error("seek", fmt.Errorf("negative offset %d", pos))
	}
	f.pos = pos
	return pos, nil
}

// size fetches the file unless its size is known already: who asks is about to read. The caller holds mu.
func (f *file) size(op string) (int64, error) {
	if f.body == nil && f.total >= 0 && !f.closed {
		return f.total, nil
	}
	if err := f.load(op); err != nil {
		return 0, err
	}
	return int64(len(f.body)), nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size, err := f.size("stat")
	if err != nil {
		return nil, err
	}
	return info{path.Base(f.name), size, f.mod}, nil
}

func (f *file) Readdir(int) ([]fs.FileInfo, error) { return nil, f.error("readdir", errNoList) }
func (f *file) Readdirnames(int) ([]string, error) { return nil, f.error("readdir", errNoList) }
func (f *file) Write([]byte) (int, error)          { return 0, f.refuse("write") }
func (f *file) WriteAt([]byte, int64) (int, error) { return 0, f.refuse("write") }
func (f *file) WriteString(string) (int, error)    { return 0, f.refuse("write") }
func (f *file) Truncate(int64) error               { return f.refuse("truncate") }
func (f *file) refuse(op string) error             { return f.error(op, syscall.EROFS) }

// Sync does nothing, and succeeds: there is nothing to flush.
func (f *file) Sync() error { return nil }

var errNoList = fmt.Errorf("a web server does not list its files: %w", errors.ErrUnsupported)

// info is what is known of a file. The time is zero if the server did not tell.
type info struct {
	name string
	size int64
	mod  time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return 0o444 }
func (i info) ModTime() time.Time { return i.mod }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
