package parts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// PackedRow is a row that [ReadPack] reads.
type PackedRow struct {
	Seq       uint32 // its number in the log
	Changeset []byte
	Texts     [][]byte // versions that it made
}

// ReadPack yields the rows of a pack in their order, by reading it once from its beginning. Each is valid until the next. It stops at the first frame that is
// damaged.
func ReadPack(r io.Reader) iter.Seq2[PackedRow, error] {
	return func(yield func(PackedRow, error) bool) {
		enough := errors.New("enough")
		first, err := readPackHead(r)
		if err == nil {
			err = eachRow(r, first, func(row PackedRow) error {
				if !yield(row, nil) {
					return enough
				}
				return nil
			}, func([]byte) {})
		}
		if err != nil && err != enough {
			yield(PackedRow{}, err)
		}
	}
}

// eachRow uses the rows that follow the head of a pack, of which the first has that number, and after those of a frame the frame as it is stored.
func eachRow(r io.Reader, first uint32, use func(row PackedRow) error, end func(stored []byte)) error {
	for n := uint32(0); ; {
		stored, rows, raw, err := readFrame(r)
		if err == io.EOF {
			return nil
		}
		if err == nil && uint64(n)+uint64(rows) > maxRows {
			err = fmt.Errorf("%w: too many rows", errFrame)
		}
		for ; err == nil && rows > 0; rows-- {
			row := PackedRow{Seq: first + n}
			if row, raw, err = cutPacked(row, raw); err == nil {
				err = use(row)
			}
			n++
		}
		if err == nil && len(raw) > 0 {
			err = fmt.Errorf("%w: %d bytes too many", errFrame, len(raw))
		}
		if err != nil {
			return err
		}
		end(stored)
	}
}

// cutPacked cuts a row off the beginning of a frame, with each of its texts.
func cutPacked(row PackedRow, raw []byte) (PackedRow, []byte, error) {
	object, texts, rest, err := cutRow(raw)
	row.Changeset = object
	for err == nil && len(texts) > 0 {
		var text []byte
		_, text, texts, err = cutText(texts)
		row.Texts = append(row.Texts, text)
	}
	return row, rest, err
}

// readFrame reads a frame from the stream: as it is stored, and what is in it. The error is io.EOF at its end.
func readFrame(r io.Reader) (frame []byte, rows uint32, raw []byte, err error) {
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(r, head); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: it ends early", errFrame)
		}
		return nil, 0, nil, err
	}
	_, _, stored, err := parseFrameHead(head)
	if err != nil {
		return nil, 0, nil, err
	}
	b := bytes.NewBuffer(head)
	if n, err := io.CopyN(b, r, int64(stored)); n < int64(stored) {
		if err == io.EOF {
			err = fmt.Errorf("%w: it ends early", errFrame)
		}
		return nil, 0, nil, err
	}
	rows, raw, err = decodeFrame(b.Bytes())
	return b.Bytes(), rows, raw, err
}
