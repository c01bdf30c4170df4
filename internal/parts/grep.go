package parts

import (
	"bytes"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// grepBytes is about how many bytes of a pack are read at once by who looks through it.
const grepBytes = 256 << 10

// Grep calls found with each changeset that has the bytes in it, of all rows of the parts, those that do not count too, from several goroutines and in no order.
// A changeset is valid during the call. After an error, its own or one of found, no goroutine begins anything more than the run of frames that it is in.
func Grep(parts []*Part, want []byte, found func(changeset []byte) error) error {
	var runs []frameRun
	for _, p := range parts {
		frames, err := p.frames()
		if err != nil {
			return err
		}
		runs = appendRuns(runs, p, frames)
	}
	var group errgroup.Group
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() (err error) {
			g := grep{want: want, found: found}
			for i := next.Add(1) - 1; i < int64(len(runs)) && err == nil; i = next.Add(1) - 1 {
				if err = g.run(runs[i]); err != nil {
					next.Store(int64(len(runs)))
				}
			}
			return err
		})
	}
	return group.Wait()
}

// frameRun is frames that follow each other in a pack.
type frameRun struct {
	part   *Part
	frames []frame
}

func (r frameRun) begin() int64 { return r.frames[0].begin }
func (r frameRun) end() int64   { return r.frames[len(r.frames)-1].end }

// appendRuns divides the frames of a part into runs of hardly more than grepBytes.
func appendRuns(runs []frameRun, p *Part, frames []frame) []frameRun {
	from := 0
	for i, f := range frames {
		if f.end-frames[from].begin >= grepBytes || i == len(frames)-1 {
			runs = append(runs, frameRun{p, frames[from : i+1]})
			from = i + 1
		}
	}
	return runs
}

// frames returns all frames.
func (p *Part) frames() ([]frame, error) {
	t, err := p.open()
	if err != nil {
		return nil, err
	}
	var list []frame
	for i := range t.frames {
		f, err := t.frameAtPlace(i)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// grep looks for bytes in frames.
type grep struct {
	want        []byte
	found       func(changeset []byte) error
	stored, raw []byte // room, used again
}

// run looks through frames.
func (g *grep) run(r frameRun) (err error) {
	if g.stored, err = readInto(g.stored, r.part.fs, r.part.packName, r.begin(), r.end()-r.begin()); err != nil {
		return err
	}
	for _, f := range r.frames {
		if g.raw, err = r.part.unpack(g.raw, f, g.stored[f.begin-r.begin():f.end-r.begin()]); err != nil {
			return err
		}
		if !bytes.Contains(g.raw, g.want) {
			continue
		}
		if err := g.rows(g.raw); err != nil {
			return r.part.packError(err)
		}
	}
	return nil
}

// rows looks at each row of a frame.
func (g *grep) rows(rows []byte) error {
	for len(rows) > 0 {
		object, _, rest, err := cutRow(rows)
		if err == nil && bytes.Contains(object, g.want) {
			err = g.found(object)
		}
		if err != nil {
			return err
		}
		rows = rest
	}
	return nil
}
