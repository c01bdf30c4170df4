package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/afero"
	"github.com/spf13/afero/mem"

	"prophet/changeset"
)

// FS shows the head and the packs of a mirror as the files of the replica that they were made from. It can be read only, by any number at once.
//
// What the head has, or the packs, is shown as it was at the moment of that head, and what it lacks of this is not there. Only versions and indexes of records, and what is left of lost
// changesets, come from the files beside it. Opening a file that the head has, or finding out that there is none, asks nothing of the file system below.
type FS struct {
	afero.Fs // what would write fails
	under    afero.Fs

	mu   sync.Mutex
	head *Head
	logs [Logs]*reader
}

// Open reads the head at the root of a file system, in the directory of a database. Without a head the error wraps [fs.ErrNotExist]; of one that is damaged it is a [PackError].
func Open(under afero.Fs) (*FS, error) {
	s := &FS{Fs: afero.NewReadOnlyFs(under), under: under}
	if err := s.look(); err != nil {
		return nil, err
	}
	return s, nil
}

// ReadHead reads the head at the root of a file system, as [Open] does.
func ReadHead(fsys afero.Fs) (*Head, error) {
	f, err := fsys.Open(HeadFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxHead+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxHead {
		return nil, &PackError{HeadFile, fmt.Errorf("it is longer than %d bytes", MaxHead)}
	}
	h, err := ParseHead(b)
	if errors.Is(err, ErrNewer) {
		return nil, fmt.Errorf("read %s: %w", HeadFile, err)
	}
	if err != nil {
		return nil, &PackError{HeadFile, err}
	}
	return h, nil
}

// look reads the head.
func (s *FS) look() error {
	h, err := ReadHead(s.under)
	if err != nil {
		return err
	}
	var logs [Logs]*reader
	for i := range logs {
		if logs[i], err = newReader(s.under, i, h.Logs[i]); err != nil {
			return &PackError{HeadFile, err}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head, s.logs = h, logs
	return nil
}

// Under is the file system below.
func (s *FS) Under() afero.Fs { return s.under }

// HasTree reports whether the v1 tree lies beside the head.
func (s *FS) HasTree() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Tree
}

// Revalidate makes caches on the way ask for what there is now, and reads the head again. If it cannot be read, the one that was read before stays.
func (s *FS) Revalidate() {
	if cached, ok := s.under.(interface{ Revalidate() }); ok {
		cached.Revalidate()
	}
	_ = s.look() // what it says of what is missing stands
}

// Window returns the number of the row that ends the window which begins after a row of the log: as much as may be read without reading anything twice. All rows up to last are about to be read, and
// are fetched ahead. What was read up to the row is let go: a lower row that is asked for later is fetched again.
func (s *FS) Window(log int, after, last uint32) uint32 { return s.reader(log).window(after, last) }

func (s *FS) reader(log int) *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs[log]
}

// indexes are the files of rows.
var indexes = [Logs]string{changeset.IndexFile, "prophet/representations", changeset.ResolutionsDir + "/" + changeset.IndexFile}

// Open opens a file.
func (s *FS) Open(file string) (afero.File, error) {
	file = path.Clean(filepath.ToSlash(file))
	b, log, err := s.find(file)
	switch {
	case err != nil:
		return nil, err
	case log >= 0:
		return &index{name: file, r: s.reader(log)}, nil
	case b != nil:
		return InMemory(file, b), nil
	}
	return s.under.Open(file)
}

// InMemory returns an open file that has some bytes, and can only be read.
func InMemory(file string, b []byte) afero.File {
	data := mem.CreateFile(file)
	h := mem.NewFileHandle(data)
	_, _ = h.Write(b) // to memory
	return mem.NewReadOnlyFileHandle(data)
}

// OpenFile is Open, and fails where it would write.
func (s *FS) OpenFile(file string, flag int, perm os.FileMode) (afero.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return s.Fs.OpenFile(file, flag, perm)
	}
	return s.Open(file)
}

// Stat says what a file is.
func (s *FS) Stat(file string) (os.FileInfo, error) {
	file = path.Clean(filepath.ToSlash(file))
	b, log, err := s.find(file)
	if err == nil && b == nil && log < 0 {
		return s.under.Stat(file)
	}
	if err != nil {
		return nil, err
	}
	f, err := s.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// find returns the bytes of a file that the head has, or the log of which it has the rows, or neither: the file is below, if it is anywhere. The error wraps fs.ErrNotExist if there is no such file.
func (s *FS) find(file string) (b []byte, log int, err error) {
	s.mu.Lock()
	h := s.head
	s.mu.Unlock()
	if text, ok := h.Files[file]; ok {
		return []byte(text), -1, nil
	}
	if b, ok := h.Binary[file]; ok {
		return b, -1, nil
	}
	for log, name := range indexes {
		if name == file && h.Logs[log].Latest() > 0 {
			return nil, log, nil
		}
	}
	inside := strings.TrimPrefix(file, changeset.ResolutionsDir+"/")
	hash, isChangeset := strings.CutPrefix(inside, "cas/"+changeset.ChangesetObjects+"/")
	if isChangeset {
		if b, err = s.object(path.Base(hash), inside != file); b != nil || err != nil {
			return b, -1, err
		}
	}
	if h.below(inside) {
		return nil, -1, nil
	}
	return nil, -1, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
}

// below reports whether a file may lie beside the head, and not in it.
func (h *Head) below(file string) bool {
	for _, dir := range []string{"records", "cas"} {
		if file == dir || strings.HasPrefix(file, dir+"/") {
			return h.Tree
		}
	}
	return file == "." || strings.HasPrefix(file, "prophet/left/")
}

// object returns the bytes of a changeset that is in a frame which was read, or among the last; nil if it is in none.
func (s *FS) object(name string, votes bool) ([]byte, error) {
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != 20 {
		return nil, nil
	}
	logs := []int{Log, List}
	if votes {
		logs = []int{Votes}
	}
	for _, log := range logs {
		if b, err := s.reader(log).object([20]byte(raw)); b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}
