package sync

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/replica"
)

// A file that a web server does not send may be whole: it is told as one that could not be checked, and what seems wrong with others because of that is not told at all.

// unsent is the problem of a file that a web server did not send.
func unsent(file string, why error) replica.Problem {
	return replica.Problem{Path: file, Unread: true, Why: why, Text: "it could not be checked: " + why.Error(), Alike: "%d files could not be checked: the server did not send them"}
}

// isUnsent reports whether an error says that a web server did not send a file, of which nothing is known for all that.
func isUnsent(err error) bool { return errors.As(err, new(*httpfs.FetchError)) }

// sentFS is a file system that notes which files were not sent.
type sentFS struct {
	afero.Fs
	mu     gosync.Mutex
	unsent map[string]error
	inARow int  // so many, since the last that was
	gaveUp bool // nothing is asked for any more
}

// mostUnsent is after how many files in a row that a server did not send, each of which may be several tries, it is asked for no more; and after mostNoted altogether.
const (
	mostUnsent = 64
	mostNoted  = 10_000
)

var errGaveUp = &httpfs.FetchError{Answered: true, Err: errors.New("it was not asked for")}

// note notes of a file whether it was not sent.
func (s *sentFS) note(name string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name = path.Clean(filepath.ToSlash(name)); {
	case !isUnsent(err):
		s.inARow = 0
	case !s.gaveUp && s.unsent[name] == nil:
		s.unsent[name] = err
		s.inARow++
		s.gaveUp = s.inARow == mostUnsent || len(s.unsent) == mostNoted
	}
	return err
}

// asks returns the error of a file where nothing is asked for any more.
func (s *sentFS) asks() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp {
		return errGaveUp
	}
	return nil
}

// follows reports whether a problem is one of a file that was not sent, or may be one of what follows from such a file; once nothing is asked for any more, all may. Objects, packs and the indexes of records are leaves: nothing follows from them
// that is not told of the changesets that cannot be read; and of objects and packs their names tell what they must have.
func (s *sentFS) follows(p replica.Problem) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, unsent := s.unsent[p.Path]; unsent || s.gaveUp {
		return true
	}
	if p.Harmless || isObject(p.Path) {
		return false
	}
	for name := range s.unsent {
		if !isObject(name) && !strings.HasPrefix(inLog(name), changeset.RecordsDir+"/") {
			return true
		}
	}
	return false
}

// tell reports the files that were not sent, in the directory of a database.
func (s *sentFS) tell(dir string, report func(replica.Problem)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.unsent)) {
		reason := s.unsent[name]
		var fetch *fs.PathError
		if errors.As(reason, &fetch) { // the path in it is the URL of the file, which is said anyway
			reason = fetch.Err
		}
		report(unsent(path.Join(dir, name), reason))
	}
	if s.gaveUp {
		report(unsent(cmp.Or(dir, "."), errors.New("the server did not send so many files that it was not asked for the rest")))
	}
}

func (s *sentFS) Open(name string) (afero.File, error) {
	if err := s.asks(); err != nil {
		return nil, err
	}
	f, err := s.Fs.Open(name)
	if err != nil {
		return nil, s.note(name, err)
	}
	return &sentFile{f, s, name}, nil
}

func (s *sentFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if err := s.asks(); err != nil {
		return nil, err
	}
	f, err := s.Fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, s.note(name, err)
	}
	return &sentFile{f, s, name}, nil
}

func (s *sentFS) Stat(name string) (os.FileInfo, error) {
	if err := s.asks(); err != nil {
		return nil, err
	}
	info, err := s.Fs.Stat(name)
	return info, s.note(name, err)
}

// sentFile is an open file of a sentFS.
type sentFile struct {
	afero.File
	s    *sentFS
	name string
}

func (f *sentFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.s.note(f.name, err)
}

func (f *sentFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	return n, f.s.note(f.name, err)
}

func (f *sentFile) Seek(offset int64, whence int) (int64, error) {
	at, err := f.File.Seek(offset, whence)
	return at, f.s.note(f.name, err)
}

func (f *sentFile) Stat() (os.FileInfo, error) {
	info, err := f.File.Stat()
	return info, f.s.note(f.name, err)
}
