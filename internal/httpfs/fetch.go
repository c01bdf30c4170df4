package httpfs

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// whole fetches a file. The body is not nil. done is to be called once it is not needed any more.
func (c *client) whole(name string) (body []byte, mod time.Time, done func(), err error) {
	req := request{http.MethodGet, name, http.Header{"Accept-Encoding": {"gzip"}}, []int{http.StatusOK}}
	err = c.do(req, func(a answer) (err error) {
		mod = modified(a.Header)
		body, done, err = c.readWhole(a, c.opts.limit(name))
		return err
	})
	return body, mod, done, err
}

// part is what a server sent when asked for a part of a file.
type part struct {
	n     int    // bytes read
	total int64  // size of the file, -1 if the server did not say
	whole []byte // the file, if the server sent all of it; else nil
	mod   time.Time
}

// ErrNoParts is the error of [FS.ReadPart] where the server sends no parts of files.
var ErrNoParts = errors.New("the server sends files as a whole")

// onlyPart is part, tried once, and fails where the server would send all of the file.
func (c *client) onlyPart(name string, p []byte, off int64) (n int, err error) {
	header := http.Header{"Accept-Encoding": {"identity"}, "Range": {formatRange(off, len(p))}}
	base, _ := c.place.now()
	err = c.once(base, request{http.MethodGet, name, header, []int{http.StatusOK, http.StatusPartialContent}}, func(a answer) (err error) {
		if a.StatusCode == http.StatusOK || encoding(a.Header) != "" {
			return ErrNoParts
		}
		n, _, err = readPart(a, p, off)
		return err
	})
	if err != nil {
		return 0, c.failed(base, name, err)
	}
	return n, nil
}

// part reads len(p) bytes, at least one, from off, fewer only at the end of the file.
func (c *client) part(name string, p []byte, off int64) (part, error) {
	var got part
	unusable, done := false, func() {}
	header := http.Header{"Accept-Encoding": {"identity"}, "Range": {formatRange(off, len(p))}}
	statuses := []int{http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable}
	err := c.do(request{http.MethodGet, name, header, statuses}, func(a answer) (err error) {
		got = part{total: -1, mod: modified(a.Header)}
		switch {
		case a.StatusCode == http.StatusOK:
			got.whole, done, err = c.readWhole(a, c.opts.limit(name))
			done() // an index stays open while the objects that it names are read
		case a.StatusCode == http.StatusRequestedRangeNotSatisfiable:
			got.total, err = beyondEnd(a.Header, off)
		case encoding(a.Header) != "":
			unusable = true // a range of what was compressed, or a compressed range: servers differ
		default:
			got.n, got.total, err = readPart(a, p, off)
		}
		return err
	})
	if err == nil && unusable {
		if got.whole, got.mod, done, err = c.whole(name); err == nil {
			done()
		}
	}
	return got, err
}

// size asks for the size of a file; ok is false if the server does not tell or cannot be believed.
func (c *client) size(name string) (size int64, mod time.Time, ok bool, err error) {
	header := http.Header{"Accept-Encoding": {"identity"}}
	statuses := []int{http.StatusOK, http.StatusMethodNotAllowed, http.StatusNotImplemented}
	err = c.do(request{http.MethodHead, name, header, statuses}, func(a answer) error {
		size, mod = a.ContentLength, modified(a.Header)
		ok = a.StatusCode == http.StatusOK && size >= 0 && encoding(a.Header) == "" && !isPage(a.Header.Get("Content-Type"))
		return nil
	})
	return size, mod, ok, err
}

func modified(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// readPart reads a part that begins at off into p, and returns its length and the size of the file, -1 if unknown.
func readPart(a answer, p []byte, off int64) (n int, total int64, err error) {
	first, last, total, err := parseContentRange(a.Header.Get("Content-Range"))
	if err != nil {
		return 0, -1, err
	}
	want := off + int64(len(p)) - 1
	if total >= 0 {
		want = min(want, total-1)
	}
	if first != off || last != want {
		return 0, -1, fmt.Errorf("the server sent bytes %d to %d when asked for %d to %d", first, last, off, want)
	}
	p = p[:last-first+1]
	if a.ContentLength >= 0 && a.ContentLength != int64(len(p)) {
		return 0, -1, fmt.Errorf("the server sent %d bytes as a part of %d", a.ContentLength, len(p))
	}
	if _, err := io.ReadFull(a.body, p); err != nil {
		return 0, -1, shortPart(err, len(p))
	}
	if off == 0 {
		err = checkNoPage(p)
	}
	return len(p), total, err
}

// shortPart is for a body that ends early without having announced its length.
func shortPart(err error, want int) error {
	if _, ours := errors.AsType[*tryAgain](err); ours || (err != io.EOF && err != io.ErrUnexpectedEOF) {
		return err
	}
	return &tryAgain{err: fmt.Errorf("the answer ends before the %d bytes of the part", want), tries: maxBodyTries}
}

// beyondEnd checks an answer which says that the file ends at or before off, and returns its size, -1 if unknown.
func beyondEnd(h http.Header, off int64) (int64, error) {
	text, ok := strings.CutPrefix(h.Get("Content-Range"), "bytes */")
	if !ok {
		return -1, nil
	}
	total, err := parseOffset(text)
	if err != nil {
		return -1, nil
	}
	if total > off {
		return -1, fmt.Errorf("the server refuses a part from byte %d of a file that has %d", off, total)
	}
	return total, nil
}

// formatRange returns the header Range for n bytes from off. n is at least 1.
func formatRange(off int64, n int) string {
	return fmt.Sprintf("bytes=%d-%d", off, off+int64(n)-1)
}

// parseContentRange reads "bytes first-last/total"; total is -1 where it is "*".
func parseContentRange(s string) (first, last, total int64, err error) {
	wrong := fmt.Errorf("the server sent a part of the file without saying which: Content-Range %.60q", s)
	text, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(text, "/")
	from, to, ok3 := strings.Cut(span, "-")
	first, err1 := parseOffset(from)
	last, err2 := parseOffset(to)
	total, err3 := parseOffset(size)
	if size == "*" {
		total, err3 = -1, nil
	}
	if !ok || !ok2 || !ok3 || errors.Join(err1, err2, err3) != nil || last < first || (total >= 0 && last >= total) {
		return 0, 0, 0, wrong
	}
	return first, last, total, nil
}

// parseOffset reads digits, without sign.
func parseOffset(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}
