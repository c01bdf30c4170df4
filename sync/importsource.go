package sync

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/afero"
)

const (
	maxLine   = 32 << 20  // bytes of a line of a source
	maxWindow = 128 << 20 // bytes that a zstd file may have us keep, as the zstd tool has it
)

// Source is JSON Lines to import, plain or compressed with gzip or zstd, which is told by the first bytes and not by a name.
type Source struct {
	where  string
	file   io.ReadSeeker
	start  int64 // offset of its first byte
	size   int64 // bytes from there
	remove func() error
}

// NewSource returns the source that r reads; where names it in messages. An import reads it twice: if r cannot seek, as a pipe cannot, all of it is
// copied to a temporary file in a directory of temp first ("" is the system's own). Close removes that; it does not close r.
func NewSource(where string, r io.Reader, temp afero.Fs, dir string) (*Source, error) {
	s := &Source{where: where, remove: func() error { return nil }}
	if f, ok := r.(io.ReadSeeker); ok && s.measure(f) == nil {
		return s, nil
	}
	if err := s.spool(r, temp, dir); err != nil {
		return nil, fmt.Errorf("read %s: %w", where, err)
	}
	return s, nil
}

// measure takes f as the file, if it can seek.
func (s *Source) measure(f io.ReadSeeker) (err error) {
	if s.start, err = f.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	s.file, s.size = f, end-s.start
	_, err = f.Seek(s.start, io.SeekStart)
	return err
}

// spool copies r to a temporary file.
func (s *Source) spool(r io.Reader, temp afero.Fs, dir string) error {
	f, err := afero.TempFile(temp, dir, "prophet-import-")
	if err != nil {
		return err
	}
	s.remove = func() error { return errors.Join(f.Close(), temp.Remove(f.Name())) }
	if _, err = io.Copy(f, r); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = s.measure(f)
	}
	if err != nil {
		return errors.Join(err, s.remove())
	}
	return nil
}

// Close removes the temporary copy of the source, if there is one.
func (s *Source) Close() error { return s.remove() }

// SourceName is the name that a source has if it is given none: the last element of its path without .gz or .zst and
// then without .jsonl.
func SourceName(file string) string {
	name := path.Base(filepath.ToSlash(file))
	for _, ext := range []string{".gz", ".zst"} {
		if base := strings.TrimSuffix(name, ext); base != name {
			name = base
			break
		}
	}
	return strings.TrimSuffix(name, ".jsonl")
}

// lineReader reads the lines of a source, unpacked.
type lineReader struct {
	raw   *countingReader
	text  *bufio.Reader
	close func()
	no    uint32 // of the last line
	buf   []byte
}

// open reads the source from its beginning.
func (s *Source) open() (*lineReader, error) {
	if _, err := s.file.Seek(s.start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.where, err)
	}
	l := &lineReader{raw: &countingReader{r: s.file}, close: func() {}}
	packed := bufio.NewReaderSize(l.raw, 1<<16)
	magic, err := packed.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", s.where, err)
	}
	l.text = packed
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		err = l.gunzip(packed)
	case isZstd(magic):
		err = l.unzstd(packed)
	default:
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.where, endsEarly(err, 1))
	}
	return l, l.skipBOM(s.where)
}

func (l *lineReader) gunzip(packed io.Reader) error {
	z, err := gzip.NewReader(packed)
	l.text = bufio.NewReaderSize(z, 1<<16)
	return err
}

// isZstd reports whether a file that begins so is zstd: a frame, or a frame to be skipped.
func isZstd(magic []byte) bool {
	return bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})
}

func (l *lineReader) unzstd(packed io.Reader) error {
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	l.close = z.Close
	l.text = bufio.NewReaderSize(z, 1<<16)
	return nil
}

func (l *lineReader) skipBOM(where string) error {
	b, err := l.text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", where, endsEarly(err, 1))
	}
	if bytes.Equal(b, []byte("\ufeff")) {
		_, err = l.text.Discard(len(b))
		return err
	}
	return nil
}

// ErrEndsEarly is wrapped by the error of a compressed source that ends before its content does. Nothing was changed.
var ErrEndsEarly = errors.New("the file was cut off")

// endsEarly says of an error of reading a line that the compressed file ends before its content does, if that is so.
func endsEarly(err error, line uint32) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends early, in line %d: %w", line, ErrEndsEarly)
	}
	return err
}

// next returns the next line without its line feed; it is valid until the next call. At the end of the source the error is io.EOF itself.
// The number of the line is l.no, also if it cannot be read.
func (l *lineReader) next() ([]byte, error) {
	if l.no++; l.no == math.MaxUint32 {
		return nil, errors.New("a source has fewer lines")
	}
	l.buf = l.buf[:0]
	for {
		part, err := l.text.ReadSlice('\n')
		switch {
		case len(l.buf)+len(part) > maxLine:
			return nil, fmt.Errorf("it is longer than %d bytes", maxLine)
		case err == nil && len(l.buf) == 0:
			return bytes.TrimSuffix(part, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull):
			l.buf = append(l.buf, part...)
		case err == nil, errors.Is(err, io.EOF) && len(l.buf)+len(part) > 0:
			l.buf = append(l.buf, part...)
			return bytes.TrimSuffix(l.buf, []byte("\n")), nil
		default:
			return nil, err
		}
	}
}

// countingReader counts the bytes that were read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
