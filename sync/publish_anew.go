package sync

import (
	"fmt"

	"prophet/changeset"
	"prophet/replica"
)

// sameButName reports whether the last row of a mirror that has a former UUID of the replica is the row here, perhaps under another name. If not, the mirror
// is that of the twin, or of a later state.
func (p *publisher) sameButName(l *treeLog, m mirrored, mine changeset.Row) (bool, error) {
	if mine == m.last || mine.ID.Seq != m.last.ID.Seq {
		return mine == m.last, nil
	}
	b, err := readAtMost(p.tree, l.prefix+changeset.ObjectPath(changeset.ChangesetObjects, m.last.Key), changeset.MaxFile)
	if err != nil {
		return false, err
	}
	theirs, err := changeset.Decode(b)
	if err != nil {
		return false, &replica.DamageError{Path: l.prefix + changeset.IndexFile, Err: fmt.Errorf("row %d: %w", m.have, err)}
	}
	c, err := l.Changeset(mine)
	return err == nil && changeset.SameEdit(c, theirs), err
}

// stillNamed returns an error if a replica got other names for what it holds while it was read.
func stillNamed(r *replica.Replica) error {
	renamed, err := r.Renamed()
	if err == nil && renamed {
		err = fmt.Errorf("%s got another UUID while it was read: do that again", r.Where())
	}
	return err
}
