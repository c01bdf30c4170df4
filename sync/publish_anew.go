package sync

import (
	"fmt"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/replica"
)

// followsAnew refuses the mirror of a former UUID of the replica if it has edits that are not here: it is that of a twin, or of the replica before it
// was restored, and was not pulled from since. Otherwise all of its log is written anew. Where that is the shorter one, as bookkeeping stays where it
// was made, the mirror's number is lowered first.
func (p *publisher) followsAnew(l *treeLog, m mirrored) error {
	held, err := p.holdsAll(l, m)
	if err != nil {
		return err
	}
	if !held {
		return fmt.Errorf("%s of the mirror, %d rows: %w", l.prefix+changeset.IndexFile, m.have, ErrMirrorAhead)
	}
	if m.have > l.Latest() {
		p.begin = append(p.begin, l.latestFile())
	}
	l.have = 0
	return nil
}

// holdsAll reports whether each edit in the log of a mirror is here, perhaps under another name.
func (p *publisher) holdsAll(l *treeLog, m mirrored) (bool, error) {
	mine, err := l.Collect(1, l.Latest())
	if err != nil {
		return false, err
	}
	lookup := p.from.Lookup
	if l.prefix != "" {
		lookup = p.from.LookupVote
	}
	rows, err := p.mirroredRows(l, m)
	if err != nil {
		return false, err
	}
	for _, theirs := range rows {
		var here []changeset.Row
		if int(theirs.Seq) <= len(mine) {
			here = append(here, mine[theirs.Seq-1])
		}
		if at, ok, err := lookup(theirs.ID); err != nil {
			return false, err
		} else if ok {
			here = append(here, mine[at-1])
		}
		if held, err := p.holds(l, theirs, here); !held || err != nil {
			return false, err
		}
	}
	return true, nil
}

// holds reports whether a row of the mirror is one of these rows here, but for the name, or bookkeeping, which stays where it was made.
func (p *publisher) holds(l *treeLog, theirs changeset.Row, here []changeset.Row) (bool, error) {
	for _, mine := range here {
		if mine.ID.Seq != theirs.ID.Seq {
			continue
		}
		if same, err := p.sameEdit(l, theirs, mine); same || err != nil {
			return same, err
		}
	}
	c, err := p.mirrored(l, theirs)
	return err == nil && c.Bookkeeping(), err
}

// sameEdit reports whether a row of the mirror and one here hold the same edit, whatever it is called.
func (p *publisher) sameEdit(l *treeLog, theirs, mine changeset.Row) (bool, error) {
	if theirs.Key == mine.Key {
		return true, nil
	}
	there, err := p.mirrored(l, theirs)
	if err != nil {
		return false, err
	}
	here, err := l.Changeset(mine)
	return err == nil && changeset.SameEdit(here, there), err
}

// mirroredRows reads the rows of a mirror's log.
func (p *publisher) mirroredRows(l *treeLog, m mirrored) ([]changeset.Row, error) {
	if m.unsure {
		return p.wholeRows(l, m.rows)
	}
	name := l.prefix + changeset.IndexFile
	b, err := afero.ReadFile(p.tree, name)
	if err != nil {
		return nil, inMirror(fmt.Errorf("read the mirror: %w", err))
	}
	if whole := len(b) / changeset.RowSize; whole < int(m.have) {
		return nil, inMirror(&replica.DamageError{Path: name, Err: fmt.Errorf("it ends before row %d", whole+1)})
	}
	rows, err := changeset.ParseRows(b[:int(m.have)*changeset.RowSize], 1)
	if err != nil {
		return nil, inMirror(&replica.DamageError{Path: name, Err: err})
	}
	return rows, nil
}

// mirrored reads the changeset of a row of the mirror.
func (p *publisher) mirrored(l *treeLog, row changeset.Row) (*changeset.Changeset, error) {
	b, err := cas.New(p.tree, l.prefix+"cas/"+changeset.ChangesetObjects).Get(row.Key)
	if err != nil {
		return nil, inMirror(fmt.Errorf("read the mirror: %w", err))
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil, inMirror(&replica.DamageError{Path: l.prefix + changeset.IndexFile, Err: fmt.Errorf("row %d: %w", row.Seq, err)})
	}
	return c, nil
}
