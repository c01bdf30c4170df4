package crashfs

import (
	"io"
	iofs "io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// file is an open file or directory.
type file struct {
	fs     *FS
	node   *node
	name   string
	flag   int
	at     int64
	listed int // entries that Readdir returned so far
	closed bool
}

// do runs one operation on the open file, under the mutex, after the plan had its say.
func (f *file) do(kind string, run func() error) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	err := f.fs.begin(Op{Kind: kind, Name: f.name})
	if err == nil && f.closed {
		err = iofs.ErrClosed
	}
	if err == nil {
		err = run()
	}
	if err == io.EOF {
		return err
	}
	return pathError(kind, f.name, err)
}

func (f *file) Name() string { return f.name }

// LockKey tells one file from another, however it was opened, for a lock that ends with the program's view of the disk.
func (f *file) LockKey() any { return f.node }

// Close works after a crash too, for a process that ends closes its files.
func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, iofs.ErrClosed)
	}
	f.closed = true
	return nil
}

func (f *file) Stat() (info os.FileInfo, err error) {
	err = f.do("stat", func() error { info = f.node.info(f.name); return nil })
	return info, err
}

// Sync is recorded as "syncdir" on a directory.
func (f *file) Sync() error {
	kind := "sync"
	if f.node.dir {
		kind = "syncdir"
	}
	return f.do(kind, func() error { f.node.sync(); return nil })
}

func (f *file) Read(b []byte) (n int, err error) {
	err = f.do("read", func() (err error) {
		n, err = f.readAt(b, f.at)
		f.at += int64(n)
		return err
	})
	return n, err
}

func (f *file) ReadAt(b []byte, at int64) (n int, err error) {
	err = f.do("read", func() (err error) {
		if n, err = f.readAt(b, at); err == nil && n < len(b) {
			err = io.EOF
		}
		return err
	})
	return n, err
}

func (f *file) readAt(b []byte, at int64) (int, error) {
	switch {
	case f.node.dir:
		return 0, syscall.EISDIR
	case f.flag&os.O_WRONLY != 0:
		return 0, syscall.EBADF
	case at < 0:
		return 0, syscall.EINVAL
	case at >= int64(len(f.node.data)) && len(b) > 0:
		return 0, io.EOF
	}
	return copy(b, f.node.data[min(at, int64(len(f.node.data))):]), nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.node.data))
	}
	if offset < 0 {
		return 0, pathError("seek", f.name, syscall.EINVAL)
	}
	f.at = offset
	return f.at, nil
}

func (f *file) Write(b []byte) (n int, err error) {
	f.fs.mu.Lock()
	if f.flag&os.O_APPEND != 0 {
		f.at = int64(len(f.node.data))
	}
	at := f.at
	f.fs.mu.Unlock()
	n, err = f.WriteAt(b, at)
	f.at += int64(n)
	return n, err
}

func (f *file) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// WriteAt writes half when it is the operation that fails.
func (f *file) WriteAt(b []byte, at int64) (n int, err error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	dead := f.fs.crashed()
	err = f.fs.begin(Op{Kind: "write", Name: f.name})
	switch {
	case f.closed:
		return 0, pathError("write", f.name, iofs.ErrClosed)
	case f.flag&(os.O_WRONLY|os.O_RDWR) == 0:
		return 0, pathError("write", f.name, syscall.EBADF)
	case dead:
		return 0, pathError("write", f.name, err)
	case err != nil:
		b = b[:len(b)/2]
	}
	f.node.writeAt(b, at)
	f.node.modified = time.Now()
	return len(b), pathError("write", f.name, err)
}

func (f *file) Truncate(size int64) error {
	return f.do("truncate", func() error {
		if f.flag&(os.O_WRONLY|os.O_RDWR) == 0 || size < 0 {
			return syscall.EINVAL
		}
		f.node.truncate(size)
		return nil
	})
}

// Readdir returns entries sorted by name.
func (f *file) Readdir(count int) (infos []os.FileInfo, err error) {
	err = f.do("readdir", func() error {
		if !f.node.dir {
			return syscall.ENOTDIR
		}
		names := f.node.list()
		names = names[min(f.listed, len(names)):]
		if count > 0 && len(names) == 0 {
			return io.EOF
		}
		if count > 0 {
			names = names[:min(count, len(names))]
		}
		infos = make([]os.FileInfo, 0, len(names))
		for _, name := range names {
			infos = append(infos, f.node.names[name].info(name))
		}
		f.listed += len(names)
		return nil
	})
	return infos, err
}

func (f *file) Readdirnames(count int) (names []string, err error) {
	infos, err := f.Readdir(count)
	for _, info := range infos {
		names = append(names, info.Name())
	}
	return names, err
}

// info is what Stat tells about a node.
type info struct {
	name     string
	size     int64
	dir      bool
	modified time.Time
}

func (n *node) info(name string) os.FileInfo {
	return info{path.Base(name), int64(len(n.data)), n.dir, n.modified}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.dir }
func (i info) ModTime() time.Time { return i.modified }
func (i info) Sys() any           { return nil }
func (i info) Mode() os.FileMode {
	if i.dir {
		return os.ModeDir | 0o755
	}
	return 0o644
}
