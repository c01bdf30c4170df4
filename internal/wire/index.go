package wire

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"
	"syscall"
	"time"

	"prophet/changeset"
)

// index is an open file of rows, which are made from the frames as they are read.
type index struct {
	name string
	r    *reader

	mu  sync.Mutex
	pos int64
}

func (f *index) size() int64 { return int64(f.r.latest()) * changeset.RowSize }

// ReadAt reads the rows of which it wants a part.
func (f *index) ReadAt(b []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	for n < len(b) && at < f.size() {
		from := uint32(at/changeset.RowSize) + 1
		to := min(uint64(at+int64(len(b)-n)-1)/changeset.RowSize+1, uint64(f.r.latest()), uint64(from)+8191) // no row more than that: it may be in another frame
		rows, err := f.r.rows(from, uint32(to))
		if err != nil {
			return n, err
		}
		text := make([]byte, 0, len(rows)*changeset.RowSize)
		for _, row := range rows {
			text = changeset.AppendRow(text, row)
		}
		k := copy(b[n:], text[at%changeset.RowSize:])
		n, at = n+k, at+int64(k)
	}
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}

func (f *index) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.ReadAt(b, f.pos)
	f.pos += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil // the end is told by the next read
	}
	return n, err
}

func (f *index) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.size()
	}
	if offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: fs.ErrInvalid}
	}
	f.pos = offset
	return offset, nil
}

func (f *index) Name() string               { return f.name }
func (f *index) Close() error               { return nil }
func (f *index) Sync() error                { return nil }
func (f *index) Stat() (fs.FileInfo, error) { return indexInfo{path.Base(f.name), f.size()}, nil }

func (f *index) Write([]byte) (int, error)          { return 0, f.refuse("write") }
func (f *index) WriteAt([]byte, int64) (int, error) { return 0, f.refuse("write") }
func (f *index) WriteString(string) (int, error)    { return 0, f.refuse("write") }
func (f *index) Truncate(int64) error               { return f.refuse("truncate") }
func (f *index) Readdir(int) ([]fs.FileInfo, error) { return nil, f.refuse("readdir") }
func (f *index) Readdirnames(int) ([]string, error) { return nil, f.refuse("readdir") }
func (f *index) refuse(op string) error {
	return &fs.PathError{Op: op, Path: f.name, Err: syscall.EROFS}
}

type indexInfo struct {
	name string
	size int64
}

func (i indexInfo) Name() string       { return i.name }
func (i indexInfo) Size() int64        { return i.size }
func (i indexInfo) Mode() fs.FileMode  { return 0o444 }
func (i indexInfo) ModTime() time.Time { return time.Time{} }
func (i indexInfo) IsDir() bool        { return false }
func (i indexInfo) Sys() any           { return nil }
