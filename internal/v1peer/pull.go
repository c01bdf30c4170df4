package v1peer

import (
	"errors"
	"fmt"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// Report says what a pull did. It is returned with an error too.
type Report struct {
	Integrated int // changesets that came, conflicting ones included
	Conflicts  int // those that were in conflict
	Votes      int // changesets of the resolutions replica that came
}

// Pull integrates what the replica at the root of from has and this one has not: the resolutions first, then the changesets. A conflict
// that neither the votes nor resolve have an answer to ends it with [ErrNotResolved]. Then everything that came before stays, as after any other error.
func (p *Peer) Pull(from afero.Fs, resolve Resolver) (Report, error) {
	var report Report
	votes, err := openLog(from, changeset.ResolutionsDir+"/")
	if err != nil {
		return report, fmt.Errorf("pull: %w", err)
	}
	main, err := openLog(from, "")
	if err != nil {
		return report, fmt.Errorf("pull: %w", err)
	}
	v := &intake{p: p, from: votes, to: p.votes, resolve: Nobody}
	m := &intake{p: p, from: main, to: p.main, answers: p.votes, resolve: resolve}
	if err := v.pull(); err != nil {
		return Report{Votes: v.integrated}, fmt.Errorf("pull the resolutions from %s: %w", main.uuid, err)
	}
	err = m.pull()
	report = Report{Integrated: m.integrated, Conflicts: m.conflicts, Votes: v.integrated}
	if err != nil {
		return report, fmt.Errorf("pull from %s: %w", main.uuid, err)
	}
	return report, nil
}

// intake is a pull of one of the two logs.
type intake struct {
	p                     *Peer
	from, to              *log
	answers               *log // nil for the resolutions themselves
	resolve               Resolver
	integrated, conflicts int
}

func (in *intake) pull() error {
	if in.from.database != in.to.database {
		return fmt.Errorf("it is a replica of another database: %s, not %s", in.from.database, in.to.database)
	}
	if in.from.uuid == in.to.uuid {
		return errors.New("it is the same replica")
	}
	rows, err := in.from.rows()
	if err != nil {
		return err
	}
	mark, err := in.to.mark(in.from.uuid)
	if err != nil {
		return err
	}
	for _, row := range rows[min(max(mark, 0), int64(len(rows))):] {
		if err := in.take(row); err != nil {
			return fmt.Errorf("changeset %s: %w", row.ID, err)
		}
	}
	return nil
}

// take integrates the changeset of a row unless it is known.
func (in *intake) take(row changeset.Row) error {
	if known, err := in.to.knows(row.ID); err != nil {
		return err
	} else if known {
		return in.to.raise(in.from.uuid, row.Seq)
	}
	c, err := in.from.changeset(row)
	if err != nil {
		return err
	}
	if c.Bookkeeping() || len(c.Changes) == 0 {
		return in.seen(row)
	}
	found, err := in.to.conflicts(c, in.p.shuffle)
	if err != nil {
		return err
	}
	in.integrated++
	if len(found) == 0 {
		return in.integrate(c, row)
	}
	in.conflicts++
	return in.settle(found, c, row)
}

// knows is the original's test of whether a changeset has been seen.
func (l *log) knows(id changeset.ID) (bool, error) {
	if id.Origin == l.uuid {
		return true, nil
	}
	mark, err := l.mark(id.Origin)
	return mark >= int64(id.Seq), err
}

// seen raises the marks of the maker of a row and of the replica that it was read from.
func (in *intake) seen(row changeset.Row) error {
	if row.ID.Origin != in.to.uuid {
		if err := in.to.raise(row.ID.Origin, row.ID.Seq); err != nil {
			return err
		}
	}
	return in.to.raise(in.from.uuid, row.Seq)
}

// integrate logs a changeset under its own ID, as the records are now.
func (in *intake) integrate(c *changeset.Changeset, row changeset.Row) error {
	e := in.p.replay(c)
	e.c.ID = c.ID
	for _, ch := range c.Changes {
		if err := in.to.apply(e, ch); err != nil {
			return err
		}
	}
	if err := in.seen(row); err != nil {
		return err
	}
	return in.to.commit(e)
}

// settle logs the three changesets of a conflict. Nothing is logged if there is no answer to it.
func (in *intake) settle(found []Conflict, c *changeset.Changeset, row changeset.Row) error {
	resolution, prints, err := in.resolution(found)
	if err != nil {
		return err
	}
	if err := in.bookkeep(nullification(found)); err != nil {
		return err
	}
	if err := in.integrate(c, row); err != nil {
		return err
	}
	if len(resolution.Changes) == 0 {
		return nil
	}
	for i, ch := range resolution.Changes {
		if err := in.p.vote(prints[i], ch); err != nil {
			return err
		}
	}
	return in.bookkeep(resolution)
}

// bookkeep logs a changeset of bookkeeping.
func (in *intake) bookkeep(c *changeset.Changeset) error {
	e := in.p.replay(c)
	for _, ch := range c.Changes {
		if err := in.to.apply(e, ch); err != nil {
			return err
		}
	}
	return in.to.commit(e)
}
