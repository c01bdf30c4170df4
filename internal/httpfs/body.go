package httpfs

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// minProgress is how many bytes must come in each idle timeout, unless the body ends before.
const minProgress = 512

var errTooSlow = errors.New("too slow")

// watched is a body that is counted, and that fails when the server goes quiet.
type watched struct {
	c     *client
	ctx   context.Context
	body  io.Reader
	timer *time.Timer
	fresh int   // bytes since the timer was set
	want  int64 // as announced, -1 if not
	got   int64
	total *atomic.Int64
}

func (c *client) watch(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response) *watched {
	timer := time.AfterFunc(c.opts.IdleTimeout, func() { cancel(errTooSlow) })
	return &watched{c: c, ctx: ctx, body: resp.Body, timer: timer, want: resp.ContentLength, total: &c.bytes}
}

func (w *watched) stop() { w.timer.Stop() }

// pause lets the server be quiet, and resume ends that.
func (w *watched) pause() { w.timer.Stop() }

func (w *watched) resume() {
	w.fresh = 0
	w.timer.Reset(w.c.opts.IdleTimeout)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.total.Add(int64(n))
	w.got += int64(n)
	if w.fresh += n; w.fresh >= minProgress {
		w.fresh = 0
		w.timer.Reset(w.c.opts.IdleTimeout)
	}
	if err != nil && err != io.EOF {
		err = w.explain(err)
	}
	return n, err
}

// explain turns an error of the transport into one for people, and says whether another try may help.
func (w *watched) explain(err error) error {
	switch {
	case w.c.ctx.Err() != nil:
		return context.Cause(w.c.ctx)
	case errors.Is(context.Cause(w.ctx), errTooSlow):
		err = fmt.Errorf("the server stopped in the middle: fewer than %d bytes came in %v", minProgress, w.c.opts.IdleTimeout)
		return &tryAgain{err: err, tries: maxBodyTries}
	case errors.Is(err, io.ErrUnexpectedEOF) && w.want >= 0:
		err = fmt.Errorf("the answer ends after %d of %d bytes: %w", w.got, w.want, err)
		return &tryAgain{err: err, tries: maxBodyTries}
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the answer ends after %d bytes, before it is complete: %w", w.got, err)
		return &tryAgain{err: err, tries: maxBodyTries}
	}
	return &tryAgain{err: fmt.Errorf("the connection broke after %d bytes: %w", w.got, err), tries: maxTries}
}

// readWhole reads the body of a whole file, decompressed, of at most limit bytes. The result is not nil. If it is large, done says that it is not needed
// any more; until then nobody else gets a large one.
func (c *client) readWhole(a answer, limit int64) (b []byte, done func(), err error) {
	done = func() {}
	if a.ContentLength > limit {
		return nil, done, c.large.refuse(tooLarge(limit))
	}
	r, err := decoded(a, limit)
	if err != nil {
		return nil, done, err
	}
	r = &bounded{r, limit, limit}
	b, err = appendAll(make([]byte, 0, clamp(a.ContentLength, 0, largeFile)+bytes.MinRead), io.LimitReader(r, largeFile), limit)
	if err == nil && len(b) == largeFile {
		if done, err = c.large.wait(a.body); err == nil {
			b, err = appendAll(b, r, limit)
		}
	}
	if err == nil {
		err = checkNoPage(b)
	}
	if err != nil {
		done()
		return nil, func() {}, c.large.refuse(damaged(err))
	}
	return b, done, nil
}

// appendAll appends all that r has to b, which has room for something, and becomes no longer than limit and a byte; so r says if there is more.
func appendAll(b []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(2*int64(cap(b)), max(limit, int64(cap(b)))+bytes.MinRead)), b...)
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

func clamp(n, low, high int64) int64 { return max(low, min(n, high)) }

// decoded undoes the Content-Encoding. The compressed bytes are bounded too: a stream of empty parts never yields one.
func decoded(a answer, limit int64) (io.Reader, error) {
	switch enc := encoding(a.Header); enc {
	case "":
		return a.body, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(&bounded{a.body, limit, limit})
		if err != nil {
			return nil, damaged(err)
		}
		return z, nil
	default:
		return nil, fmt.Errorf("the server compressed the file in a way that we cannot read, %.40q", enc)
	}
}

// encoding returns the Content-Encoding in lower case, "" if there is none.
func encoding(h http.Header) string {
	enc := strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ", ")))
	if enc == "identity" {
		return ""
	}
	return enc
}

// damaged turns an error of the decompressor into one for people, and leaves alone those of the transport and the bounds.
func damaged(err error) error {
	_, ours := errors.AsType[*tryAgain](err)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	short := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if !ours && (corrupt || short || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum)) {
		return &tryAgain{err: fmt.Errorf("decompress the answer: %w", err), tries: maxBodyTries}
	}
	return err
}

// sizeError is a file that is larger than it may be.
type sizeError struct{ limit int64 }

func (e *sizeError) Error() string {
	return fmt.Sprintf("the file is larger than the %d bytes it may have", e.limit)
}

func tooLarge(limit int64) error { return &sizeError{limit} }

// bounded reads from r, and fails once that was more than limit bytes.
type bounded struct {
	r           io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	return n, err
}

// checkNoPage fails if a file begins as a web page does: an error page sent with the status of success.
func checkNoPage(start []byte) error {
	kind := http.DetectContentType(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")))
	if isPage(kind) {
		return errors.New("the server answered with a web page instead of the file")
	}
	return nil
}

// isPage reports whether a media type is that of a web page. No file of a replica is of such a type.
func isPage(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(kind) {
	case "text/html", "text/xml", "application/xhtml+xml":
		return true
	}
	return false
}
