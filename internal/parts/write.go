package parts

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/minio/sha256-simd"

	"prophet/changeset"
)

const (
	packHead  = "prophet pack 1\n\n" // then the first row and a checksum
	packBegin = len(packHead) + 8    // bytes before the first frame
	tableHead = "prophet table 1\n"

	frameHead = 16       // bytes before what is stored of a frame
	frameSize = 64 << 10 // bytes after which a frame is closed
	maxObject = 64 << 20 // bytes of a changeset
	maxTexts  = 1 << 20  // bytes of the texts of a row
	maxFrame  = frameSize + maxObject + maxTexts + 1<<20

	frameEntry, keyEntry, typeEntry, recordEntry, touchEntry = 12, 12, 8, 20, changeset.VersionSize

	hasText = 1 << 31 // in the row of a touch
	maxRows = hasText // of a part
)

// Touch is what a changeset made of a record.
type Touch struct {
	Record changeset.RecordID
	Key    [20]byte // SHA-1 of the version; zero: deleted
	Text   []byte   // the version, where it is to be kept; nil otherwise
}

// Writer writes a part. It holds some 60 bytes a touch in memory, and of the changesets no more than a frame.
type Writer struct {
	out     io.Writer
	sum     hash.Hash
	size    int64
	first   uint32
	rows    uint32
	raw     []byte // the frame that was begun
	begun   uint32 // its first row
	frames  []byte // entries of the table
	keys    [][keyEntry]byte
	types   map[string]uint32
	touches []touch
	err     error
}

// touch is an entry of the table to be.
type touch struct {
	id  [16]byte
	key [20]byte
	typ uint32 // as types has it
	row uint32
}

// encoders are compressors, whose memory is used again.
var encoders = sync.Pool{New: func() any {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constants
	}
	return enc
}}

// NewWriter begins a part whose first row has that number in the log, from 1. The pack is written to out, as it grows.
func NewWriter(out io.Writer, first uint32) *Writer {
	w := &Writer{out: out, sum: sha256.New(), first: first, types: map[string]uint32{}}
	w.write(appendPackHead(nil, first))
	return w
}

// appendPackHead appends what a pack begins with.
func appendPackHead(b []byte, first uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte(packHead), first)
	return append(b, binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))...)
}

// readPackHead reads what a pack begins with, and returns its first row.
func readPackHead(r io.Reader) (first uint32, err error) {
	head := make([]byte, packBegin)
	if _, err := io.ReadFull(r, head); err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	first = binary.BigEndian.Uint32(head[len(packHead):])
	if first == 0 || !bytes.Equal(head, appendPackHead(nil, first)) {
		return 0, fmt.Errorf("%w: it does not begin as one", errFrame)
	}
	return first, nil
}

// Add adds the next row: the bytes of its changeset, and what it made of the records. It keeps neither. Texts beyond 1 MiB are left out.
func (w *Writer) Add(object []byte, touches []Touch) error {
	switch {
	case w.err != nil:
		return w.err
	case len(object) > maxObject:
		return fmt.Errorf("pack a changeset: it has %d bytes, more than %d", len(object), maxObject)
	case w.rows == maxRows || uint64(w.first)+uint64(w.rows) > 1<<32-1 || len(w.touches)+len(touches) > 1<<31-1:
		return errors.New("pack a changeset: the part is full")
	}
	w.addKey(sha1.Sum(object))
	kept := make([]Touch, 0, len(touches))
	size := 0
	for _, t := range touches {
		row := w.rows
		if t.Text != nil && size+len(t.Text) <= maxTexts {
			kept = append(kept, t)
			row |= hasText
			size += len(t.Text)
		}
		w.touches = append(w.touches, touch{t.Record.UUID, t.Key, w.typ(t.Record.Type), row})
	}
	w.appendRow(object, kept)
	if w.rows++; len(w.raw) >= frameSize {
		w.endFrame()
	}
	return w.err
}

// appendRow appends a row to the frame that was begun.
func (w *Writer) appendRow(object []byte, texts []Touch) {
	w.raw = append(binary.BigEndian.AppendUint32(w.raw, uint32(len(object))), object...)
	w.raw = binary.BigEndian.AppendUint32(w.raw, uint32(len(texts)))
	for _, t := range texts {
		w.raw = append(binary.BigEndian.AppendUint32(append(w.raw, t.Key[:4]...), uint32(len(t.Text))), t.Text...)
	}
}

// addKey adds the next row to the keys.
func (w *Writer) addKey(key [20]byte) {
	w.keys = append(w.keys, [keyEntry]byte(binary.BigEndian.AppendUint32(key[:8:8], w.rows)))
}

// typ gives a type a number.
func (w *Writer) typ(name string) uint32 {
	n, known := w.types[name]
	if !known {
		n = uint32(len(w.types))
		w.types[name] = n
	}
	return n
}

// endFrame compresses the frame that was begun, and writes it.
func (w *Writer) endFrame() {
	if len(w.raw) == 0 {
		return
	}
	enc := encoders.Get().(*zstd.Encoder)
	b := make([]byte, frameHead, frameHead+len(w.raw)/2)
	b = enc.EncodeAll(w.raw, b)
	encoders.Put(enc)
	binary.BigEndian.PutUint32(b, w.rows-w.begun)
	binary.BigEndian.PutUint32(b[4:], uint32(len(w.raw)))
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-frameHead))
	binary.BigEndian.PutUint32(b[12:], frameSum(b))
	w.addFrame(b)
	w.raw = w.raw[:0]
}

// addFrame writes a frame, which ends with the last row that was added.
func (w *Writer) addFrame(b []byte) {
	w.frames = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(w.frames, w.begun), uint64(w.size))
	w.write(b)
	w.begun = w.rows
}

// frameSum is the checksum of a frame with its head, of which the last four bytes do not count.
func frameSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[frameHead:])
}

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	w.sum.Write(b)
	w.size += int64(len(b))
	_, w.err = w.out.Write(b)
}

// Close ends the pack, writes the table, and returns what names the part. There must be a row.
func (w *Writer) Close(table io.Writer) (Ref, error) {
	return w.close(table, w.contents)
}

// close is Close, with what the table has of the records, which is asked for once the pack is whole.
func (w *Writer) close(table io.Writer, of func() (contents, error)) (Ref, error) {
	w.endFrame()
	if w.rows == 0 {
		w.err = cmp.Or(w.err, errors.New("a part without rows"))
	}
	if w.err != nil {
		return Ref{}, w.err
	}
	c, err := of()
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{First: w.first, Last: w.first + w.rows - 1, Pack: Sum(w.sum.Sum(nil))}
	sum := sha256.New()
	p := newPageWriter(io.MultiWriter(table, sum))
	if err := w.writeTable(p, ref.Pack, c); err != nil {
		return Ref{}, err
	}
	ref.Table = Sum(sum.Sum(nil))
	return ref, nil
}

// contents is what a table has of the records that the part touches.
type contents struct {
	types            []byte   // the entries
	names            []string // of the types
	records, touches uint32   // how many
	eachRecord       func(entry func([]byte)) error
	eachTouch        func(entry func([]byte)) error
}

// writeTable writes the header and the arrays.
func (w *Writer) writeTable(p *pageWriter, pack Sum, c contents) error {
	size := 0
	for _, name := range c.names {
		size += len(name)
	}
	h := header{first: w.first, rows: w.rows, frames: uint32(len(w.frames) / frameEntry), types: uint32(len(c.types) / typeEntry), records: c.records,
		touches: c.touches, names: uint32(size), packSize: uint64(w.size), pack: pack}
	p.write(h.encode())
	p.endPage()
	p.write(w.frames)
	slices.SortFunc(w.keys, func(a, b [keyEntry]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, key := range w.keys {
		p.write(key[:])
	}
	p.write(c.types)
	if err := cmp.Or(c.eachRecord(p.write), c.eachTouch(p.write)); err != nil {
		return err
	}
	for _, name := range c.names {
		p.write([]byte(name))
	}
	p.endPage()
	return p.err
}

// contents returns what was added.
func (w *Writer) contents() (contents, error) {
	names := make([]string, len(w.types))
	for name, n := range w.types {
		names[n] = name
	}
	w.sortTouches(names)
	slices.Sort(names)
	var records []byte
	c := contents{names: names, touches: uint32(len(w.touches))}
	size := 0
	for i, t := range w.touches {
		newType := i == 0 || w.touches[i-1].typ != t.typ
		if newType {
			size += len(names[t.typ])
			c.types = appendType(c.types, size, c.records)
		}
		if newType || w.touches[i-1].id != t.id {
			records = appendRecord(records, t.id, uint32(i))
			c.records++
		}
	}
	c.eachRecord = func(entry func([]byte)) error {
		entry(records)
		return nil
	}
	c.eachTouch = func(entry func([]byte)) error {
		for _, t := range w.touches {
			entry(appendTouch(make([]byte, 0, touchEntry), t.row, t.key))
		}
		return nil
	}
	return c, nil
}

// appendType appends the entry of a type, whose name ends there among the names.
func appendType(b []byte, nameEnd int, firstRecord uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(nameEnd)), firstRecord)
}

func appendRecord(b []byte, id [16]byte, firstTouch uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, id[:]...), firstTouch)
}

func appendTouch(b []byte, row uint32, key [20]byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, row), key[:]...)
}

// sortTouches brings the touches into the order of the table, and gives the types the numbers that they have there.
func (w *Writer) sortTouches(names []string) {
	order := make([]uint32, len(names)) // the place of each type among the sorted ones
	sorted := slices.Sorted(slices.Values(names))
	for n, name := range names {
		at, _ := slices.BinarySearch(sorted, name)
		order[n] = uint32(at)
	}
	for i := range w.touches {
		w.touches[i].typ = order[w.touches[i].typ]
	}
	slices.SortStableFunc(w.touches, func(a, b touch) int {
		return cmp.Or(cmp.Compare(a.typ, b.typ), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.row&^hasText, b.row&^hasText))
	})
}
