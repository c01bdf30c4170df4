package wire

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/afero"
)

// PackError says that a pack is missing or damaged: the error of the former wraps [fs.ErrNotExist]. An error of the way to it is none.
type PackError struct {
	Path string // of the pack, or of the head, within the directory of the database
	Err  error
}

func (e *PackError) Error() string {
	if errors.Is(e.Err, fs.ErrNotExist) {
		return fmt.Sprintf("%s is missing: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s is damaged: %v", e.Path, e.Err)
}

func (e *PackError) Unwrap() error { return e.Err }

// UnreadError says that a pack could not be read, and is not known to be damaged: an error of the way to it.
type UnreadError struct {
	Path string // of the pack, within the directory of the database
	Err  error
}

func (e *UnreadError) Error() string { return fmt.Sprintf("read %s: %v", e.Path, e.Err) }
func (e *UnreadError) Unwrap() error { return e.Err }

// chunk is how many bytes of a pack are asked for at once, unless a frame is larger.
const chunk = 2 << 20

// pack reads a pack from its beginning to its end, or from any frame on. It keeps what it has fetched of the frames that are next.
type pack struct {
	Pack
	log     int
	fs      afero.Fs
	file    afero.File // open while something of it is fetched or kept
	dir     *directory
	rows    []uint32 // the first of each frame
	offsets []int64  // of each frame, and the end
	at      int64    // where in the file
	buf     []byte   // begins
	ahead   *ahead   // what comes after it, if it was asked for already
}

// ahead is a part of a pack that is being fetched.
type ahead struct {
	at   int64
	done chan struct{} // closed when it is there
	b    []byte
	err  error
}

func (p *pack) error(err error) error { return &PackError{PackFile(p.Name), err} }

// read fetches a part of the file.
func (p *pack) read(at, n int64) ([]byte, error) {
	b := make([]byte, n)
	got, err := p.file.ReadAt(b, at)
	switch {
	case got == len(b):
		return b, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, p.error(err)
	case err == nil || errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF:
		return nil, p.error(fmt.Errorf("it ends after %d bytes, and has %d", at+int64(got), p.Bytes))
	}
	return nil, &UnreadError{PackFile(p.Name), err}
}

// open reads the directory, and with it what is likely to be wanted next: rows from one to another.
func (p *pack) open(from, want uint32) (err error) {
	if p.file == nil {
		if p.file, err = p.fs.Open(PackFile(p.Name)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return p.error(err)
			}
			return err
		}
	}
	if p.dir != nil {
		return nil
	}
	n := int64(p.Directory)
	if from == p.First || p.Bytes <= chunk {
		n = min(p.Bytes, n+chunk)
	}
	var b []byte
	if a := p.ahead; a != nil {
		p.ahead = nil
		<-a.done
		b, err = a.b, a.err
	} else {
		b, err = p.read(0, n)
	}
	if err != nil {
		return err
	}
	d, err := p.Pack.open(p.log, b[:p.Directory])
	if err != nil {
		return p.error(err)
	}
	p.dir, p.at, p.buf = d, int64(p.Directory), b[p.Directory:]
	row, offset := p.First, int64(p.Directory)
	for _, s := range d.sections {
		p.rows, p.offsets = append(p.rows, row), append(p.offsets, offset)
		row, offset = row+s.rows, offset+int64(s.packed)
	}
	p.offsets = append(p.offsets, offset)
	return nil
}

// find returns which frame has a row.
func (p *pack) find(row uint32) int {
	i, ok := slices.BinarySearch(p.rows, row)
	if !ok {
		i--
	}
	return i
}

// frame reads the frame with a row. Of those up to want, more is fetched meanwhile.
func (p *pack) frame(row, want uint32) (*Frame, error) {
	if err := p.open(row, want); err != nil {
		return nil, err
	}
	i := p.find(row)
	packed, err := p.section(i, want)
	if err != nil {
		return nil, err
	}
	f, err := unseal(packed, p.rows[i], p.dir.sections[i])
	if err != nil {
		return nil, p.error(fmt.Errorf("frame %d of rows from %d on: %w", i+1, p.rows[i], err))
	}
	if p.at == p.Bytes {
		p.close()
	}
	return f, nil
}

// section returns the bytes of a frame, which are not kept.
func (p *pack) section(i int, want uint32) ([]byte, error) {
	from, to := p.offsets[i], p.offsets[i+1]
	if from < p.at || from > p.at+int64(len(p.buf)) {
		p.forget(from)
	}
	p.buf, p.at = p.buf[from-p.at:], from
	for end := p.at + int64(len(p.buf)); end < to; end = p.at + int64(len(p.buf)) {
		b, err := p.more(end, to)
		if err != nil {
			return nil, err
		}
		p.buf = append(p.buf[:len(p.buf):len(p.buf)], b...)
	}
	if end := p.at + int64(len(p.buf)); p.ahead == nil && end < p.end(want) {
		p.fetchAhead(end, min(chunk, p.end(want)-end))
	}
	packed := p.buf[:to-from]
	p.buf, p.at = p.buf[to-from:], to
	return packed, nil
}

// end is where the frame with the last wanted row ends.
func (p *pack) end(want uint32) int64 {
	if want < p.First {
		return 0
	}
	return p.offsets[p.find(min(want, p.Last))+1]
}

// more returns what comes at a place of the file: what was asked for already, or else as much as is asked for at once, at least up to another place.
func (p *pack) more(at, to int64) ([]byte, error) {
	if a := p.ahead; a != nil && a.at == at {
		p.ahead = nil
		<-a.done
		return a.b, a.err
	}
	return p.read(at, max(to-at, min(chunk, p.Bytes-at)))
}

// fetchAhead begins to fetch a part. Whoever reads on waits for it; else it ends by itself.
func (p *pack) fetchAhead(at, n int64) {
	a := &ahead{at: at, done: make(chan struct{})}
	p.ahead = a
	go func() {
		defer close(a.done)
		a.b, a.err = p.read(at, n)
	}()
}

// forget drops what was fetched, and goes to a place of the file.
func (p *pack) forget(at int64) {
	if p.ahead != nil {
		<-p.ahead.done
	}
	p.at, p.buf, p.ahead = at, nil, nil
}

// close gives back what is kept of the file.
func (p *pack) close() {
	p.forget(p.Bytes)
	if p.file != nil {
		_ = p.file.Close() // nothing was written
	}
	p.file = nil
}

// begin begins to fetch the directory and what comes after it.
func (p *pack) begin() {
	if p.dir != nil || p.ahead != nil || p.file != nil {
		return
	}
	file, err := p.fs.Open(PackFile(p.Name))
	if err != nil {
		return // whoever reads it is told
	}
	p.file = file
	p.fetchAhead(0, min(p.Bytes, int64(p.Directory)+chunk))
}
