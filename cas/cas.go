// Package cas is a content-addressed store: objects that are named by the SHA-1 of their bytes.
//
// An object is a file that never changes. The store in the directory "cas/changesets" of a replica
// keeps the object with the key 77cf05a4d9ee1a1b94b0a1ffc9c0a5ab1dbb7a34 in
//
//	cas/changesets/7/7/77cf05a4d9ee1a1b94b0a1ffc9c0a5ab1dbb7a34
//
// that is, under the first two digits of its key, in lower-case hex. A key says what
// the bytes must be, so reading verifies: [Store.Get] returns the bytes that the key names, or an error, never other bytes.
//
// SHA-1 is what replica format 1 names things with. It finds damage; it does not prove who wrote what.
//
// Writing goes through a [durable.Tx]: an object is on the disk when the transaction is committed.
// Storing the same bytes twice is free, and storing them again mends a damaged object.
package cas

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"
	"strings"
	"sync"

	"github.com/spf13/afero"

	"prophet/internal/durable"
)

// MaxSize is the size in bytes of the largest object that Get returns.
const MaxSize = 64 << 20

// Key is the SHA-1 of an object. The zero Key names no object.
type Key [sha1.Size]byte

// Sum returns the key of the object b.
func Sum(b []byte) Key { return sha1.Sum(b) }

// String returns the key in lower-case hex, 40 digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// IsZero reports whether k is the zero Key, which in a record index stands for a deleted record.
func (k Key) IsZero() bool { return k == Key{} }

// ParseKey reads what [Key.String] writes, and nothing else.
func ParseKey(s string) (Key, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != sha1.Size || strings.ToLower(s) != s {
		return Key{}, fmt.Errorf("key %.50q: want 40 digits of lower-case hex", s)
	}
	return Key(b), nil
}

// CorruptError says that an object's bytes are not what its name says.
type CorruptError struct {
	Path      string // in the store's file system
	Want, Got Key
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged: its SHA-1 is %s", e.Path, e.Got)
}

// LargeError says that an object has more bytes than [MaxSize], and was not read.
type LargeError struct {
	Path string // in the store's file system
}

func (e *LargeError) Error() string {
	return fmt.Sprintf("object %s: larger than %d bytes", e.Path, MaxSize)
}

// MissingError says that there is no object with that name. It wraps the error of the file system, and so [io/fs.ErrNotExist].
type MissingError struct {
	Path string // in the store's file system
	Err  error
}

func (e *MissingError) Error() string { return fmt.Sprintf("object %s: %v", e.Path, e.Err) }

// Unwrap returns the error of the file system.
func (e *MissingError) Unwrap() error { return e.Err }

const (
	largeSize = 256 << 10 // bytes of an object that are read before it counts as large
	usualSize = 2 << 10   // bytes for which there is room from the start: most objects have fewer, and are read in one go
)

// Store is the objects in one directory of a file system. It keeps nothing in memory and may be shared.
type Store struct {
	fs     afero.Fs
	dir    string
	beside Source     // nil if there is none
	large  sync.Mutex // held while a large object is read and used
}

// Source has objects elsewhere than in files of their own.
type Source interface {
	// Object returns the bytes of an object; ok is false if it is not there. They may be shared: nobody changes them.
	Object(key Key) (b []byte, ok bool, err error)
}

// New returns the store in a directory, such as "cas/changesets", which need not exist yet.
func New(fs afero.Fs, dir string) *Store { return &Store{fs: fs, dir: path.Clean(dir)} }

// Beside has the store look for objects that it has no file of in another place too, and returns it. Walk passes over those.
func (s *Store) Beside(other Source) *Store {
	s.beside = other
	return s
}

// Path returns where the object is in the store's file system, slash-separated.
func (s *Store) Path(key Key) string {
	var room [128]byte // so that the path is all that is allocated
	digits := hex.AppendEncode(room[:0], key[:])
	b := append(digits, s.dir...)
	b = append(b, '/', digits[0], '/', digits[1], '/')
	b = append(b, digits...)
	return string(b[len(digits):])
}

// Get returns the bytes of an object after checking them. The error of a missing object is a [*MissingError],
// that of a damaged one is a [*CorruptError]; that of one above MaxSize a [*LargeError].
func (s *Store) Get(key Key) (b []byte, err error) {
	err = s.Use(key, func(object []byte) error {
		b = object
		return nil
	})
	return b, err
}

// Use is Get for many at a time, of objects that somebody may have made to fill the memory: it calls use with the bytes, and of large objects there is one at a time
// until use returns. use must not read another object of the store.
func (s *Store) Use(key Key, use func(b []byte) error) error {
	name := s.Path(key)
	f, err := s.fs.Open(name)
	if errors.Is(err, iofs.ErrNotExist) {
		return s.useBeside(key, err, use)
	}
	if err != nil {
		return fmt.Errorf("object %s: %w", name, err)
	}
	defer f.Close()
	begin := make([]byte, usualSize)
	n, err := f.Read(begin)
	if err == nil && n < usualSize && Sum(begin[:n]) == key {
		return use(begin[:n]) // its name says that this is all of it: there is no end to read
	}
	small := bytes.NewBuffer(begin[:n])
	if err == nil || err == io.EOF {
		_, err = small.ReadFrom(io.LimitReader(f, int64(largeSize-n)))
	}
	b := small.Bytes()
	if err == nil && len(b) == largeSize {
		s.large.Lock()
		defer s.large.Unlock()
		b, err = readRest(f, b)
	}
	if err != nil {
		return fmt.Errorf("object %s: %w", name, err)
	}
	if len(b) > MaxSize {
		return &LargeError{name}
	}
	if got := Sum(b); got != key {
		return &CorruptError{Path: name, Want: key, Got: got}
	}
	return use(b)
}

// useBeside is Use for an object that has no file, as the error says.
func (s *Store) useBeside(key Key, missing error, use func(b []byte) error) error {
	b, err := s.fromBeside(key)
	switch {
	case err != nil:
		return fmt.Errorf("object %s: %w", s.Path(key), err)
	case b == nil:
		return &MissingError{Path: s.Path(key), Err: missing}
	}
	return use(b)
}

// fromBeside returns an object that is elsewhere, nil if it is not.
func (s *Store) fromBeside(key Key) ([]byte, error) {
	if s.beside == nil {
		return nil, nil
	}
	b, ok, err := s.beside.Object(key)
	if !ok || err != nil || Sum(b) != key {
		return nil, err
	}
	return b, nil
}

// readRest reads the rest of a file that begins with b, one byte more than MaxSize at most, without a second copy of it.
func readRest(f afero.File, b []byte) ([]byte, error) {
	room := int64(bytes.MinRead)
	if info, err := f.Stat(); err == nil {
		room += max(0, min(info.Size(), MaxSize)-int64(len(b)))
	}
	rest := bytes.NewBuffer(append(make([]byte, 0, int64(len(b))+room), b...))
	_, err := rest.ReadFrom(io.LimitReader(f, MaxSize+1-int64(len(b))))
	return rest.Bytes(), err
}

// Has reports whether there is an object with the key, without looking at its bytes.
func (s *Store) Has(key Key) (bool, error) {
	_, err := s.fs.Stat(s.Path(key))
	if errors.Is(err, iofs.ErrNotExist) {
		b, err := s.fromBeside(key)
		return b != nil, err
	}
	if err != nil {
		return false, fmt.Errorf("object %s: %w", s.Path(key), err)
	}
	return true, nil
}

// Put adds the object b to a transaction over the same file system, and returns its key. b must
// not change until the transaction is committed; from then on it survives a power cut.
func (s *Store) Put(tx *durable.Tx, b []byte) Key {
	key := Sum(b)
	tx.Put(s.Path(key), b)
	return key
}
