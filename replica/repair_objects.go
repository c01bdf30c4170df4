package replica

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sync/errgroup"

	"prophet/cas"
	"prophet/changeset"
)

// wanted is an object that is missing or damaged.
type wanted struct {
	store *cas.Store
	of    func(r *Replica) *cas.Store // that of another replica
	key   cas.Key
	id    changeset.ID // zero if it is no changeset of the log
	votes bool
	data  []byte // once somebody had it
	from  string
}

// asked at once, so that memory is bounded: each object may be large.
const askedAtOnce = 16

// fetch asks the others for objects by their names, and stores what they have. Without an error, what came from nobody nobody has.
func (p *repair) fetch(objects []*wanted) error {
	if len(objects) == 0 {
		return nil
	}
	if err := p.fetchFromAll(p.others(), objects); err != nil {
		return err
	}
	if slices.ContainsFunc(objects, isMissed) {
		if err := p.fetchFromAll(p.more(), objects); err != nil {
			return err
		}
	}
	return p.disturbed()
}

// isMissed reports whether nobody had the object so far.
func isMissed(w *wanted) bool { return w.from == "" }

// fetchFromAll asks them one after the other.
func (p *repair) fetchFromAll(others []*Replica, objects []*wanted) error {
	for _, r := range others {
		for rest := objects; len(rest) > 0 && !p.isSilent(r); rest = rest[min(askedAtOnce, len(rest)):] {
			some := rest[:min(askedAtOnce, len(rest))]
			if err := p.fetchFrom(r, some); err != nil {
				return err
			}
			if err := p.store(some); err != nil {
				return err
			}
		}
		_ = p.isGivenUp(r) // which says so
	}
	return nil
}

// fetchFrom asks one of them. What it has under the name of an object, and is not that, is passed over with a word; and so is a place that cannot be read.
func (p *repair) fetchFrom(r *Replica, objects []*wanted) error {
	objects = slices.DeleteFunc(slices.Clone(objects), func(w *wanted) bool { return w.from != "" })
	faults := make([]error, len(objects))
	var group errgroup.Group
	for i, w := range objects {
		group.Go(func() error {
			data, err := w.of(r).Get(w.key)
			p.noteAnswer(r, err)
			if err == nil {
				w.data, w.from = data, r.where()
			}
			faults[i] = err
			return p.ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, err := range faults {
		p.warnOf(r, err)
	}
	return nil
}

// fetchByID looks for changesets that nobody has by their names in others' logs: theirs may be another representation, of which the one here can be made. The name proves it.
func (p *repair) fetchByID(objects []*wanted) error {
	for _, w := range objects {
		p.findByID(w, p.others())
		if isMissed(w) {
			p.findByID(w, p.more())
		}
	}
	if err := p.disturbed(); err != nil {
		return err
	}
	return p.store(objects)
}

// findByID asks them one after the other until one has it.
func (p *repair) findByID(w *wanted, others []*Replica) {
	for _, r := range others {
		if !isMissed(w) {
			return
		}
		data, err := r.bytesOf(w.id, w.votes, w.key)
		if data != nil {
			w.data, w.from = data, r.where()
		}
		p.passOver(r, err)
	}
}

// bytesOf returns the bytes with a name that are a representation of a changeset which the replica has; nil if they cannot be made of it.
func (r *Replica) bytesOf(id changeset.ID, votes bool, key cas.Key) ([]byte, error) {
	l := r.log
	if votes {
		l = r.votes
	}
	if b, err := l.objects.Get(key); err == nil {
		return b, nil
	}
	row, known, err := r.lookupIn(l.prefix, id)
	if !known || err != nil {
		return nil, err
	}
	c, err := l.at(row)
	if err != nil || c.Lost {
		return nil, err
	}
	bare := *c
	bare.Changes = slices.Clone(c.Changes)
	for i := range bare.Changes {
		bare.Changes[i].Parents = nil // as the original wrote it, and as it came here perhaps
	}
	for _, form := range []*changeset.Changeset{c, &bare} {
		if b := form.Encode(); cas.Sum(b) == key {
			return b, nil
		}
	}
	return nil, nil
}

// passOver warns of what another replica has in place of what it should have, or of a place that cannot be read. What it does not have is no reason to; nor is what an interrupted repair cannot read.
func (p *repair) passOver(r *Replica, err error) {
	p.noteAnswer(r, err)
	p.warnOf(r, err)
}

// warnOf is passOver for what was counted.
func (p *repair) warnOf(r *Replica, err error) {
	if p.opts.Warn != nil && err != nil && !isNotExist(err) && p.ctx.Err() == nil {
		p.opts.Warn("passed over in " + r.where() + ": " + err.Error())
	}
}

// mostFailures is after how many failures in a row, each of which may be several tries, a place is asked no more. So many objects are asked for at once anyway; and as many files of their own lie
// on no few bad blocks.
const mostFailures = askedAtOnce

// noteAnswer counts what a place failed to read in a row: what is missing there, damaged or not to be read by us is an answer. A nil error is one, too.
func (p *repair) noteAnswer(r *Replica, err error) {
	var failed *fs.PathError
	silent := err != nil && !isFault(err) && !errors.Is(err, fs.ErrPermission) && errors.As(err, &failed)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failures[r] >= mostFailures || p.ctx.Err() != nil:
	case silent:
		p.failures[r]++
		if p.how.Unread != nil {
			p.how.Unread(r)
		}
	default:
		p.failures[r] = 0
	}
}

// isSilent reports whether a place has failed so often that it is asked no more.
func (p *repair) isSilent(r *Replica) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures[r] >= mostFailures
}

// isGivenUp is isSilent, and says so, once.
func (p *repair) isGivenUp(r *Replica) bool {
	if !p.isSilent(r) {
		return false
	}
	p.warnOnce(fmt.Sprintf("%s is asked no more: reading there failed %d times in a row", r.where(), mostFailures))
	return true
}

// store stores those objects that somebody had.
func (p *repair) store(objects []*wanted) error {
	for _, w := range objects {
		if w.data == nil {
			continue
		}
		if _, err := p.object(w.store, w.data); err != nil {
			return err
		}
		p.tell(w.store.Path(w.key), IsFetched, "from %s", w.from)
		w.data = nil
	}
	return nil
}

// changesetOf is the object of a row of the log.
func changesetOf(l *Log, key cas.Key) *wanted {
	return &wanted{store: l.objects, key: key, of: func(r *Replica) *cas.Store { return sameLog(r, l).objects }}
}

// versionOf is the object of a version of a record.
func versionOf(l *Log, key cas.Key) *wanted {
	return &wanted{store: l.versions, key: key, of: func(r *Replica) *cas.Store { return sameLog(r, l).versions }}
}

// sameLog is the log of another replica that a log here is one of.
func sameLog(r *Replica, l *Log) *Log {
	if l.prefix != "" {
		return r.votes
	}
	return r.log
}

// mendChangesets fetches the changesets that cannot be read, and lists those that nobody has, with what is left of them.
func (p *repair) mendChangesets() error {
	for _, l := range p.logs() {
		lacking, err := p.lacking(l)
		if err != nil {
			return err
		}
		if err := p.fetch(lacking); err != nil {
			return err
		}
		if err := p.fetchByID(lacking); err != nil {
			return err
		}
	}
	if err := p.orLeft(p.mendList()); err != nil {
		return err
	}
	if err := p.r.reopen(); err != nil {
		return err
	}
	for _, l := range p.logs() {
		if err := p.mendLost(l); err != nil {
			return err
		}
	}
	return p.r.reopen()
}

// lacking returns the changesets of a log that cannot be read.
func (p *repair) lacking(l *Log) (lacking []*wanted, err error) {
	for row, err := range l.Rows(1, l.latest) {
		if err == nil {
			err = p.ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		p.step()
		if _, _, err := l.RawChangeset(row); isMissingObject(err) {
			w := changesetOf(l, row.Key)
			w.id, w.votes = row.ID, l.prefix != ""
			lacking = append(lacking, w)
		} else if err != nil && !isDamage(err) {
			return nil, err
		}
	}
	return lacking, nil
}

// isMissingObject reports whether an error says that an object is missing or damaged, so that another copy of it serves. We write none that is too large to be read.
func isMissingObject(err error) bool {
	var corrupt *cas.CorruptError
	return err != nil && (isNotExist(err) || errors.As(err, &corrupt) || errors.As(err, new(*cas.LargeError)))
}
