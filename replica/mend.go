package replica

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// recover finishes or takes back a commit that was cut off. Where a program of the original wrote since, nothing of that is lost: see halted.
func (r *Replica) recover() error {
	_, err := durable.Recover(r.fs)
	var foreign *durable.ForeignError
	if !errors.As(err, &foreign) {
		return err
	}
	m, err := mendOf(r.fs, r.opts.Where, foreign.Unfinished)
	if err != nil {
		return err
	}
	if err := foreign.Unfinished.Mend(r.fs, m); err != nil {
		return err
	}
	if !m.Made {
		r.warn(fmt.Sprintf("an edit or a pull was cut off in %s, and another program wrote there since: what that wrote is kept, "+
			"and what was cut off is not there: do it again", r.where()))
	}
	return nil
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
	for _, prefix := range []string{changeset.ResolutionsDir + "/", ""} {
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
		return m, err
	case made:
		return c.finish()
	}
	return c.takeBack()
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
		if !h.kept {
			return m, h.mixed("the commit was made, but not in %s", h.name(changeset.IndexFile))
		}
		h.cutAhead(&m)
		if h.completed != nil {
			m.Contents = append(m.Contents, durable.Content{Name: h.name(changeset.IndexFile), Data: h.completed})
		}
	}
	for _, p := range c.u.Points {
		if text, err := readSmall(c.fs, p.Name); err == nil && text == p.New {
			m.Points[p.Name] = p.New // to be sure that it is on the disk
		}
	}
	return m, nil
}

// cutAhead cuts what the other program added to records that the commit changed, for changesets that it did not come to log, or that were given up.
func (h *halted) cutAhead(m *durable.Mend) {
	for file, g := range h.recordIndexes() {
		index, err := afero.ReadFile(h.fs, file)
		end := len(index) - len(index)%changeset.VersionSize
		for own := int(g.At) + len(g.Data); err == nil && end-changeset.VersionSize >= own; end -= changeset.VersionSize {
			if v, err := changeset.ParseVersion(index[end-changeset.VersionSize : end]); err != nil || v.Seq <= h.latest {
				break
			}
		}
		if err == nil && end < len(index) {
			m.Lengths[g.Name] = int64(end)
		}
	}
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
		if err := h.takeBackRecords(&m); err != nil {
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

// takeBackRecords makes the indexes of the records that the commit changed again: up to the commit they stay, and then they have what the changesets
// of the other program make of the record. That one may have built on a version that goes.
func (h *halted) takeBackRecords(m *durable.Mend) error {
	changes := h.changes()
	for file, g := range h.recordIndexes() {
		if h.kept {
			delete(m.Lengths, g.Name)
			continue
		}
		if len(changes[file]) == 0 {
			continue
		}
		delete(m.Lengths, g.Name)
		if err := h.remake(file, g.At, changes[file], m); err != nil {
			return err
		}
	}
	return nil
}

// changes are what the other program's changesets do to records, by the index of each.
func (h *halted) changes() map[string][]step {
	changes := map[string][]step{}
	for i, c := range h.changesets {
		for j := range c.Changes {
			file := changeset.RecordPath(c.Changes[j].Record)
			changes[file] = append(changes[file], step{h.from + uint32(i) + 1, &c.Changes[j]})
		}
	}
	return changes
}

// step is what a row of the log does to a record.
type step struct {
	seq    uint32
	change *changeset.Change
}

// remake makes the index of a record again, from what it has up to a byte and the changes after that.
func (h *halted) remake(file string, at int64, steps []step, m *durable.Mend) error {
	index, err := afero.ReadFile(h.fs, file)
	if err != nil && !isNotExist(err) {
		return fmt.Errorf("read %s: %w", join(h.where, h.name(file)), err)
	}
	if int64(len(index)) < at {
		return nil // it is damaged, and not for this to hide
	}
	made := bytes.Clone(index[:at])
	exists, props, err := h.versionAtEnd(made)
	if err != nil {
		return fmt.Errorf("take back what was cut off in %s: %w", join(h.where, h.name(file)), err)
	}
	for _, s := range steps {
		v := changeset.Version{Seq: s.seq}
		if exists, props = Replay(exists, props, s.change); exists {
			text := changeset.EncodeRecord(props)
			v.Key = cas.Sum(text)
			m.Objects = append(m.Objects, durable.Content{Name: h.versions.Path(v.Key), Data: text})
		}
		made = changeset.AppendVersion(made, v)
	}
	if !bytes.Equal(made, index) {
		m.Contents = append(m.Contents, durable.Content{Name: h.name(file), Data: made})
	}
	return nil
}

// versionAtEnd reads the record as of the last row of its index.
func (h *halted) versionAtEnd(index []byte) (exists bool, props map[string]string, err error) {
	if len(index) < changeset.VersionSize {
		return false, nil, nil
	}
	v, err := changeset.ParseVersion(index[len(index)-changeset.VersionSize:])
	if err != nil || v.Deleted() {
		return false, nil, err
	}
	props, err = h.props(v.Key)
	return true, props, err
}
