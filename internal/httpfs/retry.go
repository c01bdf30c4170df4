package httpfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retries are our own: what must be tried again is a request together with the reading of its
// body, which a client that retries requests only does not cover, and the wait that a server may
// impose must be bounded.

const (
	maxTries      = 4 // for a connection or a status that may be better in a moment
	maxBodyTries  = 2 // for a body that arrived damaged
	firstWait     = 500 * time.Millisecond
	maxRetryAfter = 30 * time.Second
)

// FetchError says that a file could not be fetched, of which nothing is known for all that. It is wrapped by the [fs.PathError] that names the file.
type FetchError struct {
	Answered bool // the server did answer, but not with the file; else it was not reached
	Err      error
}

func (e *FetchError) Error() string { return e.Err.Error() }
func (e *FetchError) Unwrap() error { return e.Err }

// ErrUnauthorized says that the server wants a user name and password (401), or others than it got. It wraps [fs.ErrPermission].
var ErrUnauthorized = fmt.Errorf("the server wants a user name and password: %w", fs.ErrPermission)

// tryAgain is an error that may be gone in a moment.
type tryAgain struct {
	err   error
	tries int           // in all
	after time.Duration // what the server asked for, 0 if nothing
}

func (e *tryAgain) Error() string { return e.err.Error() }
func (e *tryAgain) Unwrap() error { return e.err }

// retry calls once until it returns nil, an error that is final, or one too many that is not.
func (c *client) retry(once func() error) error {
	for try := 1; ; try++ {
		err := once()
		again, ok := errors.AsType[*tryAgain](err)
		if !ok {
			return err
		}
		if try >= again.tries {
			return fmt.Errorf("tried %d times: %w", try, again.err)
		}
		if err := c.opts.Sleep(c.ctx, wait(try, again.after)); err != nil {
			return err
		}
	}
}

// wait returns how long to wait after a failed try, counted from 1: 0.5 s, doubled each time, less up to
// half of it at random, so that clients that failed together do not come back together; at least what the server asked for.
func wait(try int, after time.Duration) time.Duration {
	d := firstWait << (try - 1)
	return max(after, d-rand.N(d/2))
}

// parseRetryAfter reads the header Retry-After, a number of seconds or a date; 0 if it is neither or past.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, t.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
