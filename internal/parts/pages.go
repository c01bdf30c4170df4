package parts

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync/atomic"

	"github.com/spf13/afero"
)

const (
	pageSize    = 4096
	pageContent = pageSize - 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pageSum is the checksum of a page: of its number and its content.
func pageSum(number uint32, content []byte) uint32 {
	sum := crc32.Update(0, castagnoli, binary.BigEndian.AppendUint32(nil, number))
	return crc32.Update(sum, castagnoli, content)
}

// pageWriter cuts what is written to it into pages.
type pageWriter struct {
	out    io.Writer
	page   []byte
	number uint32
	err    error
}

func newPageWriter(out io.Writer) *pageWriter {
	return &pageWriter{out: out, page: make([]byte, 0, pageSize)}
}

func (w *pageWriter) write(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), pageContent-len(w.page))
		w.page, b = append(w.page, b[:n]...), b[n:]
		if len(w.page) == pageContent {
			w.endPage()
		}
	}
}

// endPage writes the page that was begun, filled with zeros; none if it is empty.
func (w *pageWriter) endPage() {
	if len(w.page) == 0 || w.err != nil {
		return
	}
	w.page = append(w.page, make([]byte, pageContent-len(w.page))...)
	w.page = binary.BigEndian.AppendUint32(w.page, pageSum(w.number, w.page))
	_, w.err = w.out.Write(w.page)
	w.page = w.page[:0]
	w.number++
}

// pages reads a table. It keeps the pages that it read, as far as the cache does.
type pages struct {
	fs    afero.Fs
	name  string
	of    Ref
	cache *Cache
	last  atomic.Pointer[page] // that was asked for: a search asks for one again and again
}

// page is one of a table, whose checksum was right.
type page struct {
	number  uint32
	content []byte
}

// read returns n bytes of the content from a place on. The caller must not change them.
func (p *pages) read(at int64, n int) ([]byte, error) {
	page, err := p.page(uint32(at / pageContent))
	if err != nil {
		return nil, err
	}
	begin := int(at % pageContent)
	if begin+n <= pageContent {
		return page[begin : begin+n], nil
	}
	b := append(make([]byte, 0, n), page[begin:]...)
	for number := uint32(at/pageContent) + 1; len(b) < n; number++ {
		if page, err = p.page(number); err != nil {
			return nil, err
		}
		b = append(b, page[:min(pageContent, n-len(b))]...)
	}
	return b, nil
}

// page returns the content of a page.
func (p *pages) page(number uint32) ([]byte, error) {
	if last := p.last.Load(); last != nil && last.number == number {
		return last.content, nil
	}
	content := p.cache.get(p.key(number))
	if content == nil {
		b, err := readAt(p.fs, p.name, int64(number)*pageSize, pageSize)
		if err != nil {
			return nil, err
		}
		if content = p.keep(number, b); content == nil {
			return nil, p.badPage(number)
		}
	}
	p.last.Store(&page{number, content})
	return content, nil
}

// key is how the cache knows a page.
func (p *pages) key(number uint32) cacheKey {
	return cacheKey{p.of.Pack, p.of.Table, false, number}
}

// keep puts a page that was read into the cache, and returns its content; nil if it does not have the checksum that it bears.
func (p *pages) keep(number uint32, b []byte) (content []byte) {
	if content = contentOf(number, b); content != nil {
		p.cache.put(p.key(number), content)
	}
	return content
}

// contentOf returns the content of a page; nil if it does not have the checksum that it bears.
func contentOf(number uint32, b []byte) []byte {
	content := b[:pageContent:pageContent]
	if binary.BigEndian.Uint32(b[pageContent:pageSize]) != pageSum(number, content) {
		return nil
	}
	return content
}

func (p *pages) badPage(number uint32) error {
	return damaged(p.name, "page %d does not have the checksum that it bears", number)
}

// smallTable is how many bytes a table has at most that is read as a whole when it is opened: a new record is looked for in all parts of a log, in three pages of each or so, and to open
// a file takes longer than to read some pages more.
const smallTable = 16 * pageSize

// begin returns the length of the file, and reads its first page, which whoever opens a table asks for, and of a small table all, unless that is in the cache.
func (p *pages) begin() (size int64, err error) {
	if p.cache.get(p.key(0)) != nil {
		info, err := p.fs.Stat(p.name)
		if err != nil {
			return 0, fmt.Errorf("look at %s: %w", p.name, err)
		}
		return info.Size(), nil
	}
	f, err := p.fs.Open(p.name)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", p.name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", p.name, err)
	}
	if size = info.Size(); size%pageSize != 0 {
		return size, nil
	}
	b := make([]byte, min(size, pageSize))
	if size <= smallTable {
		b = make([]byte, size)
	}
	if n, _ := f.ReadAt(b, 0); n < len(b) {
		return size, nil // who reads it page by page finds out why
	}
	for number := uint32(0); len(b) > 0; number, b = number+1, b[pageSize:] {
		p.keep(number, b[:pageSize]) // whoever asks for one that is damaged finds out
	}
	return size, nil
}

// runPages is how many pages are read at once by who reads them one after another.
const runPages = 64

// each calls do with the entries of an array in order. It reads past the cache, which has no room for all pages of a large table. do must not keep an entry.
func (p *pages) each(a array, do func(entry []byte)) error {
	var room, content []byte
	number, skip := a.at/pageContent, int(a.at%pageContent)
	for left := int64(a.n) * int64(a.size); left > 0; {
		count := min((int64(skip)+left-int64(len(content))+pageContent-1)/pageContent, runPages)
		b, err := readInto(room, p.fs, p.name, number*pageSize, count*pageSize)
		if err != nil {
			return err
		}
		room = b
		for ; count > 0; count-- {
			page := contentOf(uint32(number), b)
			if page == nil {
				return p.badPage(uint32(number))
			}
			content = append(content, page[skip:]...)
			number, skip, b = number+1, 0, b[pageSize:]
		}
		rest := content
		for ; len(rest) >= a.size && left > 0; rest, left = rest[a.size:], left-int64(a.size) {
			do(rest[:a.size])
		}
		content = append(content[:0], rest...)
	}
	return nil
}

// readAt returns n bytes of a file from a place on. It sets no memory aside for what the file does not have.
func readAt(fs afero.Fs, name string, at, n int64) ([]byte, error) {
	return readInto(nil, fs, name, at, n)
}

// readInto is readAt, into room that is not needed anymore, if that is enough.
func readInto(room []byte, fs afero.Fs, name string, at, n int64) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if info.Size() < at+n {
		return nil, damaged(name, "it has %d bytes, %d are needed", info.Size(), at+n)
	}
	b := slices.Grow(room[:0], int(n))[:n]
	if m, err := f.ReadAt(b, at); m < len(b) {
		return nil, fmt.Errorf("read %s: %d bytes at %d: %w", name, n, at, err)
	}
	return b, nil
}

// DamageError says that a file of a part, or the list, does not hold what it must.
type DamageError struct {
	Path string // in the file system of the part
	Err  error
}

func (e *DamageError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Path, e.Err) }
func (e *DamageError) Unwrap() error { return e.Err }

func damaged(name, format string, args ...any) error {
	return &DamageError{name, fmt.Errorf(format, args...)}
}
