package replica

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// recover finishes or takes back a commit that was cut off. Where a program of the original wrote since, nothing of that is lost: see halted. What
// such a one did not come to log goes.
func (r *Replica) recover() error {
	recovered, err := durable.Recover(r.fs)
	if err == nil && recovered {
		return r.cutStrays()
	}
	var foreign *durable.ForeignError
	if !errors.As(err, &foreign) {
		return err
	}
	m, err := mendOf(r.fs, r.opts.Where, foreign.Unfinished)
	if err != nil {
		return err
	}
	if !m.Made { // a backup that was put back over it since may have hidden that it was
		for _, name := range foreign.Unfinished.Brings {
			if err := durable.CopyFile(r.fs, name, path.Join(SetAsideDir, name)); err != nil && !isNotExist(err) {
				return err
			}
		}
	}
	if err := foreign.Unfinished.Mend(r.fs, m); err != nil {
		return err
	}
	if !m.Made {
		r.warn(fmt.Sprintf("an edit or a pull was cut off in %s, and another program wrote there since: what that wrote is kept, "+
			"and what was cut off is not there: do it again", r.where()))
	}
	return r.cutStrays()
}

// lookHalted returns what a reader reads instead of the files where a commit was cut off and another program wrote since: what the next writer will
// make of them.
func (r *Replica) lookHalted(foreign *durable.ForeignError) (afero.Fs, durable.View, error) {
	m, err := mendOf(r.fs, r.opts.Where, foreign.Unfinished)
	if err != nil {
		return nil, durable.View{}, err
	}
	v := durable.View{Lengths: m.Lengths, Points: m.Points}
	if m.Made {
		v.Replaced = foreign.Unfinished.Replaced()
	}
	mended := afero.NewMemMapFs()
	for _, c := range slices.Concat(m.Objects, m.Contents) {
		if err := afero.WriteFile(mended, c.Name, c.Data, 0o600); err != nil {
			return nil, v, err
		}
	}
	return afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(r.fs), mended), v, nil
}

// cutOff is a commit that was cut off where another program wrote since.
type cutOff struct {
	fs   afero.Fs // of the replica
	u    *durable.Unfinished
	logs []*halted // those to which it adds
}

// mendOf decides what is to become of a commit that was cut off where another program wrote since: it is finished, or taken back from below that.
func mendOf(fsys afero.Fs, where string, u *durable.Unfinished) (m durable.Mend, err error) {
	c := cutOff{fs: fsys, u: u}
	for _, prefix := range votesFirst {
		h, err := newHalted(fsys, where, prefix, u)
		if err != nil {
			return m, err
		}
		if h != nil {
			c.logs = append(c.logs, h)
		}
	}
	made, err := c.wasMade()
	if err == nil && !made && c.passed() {
		made, err = true, c.complete()
	}
	switch {
	case err != nil:
	case made:
		m, err = c.finish()
	default:
		m, err = c.takeBack()
	}
	for _, h := range c.logs {
		err = h.decided(err)
	}
	return m, err
}

// wasMade reports whether the commit was made, by what comes last in it.
func (c *cutOff) wasMade() (bool, error) {
	if h := c.lastLog(); h != nil {
		return h.kept, nil
	}
	if c.u.Rewritten != nil || len(c.u.Points) == 0 {
		return false, nil
	}
	last := c.u.Points[len(c.u.Points)-1]
	text, err := readSmall(c.fs, last.Name)
	if err != nil && !isNotExist(err) {
		return false, err
	}
	return text == last.New, nil
}

// lastLog returns the log that has the file which is the commit; nil if that is another file.
func (c *cutOff) lastLog() *halted {
	last := ""
	if n := len(c.u.Points); n > 0 {
		last = c.u.Points[n-1].Name
	}
	if c.u.Rewritten != nil {
		last = c.u.Rewritten.Name
	}
	for _, h := range c.logs {
		if last == h.name(changeset.LatestFile) || last == h.name(changeset.IndexFile) {
			return h
		}
	}
	return nil
}

// passed reports whether the commit is an index written anew, and the other program went on from a number that is written before it.
func (c *cutOff) passed() bool {
	return c.u.Rewritten != nil && slices.ContainsFunc(c.logs, func(h *halted) bool { return h.kept && len(h.changesets) > 0 })
}

// complete makes the commit that was passed.
func (c *cutOff) complete() error {
	h := c.lastLog()
	if h == nil {
		return nil
	}
	return h.complete(h.from)
}

// finish is what becomes of a commit that was made.
func (c *cutOff) finish() (durable.Mend, error) {
	m := durable.Mend{Made: true, Points: map[string]string{}, Lengths: map[string]int64{}}
	for _, h := range c.logs {
		if !h.kept && !h.unnumbered() {
			return m, h.mixed("the commit was made, but not in %s", h.name(changeset.IndexFile))
		}
		if err := h.cleanRecords(&m); err != nil {
			return m, err
		}
		if h.completed != nil {
			m.Contents = append(m.Contents, durable.Content{Name: h.name(changeset.IndexFile), Data: h.completed})
		}
	}
	return m, c.finishPoints(&m)
}

// finishPoints lets the points have their new texts: those that have it, to be sure that it is on the disk, and those that still have the old one, where
// all is there that the commit appends.
func (c *cutOff) finishPoints(m *durable.Mend) error {
	for _, p := range c.u.Points {
		text, err := readSmall(c.fs, p.Name)
		if err != nil && !isNotExist(err) {
			return err
		}
		if text == p.New || text == p.Old && c.whole() {
			m.Points[p.Name] = p.New
		}
	}
	return nil
}

// whole reports whether all is there that the commit appends, to any file.
func (c *cutOff) whole() bool {
	return c.u.Rewritten == nil && slices.ContainsFunc(c.logs, func(h *halted) bool { return h.prefix == "" && h.noted && h.whole() })
}

// takeBack is what becomes of a commit that was not made: its rows go, and those of the other program move to their place. Where that one went on from
// the decisions of the commit, whose number is written first, these stay, and the notes on them are made again.
func (c *cutOff) takeBack() (durable.Mend, error) {
	m := durable.Mend{Points: map[string]string{}, Lengths: map[string]int64{}}
	for _, g := range c.u.Grown {
		m.Lengths[g.Name] = g.At
		if g.Absent {
			m.Lengths[g.Name] = -1
		}
	}
	for _, p := range c.u.Points {
		if _, mark := markedBy(path.Base(p.Name)); mark {
			continue // the other program may have raised it; of a UUID that is not given up it says nothing
		}
		m.Points[p.Name] = p.Old
	}
	var indexes []durable.Content
	for _, h := range c.logs {
		if len(h.changesets) > 0 || h.latest < h.from {
			delete(m.Points, h.name(changeset.LatestFile))
		}
		if len(h.changesets) == 0 {
			continue
		}
		if err := h.mendRecords(&m); err != nil {
			return m, err
		}
		index := h.name(changeset.IndexFile)
		delete(m.Lengths, index)
		if moved := h.moved(); !h.kept && !bytes.Equal(moved, h.index) {
			indexes = append(indexes, durable.Content{Name: index, Data: moved})
		}
	}
	m.Contents = append(m.Contents, indexes...) // last: they say what else there is to do
	return m, nil
}

// moved is the index with the rows of the other program where those of the commit began.
func (h *halted) moved() []byte {
	rows := h.index[h.rowsAt:][:len(h.changesets)*changeset.RowSize]
	return append(bytes.Clone(h.index[:h.at]), rows...)
}
