package webtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/spf13/afero"
)

// PipeURL is the address of servers that are reached by pipes.
const PipeURL = "http://mirror.example"

// Dial connects to the one server that there is, whatever the address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Pipe serves until the test ends, over connections in memory that its result makes. In a bubble of [testing/synctest] time passes only
// while client and server wait for each other, so nothing depends on how fast the machine is.
func Pipe(tb testing.TB, srv *http.Server) Dial {
	tb.Helper()
	p := &pipes{accept: make(chan net.Conn), done: make(chan struct{})}
	var work sync.WaitGroup
	handler := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		work.Add(1)
		defer work.Done()
		handler.ServeHTTP(w, r)
	})
	work.Go(func() { srv.Serve(p) })
	tb.Cleanup(func() {
		srv.Close()
		work.Wait()
	})
	return p.dial
}

// StaticPipe is [Static] over a [Pipe].
func StaticPipe(tb testing.TB, files afero.Fs, modifiers ...Modifier) (*Server, Dial) {
	tb.Helper()
	s := newServer(files, modifiers)
	s.URL = PipeURL
	return s, Pipe(tb, &http.Server{Handler: s})
}

// pipes is a listener.
type pipes struct {
	accept chan net.Conn
	done   chan struct{}
	close  sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: PipeURL} }
