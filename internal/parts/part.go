package parts

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// Part reads a part. What it returns of the files is shared: nobody may change it. It is safe for concurrent use.
type Part struct {
	Ref
	fs                  afero.Fs
	packName, tableName string // of its files in the file system
	cache               *Cache

	mu    sync.Mutex
	table *table // nil until it is first asked for
}

// Open returns the part of the log whose directory in the file system that is. It reads nothing yet.
func Open(fs afero.Fs, dir string, ref Ref, cache *Cache) *Part {
	return &Part{Ref: ref, fs: fs, packName: path.Join(dir, ref.PackFile()), tableName: path.Join(dir, ref.TableFile()), cache: cache}
}

// open reads the header of the table.
func (p *Part) open() (*table, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.table != nil {
		return p.table, nil
	}
	t, err := openTable(p.fs, p.tableName, p.Ref, p.cache)
	if err != nil {
		return nil, err
	}
	if t.first != p.First || uint64(t.first)+uint64(t.rows) <= uint64(p.Last) || t.pack != p.Pack {
		return nil, damaged(t.name, "it is of rows %d to %d of a pack %s, the list names it for rows %d to %d", t.first, t.first+t.rows-1, t.pack, p.First, p.Last)
	}
	p.table = t
	return t, nil
}

// ByTable opens the part of a pack by its table alone, which says of which rows it is.
func ByTable(fs afero.Fs, dir string, pack Sum) (*Part, error) {
	p := Open(fs, dir, Ref{Pack: pack}, new(Cache))
	t, err := openTable(fs, p.tableName, p.Ref, p.cache)
	if err != nil {
		return nil, err
	}
	if t.pack != pack {
		return nil, damaged(t.name, "it is of a pack %s", t.pack)
	}
	p.First, p.Last, p.table = t.first, t.first+t.rows-1, t
	return p, nil
}

// Names reports whether the table has a changeset in a row, by the first eight bytes of its SHA-1.
func (p *Part) Names(row uint32, key [20]byte) (bool, error) {
	t, err := p.open()
	if err != nil {
		return false, err
	}
	rows, err := t.rowsOfKey(key)
	return slices.Contains(rows, row-p.First), err
}

// Changeset returns the bytes of the changeset of a row of the log, First to Last. They are not held against any SHA-1.
func (p *Part) Changeset(row uint32) ([]byte, error) {
	object, _, err := p.row(row)
	return object, err
}

// Text returns a version that the row made, if the pack has it as such; nil if it does not.
func (p *Part) Text(row uint32, key [20]byte) ([]byte, error) {
	_, texts, err := p.row(row)
	for err == nil && len(texts) > 0 {
		var begins [4]byte
		var text []byte
		if begins, text, texts, err = cutText(texts); err == nil && begins == [4]byte(key[:4]) && sha1.Sum(text) == key {
			return text, nil
		}
	}
	return nil, p.packError(err)
}

// Find returns the row whose changeset has the key; ok is false if there is none.
func (p *Part) Find(key [20]byte) (row uint32, ok bool, err error) {
	t, err := p.open()
	if err != nil {
		return 0, false, err
	}
	rows, err := t.rowsOfKey(key)
	if err != nil {
		return 0, false, err
	}
	for _, row := range rows {
		if row = p.First + row; row < p.First || row > p.Last {
			continue
		}
		object, err := p.Changeset(row)
		if err != nil || sha1.Sum(object) == key {
			return row, err == nil, err
		}
	}
	return 0, false, nil
}

// row returns the changeset of a row, and the texts behind it.
func (p *Part) row(row uint32) (object, texts []byte, err error) {
	if row < p.First || row > p.Last {
		return nil, nil, fmt.Errorf("read row %d of %s: it has rows %d to %d", row, p.packName, p.First, p.Last)
	}
	t, err := p.open()
	if err != nil {
		return nil, nil, err
	}
	f, err := t.frameOf(row - p.First)
	if err != nil {
		return nil, nil, err
	}
	b, err := p.frame(f)
	for at := f.first; err == nil; at++ {
		if object, texts, b, err = cutRow(b); err == nil && at == row-p.First {
			return object, texts, nil
		}
	}
	return nil, nil, p.packError(err)
}

// packError says which pack does not hold what it must.
func (p *Part) packError(err error) error {
	if errors.Is(err, errFrame) {
		return &DamageError{p.packName, err}
	}
	return err
}

// errFrame is wrapped by what is wrong with a frame.
var errFrame = errors.New("not a frame of a pack")

// frame reads and decompresses a frame.
func (p *Part) frame(f frame) ([]byte, error) {
	id := cacheKey{p.Pack, p.Table, true, f.number}
	if raw := p.cache.get(id); raw != nil {
		return raw, nil
	}
	b, err := readAt(p.fs, p.packName, f.begin, f.end-f.begin)
	if err != nil {
		return nil, err
	}
	raw, err := p.unpack(nil, f, b)
	if err == nil {
		p.cache.put(id, raw)
	}
	return raw, err
}

// unpack decompresses a frame that was read, into room that is not needed anymore, if that is enough.
func (p *Part) unpack(room []byte, f frame, b []byte) ([]byte, error) {
	_, raw, err := decodeFrameInto(room, b)
	if err != nil {
		return nil, &DamageError{p.packName, fmt.Errorf("at byte %d: %w", f.begin, err)}
	}
	return raw, nil
}

// decoder decompresses frames. Those are one piece each, and no longer than the memory that is set aside for them.
var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxFrame))
})

// parseFrameHead reads and checks the head of a frame: how many rows it has, its length before compression, and how many bytes are stored behind the head.
func parseFrameHead(head []byte) (rows, raw, stored uint32, err error) {
	rows, raw, stored = binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:])
	if rows == 0 || raw > maxFrame || stored > maxFrame || uint64(rows)*8 > uint64(raw) {
		return 0, 0, 0, fmt.Errorf("%w: %d rows, %d bytes, %d stored", errFrame, rows, raw, stored)
	}
	return rows, raw, stored, nil
}

// decodeFrame checks a frame with its head, and decompresses it.
func decodeFrame(b []byte) (rows uint32, raw []byte, err error) { return decodeFrameInto(nil, b) }

// decodeFrameInto is decodeFrame, into room that is not needed anymore, if that is enough.
func decodeFrameInto(room, b []byte) (rows uint32, raw []byte, err error) {
	if len(b) < frameHead {
		return 0, nil, fmt.Errorf("%w: %d bytes", errFrame, len(b))
	}
	rows, size, stored, err := parseFrameHead(b)
	if err != nil {
		return 0, nil, err
	}
	if int64(stored) != int64(len(b)-frameHead) || binary.BigEndian.Uint32(b[12:]) != frameSum(b) {
		return 0, nil, fmt.Errorf("%w: it does not have the checksum that it bears", errFrame)
	}
	dec, err := decoder()
	if err != nil {
		return 0, nil, err
	}
	raw, err = dec.DecodeAll(b[frameHead:], slices.Grow(room[:0], int(size)))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	if len(raw) != int(size) {
		return 0, nil, fmt.Errorf("%w: %d bytes come out of it, its head says %d", errFrame, len(raw), size)
	}
	return rows, raw, nil
}

// cutBytes cuts a length and so many bytes off the beginning.
func cutBytes(b []byte) (cut, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("%w: it ends early", errFrame)
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: it ends early", errFrame)
	}
	return b[:n:n], b[n:], nil
}

// cutText cuts a text off the beginning, which stands behind the first bytes of its SHA-1.
func cutText(b []byte) (begins [4]byte, text, rest []byte, err error) {
	if len(b) < 4 {
		return begins, nil, nil, fmt.Errorf("%w: it ends early", errFrame)
	}
	text, rest, err = cutBytes(b[4:])
	return [4]byte(b), text, rest, err
}

// cutRow cuts a row off the beginning of a frame: the changeset, and the texts.
func cutRow(b []byte) (object, texts, rest []byte, err error) {
	if object, rest, err = cutBytes(b); err != nil {
		return nil, nil, nil, err
	}
	if len(rest) < 4 {
		return nil, nil, nil, fmt.Errorf("%w: it ends early", errFrame)
	}
	n := binary.BigEndian.Uint32(rest)
	texts = rest[4:]
	rest = texts
	for ; n > 0; n-- {
		if _, _, rest, err = cutText(rest); err != nil {
			return nil, nil, nil, err
		}
	}
	return object, texts[:len(texts)-len(rest)], rest, nil
}

// Types returns the types of the records that it touches, sorted.
func (p *Part) Types() (types []string, err error) {
	t, err := p.open()
	if err != nil {
		return nil, err
	}
	for i := range t.types {
		name, _, _, err := t.typeAtPlace(i)
		if err != nil {
			return nil, err
		}
		types = append(types, name)
	}
	return types, nil
}

// Records yields the UUIDs of the records of a type that it touches, in their order, from one on.
func (p *Part) Records(typ string, begin uuid.UUID) iter.Seq2[uuid.UUID, error] {
	return func(yield func(uuid.UUID, error) bool) {
		fail := func(err error) { yield(uuid.UUID{}, err) }
		t, err := p.open()
		if err != nil {
			fail(err)
			return
		}
		at, to, err := t.recordsOf(typ)
		if err == nil {
			at, err = t.recordFrom(at, to, begin)
		}
		if err != nil {
			fail(err)
			return
		}
		for ; at < to; at++ {
			touches, id, err := p.touches(t, at)
			if err != nil {
				fail(err)
				return
			}
			if touches.Len() > 0 && !yield(id, nil) {
				return
			}
		}
	}
}

// Touches are the versions that a part has of a record: the rows of format 1's index of it.
type Touches struct {
	part  *Part
	table *table
	at, n uint32
}

// Len is how many there are.
func (t Touches) Len() int { return int(t.n) }

// At returns one of them, from 0, and whether the pack has its text.
func (t Touches) At(i int) (v changeset.Version, text bool, err error) {
	e, err := t.table.entry(t.table.touchAt, t.at+uint32(i))
	if err != nil {
		return v, false, err
	}
	row := binary.BigEndian.Uint32(e)
	v = changeset.Version{Seq: t.part.First + row&^hasText, Key: [20]byte(e[4:])}
	if v.Seq < t.part.First || row&^hasText >= t.table.rows {
		return v, false, damaged(t.table.name, "touch %d is of row %d of %d", t.at+uint32(i), row&^hasText, t.table.rows)
	}
	return v, row&hasText != 0, nil
}

// Touches returns what the part did to a record; it is empty if that is nothing.
func (p *Part) Touches(rec changeset.RecordID) (Touches, error) {
	t, err := p.open()
	if err != nil {
		return Touches{}, err
	}
	if t.lacks(rec.UUID) {
		return Touches{}, nil
	}
	from, to, err := t.recordsOf(rec.Type)
	if err != nil {
		return Touches{}, err
	}
	at, err := t.recordFrom(from, to, rec.UUID)
	if err != nil || at == to {
		return Touches{}, err
	}
	touches, id, err := p.touches(t, at)
	if id != rec.UUID {
		return Touches{}, err
	}
	return touches, err
}

// touches returns those of a record that count: not of rows after the last.
func (p *Part) touches(t *table, record uint32) (Touches, uuid.UUID, error) {
	id, from, to, err := t.touchesOf(record)
	if err != nil {
		return Touches{}, id, err
	}
	if last := p.Last - p.First; last+1 < t.rows {
		to, err = t.search(t.touchAt, from, to, func(e []byte) bool { return binary.BigEndian.Uint32(e)&^hasText > last })
	}
	return Touches{p, t, from, to - from}, id, err
}
