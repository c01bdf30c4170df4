package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"prophet/cas"
	"prophet/changeset"
	"prophet/replica"
)

// A mirror may be read in the middle of a publication, through caches that are behind each by another while, or from servers that do not all have the same files
// yet. Its mark names the states that were published last, and a pull reads one of them, from whichever files: docs/adr/0018-mirrors-midway.md says why that is safe.

// pauses are how long a pull waits before it looks at a mirror again of which no state is whole.
var pauses = []time.Duration{250 * time.Millisecond, time.Second}

// TornError says that a mirror shows files of several states, and none of those that were published last as a whole. Nothing was changed.
type TornError struct {
	Where string // the mirror
	Err   error  // what is missing of the latest state
}

func (e *TornError) Error() string {
	return fmt.Sprintf("%s shows no state that was published as a whole: it is being published to, or that was cut off, or caches on the way are old: %v", e.Where, e.Err)
}

func (e *TornError) Unwrap() error { return e.Err }

// errOtherLog is the error of a log that is not that of the state which is read.
var errOtherLog = errors.New("its rows are those of another state of the mirror")

// runWhole is run, of the latest published state of the source that is whole, where the source is a mirror that names such states.
func (p *pull) runWhole(ctx context.Context) error {
	source := p.from
	defer func() { p.from, p.older = source, nil }()
	for look := 0; ; look++ {
		c, err := p.choice(source)
		if err != nil {
			return err
		}
		err = p.runAt(ctx, source, c.states)
		switch last := look == len(pauses); {
		case !p.torn(err) || c.only:
			return err
		case last && errors.As(err, new(*WentBackError)):
			return err
		case last:
			return p.runOlder(ctx, source, c, err)
		}
		if err := p.lookAgain(ctx, source, pauses[look]); err != nil {
			return err
		}
	}
}

// runAt is run, of the first of the states, which the others are older than; of what the files say if there is none.
func (p *pull) runAt(ctx context.Context, source *replica.Replica, states []replica.Published) error {
	p.from, p.older = source, nil
	if len(states) == 0 {
		return p.run(ctx)
	}
	if err := p.runWindows(ctx, source, states[0]); err != nil {
		return err
	}
	p.from, p.older = source.At(states[0]), states[1:]
	return p.run(ctx)
}

const beingPublished = "somebody is publishing there, or was cut off in that, or caches on the way are old; so only what was published before that was read"

// runOlder is run, of the first of the states that is whole, which the latest one is not, and that has something new. What kept it from being the latest is told.
func (p *pull) runOlder(ctx context.Context, source *replica.Replica, c choice, why error) error {
	states := c.states
	for i := 1; i < len(states); i++ {
		p.restart()
		expected := c.coming && i == 1
		if read, err := p.readOf(source, states[i]); err != nil || states[i].Rows == read {
			if err == nil && expected {
				return p.finish() // nothing is new yet
			}
			return cmp.Or(err, error(&TornError{source.Where(), why}))
		}
		err := p.runAt(ctx, source, states[i:])
		if err == nil && !expected {
			p.opts.warn("%v: %s", why, beingPublished)
		}
		if !p.torn(err) {
			return err
		}
	}
	return &TornError{source.Where(), why}
}

// lookAgain waits, and makes sure that the mirror is asked anew, and not its caches.
func (p *pull) lookAgain(ctx context.Context, source *replica.Replica, pause time.Duration) error {
	sleep := p.opts.Sleep
	if sleep == nil {
		sleep = wait
	}
	if err := sleep(ctx, pause); err != nil {
		return err
	}
	if cached, ok := source.FS().(interface{ Revalidate() }); ok {
		cached.Revalidate()
	}
	source.LookAgain()
	p.restart()
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// torn reports whether an error may be one of a mirror that shows files of several states, before anything was written: something is missing. What is there
// and is damaged is no sign of that.
func (p *pull) torn(err error) bool {
	var faulty *replica.FaultyError
	var back *WentBackError
	missing := errors.As(err, &faulty) && faulty.Mirror && !errors.As(err, new(*cas.CorruptError)) && !errors.As(err, new(*cas.LargeError))
	return err != nil && !p.wrote && (missing || errors.As(err, &back) || errors.Is(err, errOtherLog))
}

// choice is what there is to read of a source.
type choice struct {
	states []replica.Published // of a mirror, the latest first; none: what its files say
	coming bool                // the first of them is one that is being published
	only   bool                // what is missing there is missing: there is nothing else
}

// choice returns the states of a mirror that its mark names, but those that are older than what was read of it. Where all are, it is the latest of them, which
// shows how; or what the files say, if these say that all was read, because the mark may be behind the rest.
func (p *pull) choice(source *replica.Replica) (choice, error) {
	asFilesSay := choice{only: true}
	if !source.Mirror() && source.CheckEditable() == nil {
		return asFilesSay, nil
	}
	if known, err := p.to.Log().Peer(source.UUID()); err != nil || known.V1 && known.Read == source.Latest() {
		return asFilesSay, err // it has no mark, and is not asked for one again
	}
	mark, _, err := source.Mark()
	if err != nil || mark.States[0].IsZero() {
		return asFilesSay, err
	}
	var c choice
	for _, s := range mark.States {
		if s.IsZero() {
			break
		}
		read, err := p.readOf(source, s)
		if err != nil {
			return c, err
		}
		if !behind(s.Rows, read) {
			c.states = append(c.states, s)
		}
	}
	if len(c.states) > 0 {
		c.coming = mark.Changesets.Seq == 0
		c.only = len(c.states) == 1 && !c.coming
		return c, nil
	}
	read, err := p.readOf(source, mark.States[0])
	if source.Latest() != read[replica.PublishedLog] || source.Resolutions().Latest() != read[replica.PublishedVotes] {
		c.states = mark.States[:1]
	}
	return c, err
}

// readOf returns how many rows of each log were read of a mirror that had a state.
func (p *pull) readOf(source *replica.Replica, s replica.Published) (rows [3]uint32, err error) {
	main, err := p.to.Log().Peer(s.UUID)
	if err != nil {
		return rows, err
	}
	votes, err := p.to.Resolutions().Peer(s.Votes)
	if err != nil {
		return rows, err
	}
	if isAt(main, source) {
		rows[replica.PublishedLog], rows[replica.PublishedList] = main.Read, main.Representations
	}
	if isAt(votes, source) {
		rows[replica.PublishedVotes] = votes.Read
	}
	return rows, nil
}

// isAt reports whether a peer was found last where the source is.
func isAt(peer replica.Peer, source *replica.Replica) bool {
	return strings.TrimSuffix(peer.URL, "/") == strings.TrimSuffix(source.Where(), "/")
}

// behind reports whether a log has fewer rows than were read of it.
func behind(rows, read [3]uint32) bool {
	for i, n := range rows {
		if n < read[i] {
			return true
		}
	}
	return false
}

// hasMark reports whether the source may say in a mark what its last rows are: a mirror on the web, or one in a directory that names what was published.
func (p *pull) hasMark() bool {
	_, named := p.from.PublishedState()
	return named || p.from.Mirror()
}

// checkState makes sure that rows of the source are those of the state that is read. Of a log that is read from its beginning that is certain; of one that was read
// before, what was read last is compared anyway, and the last row with that in the mark.
func (p *pull) checkState(s *side, rows *items) error {
	state, ok := p.from.PublishedState()
	if !ok || rows.len() == 0 {
		return nil
	}
	mark, _, err := p.from.Mark()
	if err != nil {
		return err
	}
	last := rows.row(rows.len() - 1)
	marked := s.marked(mark)
	sum := state.Sums[s.kind()] // "" of a part of a state
	if rows.first == 1 && sum != "" && replica.SumRows(rows.rows(0)) != sum || marked.Seq == last.Seq && marked != last {
		return fmt.Errorf("read the %s of %s up to row %d: %w", s.what, p.from.Where(), last.Seq, errOtherLog)
	}
	return nil
}

// kind says which log of a published state the side is.
func (s *side) kind() int {
	switch {
	case s.votes:
		return replica.PublishedVotes
	case s.list:
		return replica.PublishedList
	}
	return replica.PublishedLog
}

// fetchAhead fetches, before anything is written, what the source's state has and one of the states before it had not: if something of that is missing, an older
// state can be read instead. It goes back as far as one transaction reaches.
func (p *pull) fetchAhead(ctx context.Context) error {
	if len(p.older) == 0 {
		return nil
	}
	if err := p.readListAhead(); err != nil {
		return err
	}
	var doubtful []place
	for _, base := range slices.Backward(p.older) {
		if doubtful = p.above(base); len(doubtful) <= batchRows {
			break
		}
	}
	if len(doubtful) > batchRows {
		return nil
	}
	list := make([]item, len(doubtful))
	for i, of := range doubtful {
		list[i] = of.items.at(of.i)
		list[i].read = nil // names are given when it is taken up
	}
	got, err := fetchAll(ctx, list, new(int))
	if err != nil {
		return err
	}
	for i, f := range got {
		doubtful[i].items.keep(doubtful[i].i, f.c)
	}
	return nil
}

// readListAhead reads the rows of the list of representations. What it names may come with the log, so which of them are new shows only later; until then all
// are items that the log does not have with the same bytes, and of which there is no later one.
func (p *pull) readListAhead() (err error) {
	if p.list == nil {
		return nil
	}
	if p.list.unread, err = p.newRows(p.list); err != nil {
		return err
	}
	last := map[changeset.ID]changeset.Row{}
	for row := range p.list.unread.rows(0) {
		last[row.ID] = row
	}
	for row := range p.main.items.rows(0) {
		if last[row.ID].Key == row.Key {
			delete(last, row.ID)
		}
	}
	for i, it := range p.list.unread.all() {
		if last[it.row.ID] != it.row {
			continue
		}
		mine, ok, err := p.to.BestRow(p.list.name(it.row.ID))
		if err != nil {
			return err
		}
		if !ok || mine.Key != it.row.Key {
			p.list.ahead = append(p.list.ahead, i)
		}
	}
	return nil
}

// place is where an item stands.
type place struct {
	items *items
	i     int
}

// above returns what the source has that a state had not, and that is to be fetched; some of it where that is more than a batch.
func (p *pull) above(base replica.Published) (places []place) {
	for _, s := range p.sides() {
		for i := range s.items.entries {
			if len(places) > batchRows {
				return places
			}
			if s.items.entries[i].where == fromSource && s.isAbove(base, s.items.row(i)) {
				places = append(places, place{s.items, i})
			}
		}
	}
	if p.list == nil {
		return places
	}
	for _, i := range p.list.ahead {
		if p.list.isAbove(base, p.list.unread.row(i)) {
			places = append(places, place{p.list.unread, i})
		}
	}
	return places
}

// isAbove reports whether a state had not that row.
func (s *side) isAbove(base replica.Published, row changeset.Row) bool {
	another := base.UUID != s.from.UUID() && !s.votes || base.Votes != s.from.UUID() && s.votes // log by now
	return another || row.Seq > base.Rows[s.kind()]
}
