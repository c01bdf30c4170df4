package replica

import (
	"errors"
	"io/fs"
)

// What nobody has, a repair gives up: it lists a changeset as lost, lets a row name something else, takes a file away. A repair that is interrupted asks nobody any more, and what a disk fails to read
// may be whole. Neither may look as if nobody had it: so after either nothing more is written or told as lost, and the error says why. Run again, the repair finds all that was there.

// unread keeps an error of reading here that says nothing of the file: not that it is missing, nor that it is damaged.
func (p *repair) unread(err error) {
	var failed *fs.PathError
	if err == nil || isFault(err) || !errors.As(err, &failed) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

// disturbed returns what makes it unknown what is here and what others have: the repair is interrupted, or a file here could not be read.
func (p *repair) disturbed() error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}
