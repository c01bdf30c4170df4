package wire

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/minio/sha256-simd"

	"prophet/changeset"
)

// Bounds of a frame. One row alone may be as large as a changeset may.
const (
	frameJSON = 4 << 20 // bytes of the changesets of several rows
	frameRows = 1 << 15
	maxValues = 1 << 16 // columns of values
	moreBytes = 2 << 20 // that the content, or what is sent, may have beyond the changesets
)

// section says what a frame is, as the directory of its pack has it.
type section struct {
	rows    uint32
	json    uint32 // bytes of its changesets
	content uint32 // bytes before they are compressed
	packed  uint32 // bytes as they are sent
	sum     [32]byte
}

func sumOfFrame(packed []byte) [32]byte { return sha256.Sum256(packed) }

// check holds the sizes against the bounds.
func (s section) check() error {
	switch {
	case s.rows == 0 || s.rows > frameRows:
		return fmt.Errorf("a frame of %d rows, not of 1 to %d", s.rows, frameRows)
	case s.rows > 1 && s.json > frameJSON || s.json > changeset.MaxFile:
		return fmt.Errorf("a frame with %d bytes in %d rows", s.json, s.rows)
	case s.content > s.json+moreBytes || s.packed > s.json+moreBytes:
		return fmt.Errorf("a frame of %d bytes, sent as %d, for %d bytes of changesets", s.content, s.packed, s.json)
	}
	return nil
}

// compressor is made when it is first needed, and safe for concurrent use.
var compressor = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
})

func compress(b []byte) ([]byte, error) {
	z, err := compressor()
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(b, nil), nil
}

// decompress undoes compress. The result has no more than so many bytes. Each time it is by a decompressor of its own: one that stays keeps what came out of it last, the megabytes of a frame.
func decompress(packed []byte, most int) ([]byte, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(changeset.MaxFile+moreBytes))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.DecodeAll(packed, make([]byte, 0, most))
}

// expand undoes compress. The result has so many bytes, or it is an error.
func expand(packed []byte, size int) ([]byte, error) {
	b, err := decompress(packed, size)
	if err == nil && len(b) != size {
		err = fmt.Errorf("%d bytes, want %d", len(b), size)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress it: %w", err)
	}
	return b, nil
}

// seal makes a frame of entries that follow one another, and makes sure that they come out of it as they are.
func seal(entries []Entry) (packed []byte, s section, err error) {
	for _, asTheyAre := range []bool{false, true} {
		e := newEncoder(asTheyAre)
		for _, it := range entries {
			e.add(it)
		}
		if len(e.values) > maxValues {
			continue
		}
		content := e.content()
		if !comesOut(content, entries, e.json) {
			continue
		}
		if packed, err = compress(content); err != nil {
			return nil, s, err
		}
		s = section{uint32(len(entries)), uint32(e.json), uint32(len(content)), uint32(len(packed)), sumOfFrame(packed)}
		return packed, s, s.check()
	}
	return nil, s, errors.New("rows from a log do not come out of a frame as they are: their changesets are not those that they name")
}

// comesOut reports whether the content of a frame gives these entries.
func comesOut(content []byte, entries []Entry, json int) bool {
	f, err := decodeFrame(content, entries[0].Row.Seq, len(entries), json)
	if err != nil {
		return false
	}
	for i, it := range entries {
		if f.Rows[i] != it.Row || !bytes.Equal(f.Raw(i), it.Raw) {
			return false
		}
	}
	return true
}

// unseal reads a frame whose first row has that number.
func unseal(packed []byte, first uint32, s section) (*Frame, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if len(packed) != int(s.packed) || sumOfFrame(packed) != s.sum {
		return nil, errors.New("its SHA-256 is another one than its directory says")
	}
	content, err := expand(packed, int(s.content))
	if err != nil {
		return nil, err
	}
	f, err := decodeFrame(content, first, int(s.rows), int(s.json))
	if err == nil {
		f.packed, f.section = bytes.Clone(packed), s // what was fetched with it need not stay
	}
	return f, err
}
