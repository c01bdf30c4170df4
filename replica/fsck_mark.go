package replica

import (
	"github.com/spf13/afero"

	"prophet/changeset"
)

// checkMark compares the mark of a mirror with the last rows that it names. It is written after the numbers, so it may be behind them; then readers
// look at the rows.
func (c *checker) checkMark() {
	text, err := readSmall(c.r.fs, MirrorMark)
	if isNotExist(err) {
		return
	}
	if there, err := exists(c.l.root, IdentityFile); err == nil && !there && text != "" {
		c.harmless(IdentityFile, "the file is missing: an earlier version published last, or it was deleted; the next publication writes it")
	}
	if err == nil && text == "" {
		c.harmless(MirrorMark, "it is empty, as an older version left it, or a publication that was cut off; the next publication writes it")
		return
	}
	m, told := ParseMark(text)
	if !told {
		c.problem(MirrorMark, "it cannot be read; empty the file, and the next publication writes it")
		return
	}
	if raw, err := afero.ReadFile(c.l.root, MirrorMark); err == nil && string(raw) != m.String() {
		c.harmless(MirrorMark, "it is not as our programs write it; the next publication writes it anew")
	}
	list, err := c.r.Representations()
	if err != nil {
		return // reported with the list
	}
	for _, of := range []struct {
		name string
		l    *Log
		row  changeset.Row
	}{{"the log", c.l, m.Changesets}, {"the list of representations", list, m.Representations}, {"the log of the resolutions", c.r.votes, m.Resolutions}} {
		c.checkMarked(of.name, of.l, of.row)
	}
	if s := m.States[0]; m.Changesets.Seq > 0 && s.UUID == c.l.uuid {
		c.checkPublished(s, []*Log{PublishedLog: c.l, PublishedList: list, PublishedVotes: c.r.votes})
	}
}

// checkPublished compares the rows of the state that the mark names first with those that there are.
func (c *checker) checkPublished(s Published, logs []*Log) {
	for i, l := range logs {
		if s.Rows[i] > l.latest {
			continue // told of the row that the mark names
		}
		if sum, err := RowsSum(l, s.Rows[i]); err == nil && sum != s.Sums[i] {
			c.problem(MirrorMark, "the first %d rows of %s are not those that it says were published; empty the file, and the next publication writes it", s.Rows[i], l.prefix+l.index)
		}
	}
}

// checkMarked compares a row that the mark names with the log's.
func (c *checker) checkMarked(name string, l *Log, marked changeset.Row) {
	if marked.Seq < l.latest {
		c.harmless(MirrorMark, "it names row %d of %s as the last one, there are %d: a publication was cut off or is at work", marked.Seq, name, l.latest)
	}
	if marked.Seq == 0 {
		return
	}
	row, err := l.Row(marked.Seq)
	if marked.Seq > l.latest || err == nil && row != marked {
		c.problem(MirrorMark, "it names a row %d of %s that is not there, so readers may miss changesets; empty the file, and the next publication writes it", marked.Seq, name)
	}
}
