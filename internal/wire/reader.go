package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// A window is how much of a log is read in one go: at most so many rows, and bytes of changesets, but a frame at least. With smaller ones a clone takes less memory, and more moments of a mirror that is being published.
// What is kept of frames that were read is a window and a frame more.
const (
	windowRows  = 1 << 14
	windowBytes = 16 << 20
	keptBytes   = windowBytes + 2*frameJSON
)

// reader reads the rows and changesets of a log. It is safe for concurrent use.
type reader struct {
	mu     sync.Mutex
	log    int
	head   LogHead
	packs  []*pack
	before []*pack
	tail   []changeset.Row
	newest *kept
	want   uint32 // rows up to this one will be read, one after another

	frames []*kept           // that were read last, the latest at the end
	bytes  int               // of their changesets
	seen   []seen            // of all frames that were read
	recent [][]changeset.Row // of the frames that were read last, which are kept for longer: a pull looks back at the last ones that it has read
}

// recentRows is how many rows are kept of frames that were read.
const recentRows = 2*windowRows + frameRows

// kept is a frame that was read, with the places of its changesets.
type kept struct {
	*Frame
	at    map[[20]byte]int
	stays bool // also what was given away
}

func keep(f *Frame) *kept {
	k := &kept{Frame: f, at: make(map[[20]byte]int, len(f.Rows))}
	for i, row := range f.Rows {
		if f.Raw(i) != nil {
			k.at[row.Key] = i
		}
	}
	return k
}

// give returns the changeset of a row, and keeps it no longer: a pull reads each once. Where one is asked for again the frame is decoded again, and stays.
func (k *kept) give(i int) ([]byte, error) {
	b := k.texts[i]
	if b == nil {
		f, err := unseal(k.packed, k.Rows[0].Seq, k.section)
		if err != nil {
			return nil, err
		}
		k.texts, k.stays = f.texts, true
		b = k.texts[i]
	}
	if !k.stays {
		k.texts[i] = nil
	}
	return b, nil
}

// seen is what is kept of each frame, 8 bytes a row: the beginnings of the keys, sorted.
type seen struct {
	first uint32
	keys  []uint64
}

func short(key [20]byte) uint64 { return binary.BigEndian.Uint64(key[:]) }

func newReader(fsys afero.Fs, log int, head LogHead) (*reader, error) {
	r := &reader{log: log, head: head}
	for _, p := range head.Packs {
		r.packs = append(r.packs, &pack{Pack: p, log: log, fs: fsys})
	}
	for _, p := range head.Before {
		r.before = append(r.before, &pack{Pack: p, log: log, fs: fsys})
	}
	var err error
	if r.tail, err = readTail(head.Tail, head.packed()); err != nil {
		return nil, err
	}
	return r, nil
}

// latest is the number of the last row.
func (r *reader) latest() uint32 { return r.head.Latest() }

// frame returns the frame with a row. The caller holds mu.
func (r *reader) frame(row uint32) (*kept, error) {
	if row > r.head.packed() {
		return r.frameOfHead()
	}
	for i, k := range slices.Backward(r.frames) {
		if k.Rows[0].Seq <= row && row <= k.Rows[len(k.Rows)-1].Seq {
			r.frames = append(slices.Delete(r.frames, i, i+1), k)
			return k, nil
		}
	}
	f, err := r.fetch(row)
	if err != nil {
		return nil, err
	}
	k := keep(f)
	r.note(k)
	r.keepRows(k.Rows)
	r.frames, r.bytes = append(r.frames, k), r.bytes+int(k.section.json)
	for len(r.frames) > 1 && r.bytes > keptBytes {
		r.bytes -= int(r.frames[0].section.json)
		r.frames = slices.Delete(r.frames, 0, 1)
	}
	return k, nil
}

// drop drops the frames up to a row, of which all was read. Their rows stay for longer.
func (r *reader) drop(upTo uint32) {
	r.frames = slices.DeleteFunc(r.frames, func(k *kept) bool {
		done := k.Rows[len(k.Rows)-1].Seq <= upTo
		if done {
			r.bytes -= int(k.section.json)
		}
		return done
	})
}

// keepRows keeps the rows of a frame, and no longer those that were kept first.
func (r *reader) keepRows(rows []changeset.Row) {
	r.recent = append(slices.DeleteFunc(r.recent, func(other []changeset.Row) bool { return other[0].Seq == rows[0].Seq }), rows)
	n := 0
	for _, rows := range r.recent {
		n += len(rows)
	}
	for ; n > recentRows && len(r.recent) > 1; r.recent = slices.Delete(r.recent, 0, 1) {
		n -= len(r.recent[0])
	}
}

// rowsOf returns the rows of the frame with a row. The caller holds mu.
func (r *reader) rowsOf(row uint32) ([]changeset.Row, error) {
	for _, rows := range slices.Backward(r.recent) {
		if rows[0].Seq <= row && row <= rows[len(rows)-1].Seq {
			return rows, nil
		}
	}
	k, err := r.frame(row)
	if err != nil {
		return nil, err
	}
	return k.Rows, nil
}

func (r *reader) frameOfHead() (*kept, error) {
	if r.newest != nil {
		return r.newest, nil
	}
	s := r.head.newest()
	content, err := expand(r.head.Newest, int(s.content))
	if err != nil {
		return nil, &PackError{HeadFile, err}
	}
	f, err := decodeFrame(content, r.head.packed()+1, int(s.rows), int(s.json))
	if err != nil {
		return nil, &PackError{HeadFile, err}
	}
	r.newest = keep(f)
	r.newest.stays = true
	return r.newest, nil
}

// fetch reads the frame with a row from its pack, or from one that the pack superseded, where that is still all that there is.
func (r *reader) fetch(row uint32) (*Frame, error) {
	i, ok := slices.BinarySearchFunc(r.packs, row, func(p *pack, row uint32) int {
		switch {
		case p.Last < row:
			return -1
		case p.First > row:
			return 1
		}
		return 0
	})
	if !ok {
		return nil, fmt.Errorf("row %d is in no pack", row)
	}
	f, err := r.packs[i].frame(row, r.want)
	if err == nil {
		r.openNext(i)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	for _, p := range r.before {
		if p.First <= row && row <= p.Last {
			if f, other := p.frame(row, row); other == nil {
				return f, nil
			}
		}
	}
	return nil, err
}

// openNext begins to fetch the pack after one of which all was asked for, if it is wanted.
func (r *reader) openNext(i int) {
	p := r.packs[i]
	if i+1 == len(r.packs) || r.want <= p.Last || p.ahead != nil || p.file != nil && p.at+int64(len(p.buf)) < p.Bytes {
		return
	}
	r.packs[i+1].begin()
}

// note notes which changesets a frame has, unless that was done.
func (r *reader) note(k *kept) {
	i, known := slices.BinarySearchFunc(r.seen, k.Rows[0].Seq, func(s seen, first uint32) int { return int(int64(s.first) - int64(first)) })
	if known {
		return
	}
	keys := make([]uint64, 0, len(k.at))
	for key := range k.at {
		keys = append(keys, short(key))
	}
	slices.Sort(keys)
	r.seen = slices.Insert(r.seen, i, seen{k.Rows[0].Seq, keys})
}

// rows returns the rows from one to another, both included, which the log has.
func (r *reader) rows(from, to uint32) ([]changeset.Row, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := make([]changeset.Row, 0, to-from+1)
	for at := from; at <= to && at >= from; {
		if first := r.head.packed() - uint32(len(r.tail)) + 1; at >= first && at <= r.head.packed() {
			n := min(to, r.head.packed()) - at + 1
			rows, at = append(rows, r.tail[at-first:][:n]...), at+n
			continue
		}
		all, err := r.rowsOf(at)
		if err != nil {
			return nil, err
		}
		some := all[at-all[0].Seq:]
		some = some[:min(len(some), int(to-at)+1)]
		rows, at = append(rows, some...), at+uint32(len(some))
	}
	return rows, nil
}

// object returns the bytes of a changeset, of which a row was read or is among the last; nil if there is none of that name. They are shared.
func (r *reader) object(key [20]byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range slices.Backward(r.frames) {
		if i, ok := k.at[key]; ok {
			return k.give(i)
		}
	}
	if r.head.Rows > 0 {
		k, err := r.frameOfHead()
		if err != nil {
			return nil, err
		}
		if i, ok := k.at[key]; ok {
			return k.give(i)
		}
	}
	for _, s := range r.seen {
		if _, ok := slices.BinarySearch(s.keys, short(key)); ok {
			if b, err := r.objectIn(s.first, key); b != nil || err != nil {
				return b, err
			}
		}
	}
	for _, row := range r.tail {
		if row.Key == key {
			return r.objectIn(row.Seq, key)
		}
	}
	return nil, nil
}

func (r *reader) objectIn(row uint32, key [20]byte) ([]byte, error) {
	k, err := r.frame(row)
	if err != nil {
		return nil, err
	}
	if i, ok := k.at[key]; ok {
		return k.give(i)
	}
	return nil, nil
}

// window returns the last row of the window after a row, and notes that the rows up to last will be read. The frames up to that row are let go: who asks for one of these again fetches it once more.
func (r *reader) window(after, last uint32) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last = min(last, r.latest()); r.head.packed() <= after {
		return last
	}
	r.want = last
	r.drop(after)
	rows, size := 0, 0
	for at := after + 1; at <= min(last, r.head.packed()); {
		i := slices.IndexFunc(r.packs, func(p *pack) bool { return at <= p.Last })
		p := r.packs[i]
		if err := p.open(at, last); err != nil {
			return last // whoever reads the rows is told
		}
		j := p.find(at)
		s := p.dir.sections[j]
		if rows += int(p.rows[j] + s.rows - at); size > 0 && (rows > windowRows || size+int(s.json) > windowBytes) {
			return at - 1
		}
		size += int(s.json)
		at = p.rows[j] + s.rows
	}
	return last
}
