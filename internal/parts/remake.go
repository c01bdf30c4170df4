package parts

import (
	"cmp"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"

	"prophet/changeset"
)

// RemakeTable writes the table of a pack, which it reads from its beginning to its end; touches returns what a row made of records, without texts. Which texts the pack has it
// says itself: one that no touch has is an error. The table is the bytes that were written with the pack. It holds some 60 bytes a touch in memory.
func RemakeTable(pack io.Reader, table io.Writer, touches func(row PackedRow) ([]Touch, error)) (Ref, error) {
	first, err := readPackHead(pack)
	if err != nil {
		return Ref{}, err
	}
	w := NewWriter(io.Discard, first)
	err = eachRow(pack, first, func(row PackedRow) error { return w.addTouches(row, touches) }, w.addFrame)
	if err != nil {
		return Ref{}, err
	}
	return w.Close(table)
}

// addTouches adds a row whose frame is written as it is.
func (w *Writer) addTouches(row PackedRow, of func(row PackedRow) ([]Touch, error)) error {
	touches, err := of(row)
	if err != nil {
		return err
	}
	w.addKey(sha1.Sum(row.Changeset))
	texts := map[[20]byte]int{}
	for _, text := range row.Texts {
		texts[sha1.Sum(text)]++
	}
	for _, t := range touches {
		at := w.rows
		if texts[t.Key] > 0 {
			texts[t.Key]--
			at |= hasText
		}
		w.touches = append(w.touches, touch{t.Record.UUID, t.Key, w.typ(t.Record.Type), at})
	}
	for key, n := range texts {
		if n > 0 {
			return fmt.Errorf("row %d has a version %x, which it does not make", row.Seq, key)
		}
	}
	w.rows++
	return nil
}

// Salvage yields what can be read of a damaged pack of so many bytes: the rows of each frame that bears its checksum, wherever it begins. Their numbers are not
// known. It ends where the file cannot be read.
func Salvage(pack io.ReaderAt, size int64, use func(row PackedRow) error) error {
	head := make([]byte, frameHead)
	for at := int64(0); at+frameHead < size; {
		if n, err := pack.ReadAt(head, at); n < frameHead {
			return err
		}
		_, _, stored, err := parseFrameHead(head)
		if err != nil || at+frameHead+int64(stored) > size {
			at++
			continue
		}
		rows, raw, err := decodeFrame(readStored(pack, at, stored))
		if err != nil {
			at++
			continue
		}
		for ; err == nil && rows > 0; rows-- {
			var row PackedRow
			if row, raw, err = cutPacked(row, raw); err != nil {
				break
			}
			if err := use(row); err != nil {
				return err
			}
		}
		at += frameHead + int64(stored)
	}
	return nil
}

// Trim writes a damaged pack again up to the first frame that is damaged: its head, and the frames before that as they are. It returns the SHA-256 of what it wrote. The error is of reading or writing.
func Trim(pack io.Reader, out io.Writer) (Sum, error) {
	first, err := readPackHead(pack)
	if err != nil {
		return Sum{}, err
	}
	w := NewWriter(out, first)
	err = eachRow(pack, first, func(PackedRow) error { return nil }, w.addFrame)
	if errors.Is(err, errFrame) {
		err = nil
	}
	return Sum(w.sum.Sum(nil)), cmp.Or(err, w.err)
}

// readStored reads a frame with its head; what it cannot read is zeros, which have no checksum.
func readStored(pack io.ReaderAt, at int64, stored uint32) []byte {
	b := make([]byte, frameHead+int(stored))
	_, _ = pack.ReadAt(b, at)
	return b
}

// Refill writes the pack of a part anew, of which the table is whole: the frames that can be read as they are, the others from their rows, as row returns them, with the texts
// that the pack had. Where the rows are the same, so are the bytes, if this program wrote it. It returns the SHA-256 of what it wrote.
func (p *Part) Refill(out io.Writer, row func(seq uint32) (object []byte, texts []Touch, err error)) (Sum, error) {
	t, err := p.open()
	if err != nil {
		return Sum{}, err
	}
	w := NewWriter(out, t.first)
	for next := uint32(0); next < t.rows; {
		f, err := t.frameOf(next)
		if err != nil {
			return Sum{}, err
		}
		end := t.rows
		if f.number+1 < t.frames {
			after, err := t.entry(t.frameAt, f.number+1)
			if err != nil {
				return Sum{}, err
			}
			end = min(end, uint32(after[0])<<24|uint32(after[1])<<16|uint32(after[2])<<8|uint32(after[3]))
		}
		if f.first != next || end <= next {
			return Sum{}, damaged(t.name, "frame %d has rows %d to %d, and row %d is next", f.number, f.first, end, next)
		}
		stored, err := readAt(p.fs, p.packName, f.begin, f.end-f.begin)
		if err == nil {
			var rows uint32
			if rows, _, err = decodeFrame(stored); err == nil && rows == end-next {
				w.rows = end
				w.addFrame(stored)
				next = end
				continue
			}
		}
		for ; next < end; next++ {
			object, texts, err := row(t.first + next)
			if err != nil {
				return Sum{}, err
			}
			w.appendRow(object, texts)
			w.rows++
		}
		w.endFrame()
	}
	return Sum(w.sum.Sum(nil)), w.err
}

// Kept yields the versions whose texts the pack has, by the row that made them, in the order of their records.
func (p *Part) Kept() (map[uint32][]Touch, error) {
	kept := map[uint32][]Touch{}
	err := p.EachTouch(func(rec changeset.RecordID, v changeset.Version, text bool) error {
		if text {
			kept[v.Seq] = append(kept[v.Seq], Touch{Record: rec, Key: v.Key})
		}
		return nil
	})
	return kept, err
}

// EachTouch yields all that the table has of the records, by type, UUID and row, and whether the pack has the text. Rows that do not count are left out.
func (p *Part) EachTouch(use func(rec changeset.RecordID, v changeset.Version, text bool) error) error {
	c, err := p.cursor()
	for ; err == nil && c.left(); err = c.advance() {
		for i := range c.touches.Len() {
			v, text, err := c.touches.At(i)
			if err == nil {
				err = use(changeset.RecordID{Type: c.typ, UUID: c.id}, v, text)
			}
			if err != nil {
				return err
			}
		}
	}
	return err
}
