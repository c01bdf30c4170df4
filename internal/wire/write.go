package wire

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// What the head has in it of a log at most, in bytes: of frames, unless it is told otherwise, and of the changesets before they are compressed.
const (
	InHead     = 16 << 10
	newestJSON = 256 << 10
)

// growth is how many times larger a pack is than what comes after it: what is smaller is packed anew with that.
const growth = 4

// Source is a log that packs are made of.
type Source interface {
	Latest() uint32
	// Entries yields the rows from one on, with their changesets.
	Entries(from uint32) iter.Seq2[Entry, error]
	// Collect returns the rows from one to another, both included.
	Collect(from, to uint32) ([]changeset.Row, error)
}

// Extend writes the packs that a mirror lacks of a log, and returns what the head has to say of it. old is what the head says now, of a log of which these are the first rows; its packs are there and sound. When Extend
// returns nil, the packs survive a power cut. Nothing refers to them yet, and none is taken away. If there is nothing new, the result is old. What
// is new goes into the head if that comes to so many bytes at most.
func Extend(ctx context.Context, fsys afero.Fs, log int, old LogHead, from Source, inHead int) (LogHead, error) {
	if old.Latest() == from.Latest() {
		return old, nil
	}
	w := &packer{ctx: ctx, fs: fsys, log: log, from: from, head: LogHead{Packs: slices.Clone(old.Packs)}}
	fits, err := w.inHead(inHead)
	if err == nil && !fits {
		err = w.grow()
	}
	if err != nil {
		return old, err
	}
	if w.head.Tail, err = w.tail(); err != nil {
		return old, err
	}
	w.supersede(old)
	return w.head, nil
}

// packer makes packs of a log.
type packer struct {
	ctx  context.Context
	fs   afero.Fs
	log  int
	from Source
	head LogHead
}

// inHead puts all rows that are in no pack into the head, and reports whether they have room there.
func (w *packer) inHead(most int) (fits bool, err error) {
	var entries []Entry
	size := 0
	for it, err := range w.from.Entries(w.head.packed() + 1) {
		if err != nil {
			return false, err
		}
		entries, size = append(entries, it), size+len(it.Raw)
		if size > newestJSON || len(entries) > frameRows {
			return false, w.ctx.Err()
		}
	}
	if len(entries) == 0 {
		return true, nil
	}
	packed, s, err := seal(entries)
	if err != nil || len(packed) > most {
		return false, err
	}
	w.head.Newest, w.head.Rows, w.head.JSON, w.head.Bytes = packed, s.rows, s.json, s.content
	return true, nil
}

// grow packs all rows that are in no pack, and takes in the packs before that are too small to stand before them.
func (w *packer) grow() error {
	first, err := w.pack(w.head.packed() + 1)
	if err != nil {
		return err
	}
	all := first.last == w.from.Latest()
	n, size := len(w.head.Packs), first.size()
	for n > 0 {
		before := w.head.Packs[n-1].Bytes
		if all && (before >= growth*size || before+size > PackSize) || before >= PackSize {
			break
		}
		n, size = n-1, size+before
	}
	if n < len(w.head.Packs) {
		w.head.Packs = w.head.Packs[:n]
		if first, err = w.pack(w.head.packed() + 1); err != nil {
			return err
		}
	}
	for {
		if err := w.write(first); err != nil || first.last == w.from.Latest() {
			return err
		}
		if first, err = w.pack(first.last + 1); err != nil {
			return err
		}
	}
}

// packing is a pack that is not written yet.
type packing struct {
	dir    directory
	last   uint32
	frames []byte
}

func (p *packing) size() int64 { return int64(p.dir.size() + len(p.frames)) }

// pack makes a pack of the rows from one on, as many as it may have.
func (w *packer) pack(first uint32) (*packing, error) {
	p := &packing{dir: directory{log: uint32(w.log), first: first}}
	var frame []Entry
	size := 0
	for it, err := range w.from.Entries(first) {
		if err == nil {
			err = w.ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if len(frame) > 0 && (size+len(it.Raw) > frameJSON || len(frame) == frameRows) {
			if full, err := p.seal(frame); full || err != nil {
				return p, err
			}
			frame, size = frame[:0], 0
		}
		frame, size = append(frame, it), size+len(it.Raw)
	}
	if len(frame) == 0 {
		return nil, fmt.Errorf("row %d of log %d is not there", first, w.log)
	}
	_, err := p.seal(frame)
	return p, err
}

// seal adds a frame, and reports whether the pack is to have no more.
func (p *packing) seal(entries []Entry) (full bool, err error) {
	packed, s, err := seal(entries)
	if err != nil {
		return false, err
	}
	p.frames, p.dir.sections = append(p.frames, packed...), append(p.dir.sections, s)
	p.last = entries[len(entries)-1].Row.Seq
	return len(p.frames) >= PackSize || len(p.dir.sections) >= maxSections/16, nil
}

// write writes a pack, and names it.
func (w *packer) write(p *packing) error {
	encoded := p.dir.encode()
	ref := Pack{First: p.dir.first, Last: p.last, Bytes: p.size(), Directory: uint32(len(encoded)), Name: packName(encoded)}
	if err := durable.WriteFile(w.fs, PackFile(ref.Name), append(encoded, p.frames...)); err != nil {
		return err
	}
	w.head.Packs = append(w.head.Packs, ref)
	return nil
}

// tail returns the last rows in packs, compressed.
func (w *packer) tail() ([]byte, error) {
	last := w.head.packed()
	if last == 0 {
		return nil, nil
	}
	rows, err := w.from.Collect(last+1-min(tailRows, last), last)
	if err != nil {
		return nil, err
	}
	return appendTail(rows)
}

// supersede names the packs that are none of the log any more before those that were so before.
func (w *packer) supersede(old LogHead) {
	for _, p := range slices.Concat(old.Packs, old.Before) {
		is := func(q Pack) bool { return q.Name == p.Name }
		if !slices.ContainsFunc(w.head.Packs, is) && !slices.ContainsFunc(w.head.Before, is) && len(w.head.Before) < maxBefore {
			w.head.Before = append(w.head.Before, p)
		}
	}
}
