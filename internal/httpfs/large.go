package httpfs

import (
	"context"
	"errors"
	"sync"
)

// largeFile is how many bytes of a file are read before it counts as large.
const largeFile = 1 << 20

// largeFiles lets one large file be in memory at a time: a server may send as many as there are connections. Once it sent one that is larger than it may be, it gets no
// other chance.
type largeFiles struct {
	slot chan struct{} // holds one element while there is one

	mu      sync.Mutex
	refused error
}

func newLargeFiles() largeFiles { return largeFiles{slot: make(chan struct{}, 1)} }

// wait waits until there is no other. done lets the next one be read. While the client waits, the server is not expected to send anything.
func (l *largeFiles) wait(body *watched) (done func(), err error) {
	body.pause()
	select {
	case l.slot <- struct{}{}:
	case <-body.ctx.Done():
		return func() {}, body.explain(context.Cause(body.ctx))
	}
	body.resume()
	done = sync.OnceFunc(func() { <-l.slot })
	l.mu.Lock()
	defer l.mu.Unlock()
	return done, l.refused
}

// refuse notes an error that says that a file is too large, and returns it.
func (l *largeFiles) refuse(err error) error {
	if errors.As(err, new(*sizeError)) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused = err
	}
	return err
}
