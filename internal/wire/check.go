package wire

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// Check reads all that a head shows of a log, in constant memory: each holds the rows of one frame against what the log must have, and bad is told of each pack that is missing or damaged,
// or of which a frame was found wrong by that, and of each that could not be read, with an error that is no [PackError]. The error is of the head, or of ctx.
func (h *Head) Check(ctx context.Context, fsys afero.Fs, log int, each func(*Frame) error, bad func(Pack, error)) error {
	for _, p := range h.Logs[log].Packs {
		err := checkPack(ctx, &pack{Pack: p, log: log, fs: fsys}, each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			bad(p, err)
		}
	}
	r := &reader{log: log, head: h.Logs[log]}
	if r.head.Rows == 0 {
		return nil
	}
	k, err := r.frameOfHead()
	if err != nil {
		return err
	}
	return each(k.Frame)
}

func checkPack(ctx context.Context, p *pack, each func(*Frame) error) error {
	defer p.close()
	for row := p.First; row <= p.Last && row > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := p.frame(row, p.Last)
		if err != nil {
			return err
		}
		if err := each(f); err != nil {
			return p.error(err)
		}
		row += uint32(len(f.Rows))
	}
	return p.ends()
}

// ends returns an error if the file goes on after its frames.
func (p *pack) ends() error {
	f, err := p.fs.Open(PackFile(p.Name))
	if err != nil {
		return err
	}
	defer f.Close()
	switch n, err := f.ReadAt(make([]byte, 1), p.Bytes); {
	case n > 0:
		return p.error(fmt.Errorf("it goes on after its %d bytes", p.Bytes))
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// Rows returns the last rows of a log in the order of the log, as far as the head has them: at least the last one, if there is any.
func (h *Head) Rows(log int) ([]changeset.Row, error) {
	r, err := newReader(nil, log, h.Logs[log])
	if err != nil {
		return nil, &PackError{HeadFile, err}
	}
	rows := r.tail
	if r.head.Rows > 0 {
		k, err := r.frameOfHead()
		if err != nil {
			return nil, err
		}
		rows = append(rows, k.Rows...)
	}
	if r.latest() > 0 && len(rows) == 0 {
		return nil, &PackError{HeadFile, errors.New("it lacks the last rows")}
	}
	return rows, nil
}
