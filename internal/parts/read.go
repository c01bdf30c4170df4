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
		seq, err := readPackHead(r)
		if err != nil {
			yield(PackedRow{}, err)
			return
		}
		for {
			rows, raw, err := nextFrame(r)
			if err == io.EOF {
				return
			}
			for ; err == nil && rows > 0; rows-- {
				row := PackedRow{Seq: seq}
				if row, raw, err = cutPacked(row, raw); err == nil && !yield(row, nil) {
					return
				}
				seq++
			}
			if err == nil && len(raw) > 0 {
				err = fmt.Errorf("%w: %d bytes too many", errFrame, len(raw))
			}
			if err != nil {
				yield(PackedRow{}, err)
				return
			}
		}
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

// nextFrame reads a frame from the stream; the error is io.EOF at its end.
func nextFrame(r io.Reader) (rows uint32, raw []byte, err error) {
	_, rows, raw, err = readFrame(r)
	return rows, raw, err
}

// readFrame is nextFrame, and returns the frame as it is stored, too.
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
