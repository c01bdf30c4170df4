package replica

import (
	"errors"
	"fmt"

	"prophet/changeset"
)

// Edited reports whether edits are made in the replica: it has notes of ours on its rows, as no mirror and no exported copy has. Where only the original edits, it has none either.
func (r *Replica) Edited() (bool, error) { return exists(r.fs, rowsFile) }

// looksExported reports whether the replica is an exported or published copy: the first index of a record that can be read bears the number 0. A replica that lost all of its indexes is none;
// a copy has no index either where all records are deleted.
func (r *Replica) looksExported() (bool, error) {
	if r.opts.Mirror {
		return true, nil
	}
	for _, l := range []*Log{r.log, r.votes} { // one may have come with nothing but votes
		if taken, err := l.takenOver(); taken || err != nil {
			return false, err
		}
	}
	types, err := r.log.Types()
	if err != nil {
		return false, err
	}
	for _, typ := range types {
		for rec, err := range r.log.Records(typ) {
			if err != nil {
				return false, err
			}
			first, ok, err := r.log.first(rec)
			if ok && err == nil { // others are reported with the records
				return first.Seq == 0, nil
			}
		}
	}
	return r.exportedEmpty()
}

// exportedEmpty is looksExported where no record has an index.
func (r *Replica) exportedEmpty() (bool, error) {
	if is, err := exists(r.fs, MirrorMark); is || err != nil {
		return is, err
	}
	for _, name := range []string{IdentityFile, cacheFile} { // those of replicas
		if is, err := exists(r.fs, name); is || err != nil {
			return false, err
		}
	}
	marks, err := r.log.list(marksDir)
	if len(marks) > 0 || err != nil {
		return false, err
	}
	if votes, err := r.votes.Types(); len(votes) > 0 || err != nil {
		return false, err
	}
	lives, err := r.log.leavesRecords()
	return !lives, err
}

// leavesRecords reports whether a record lives after the last row, as far as the changesets can be read. It looks at them from the last one on.
func (l *Log) leavesRecords() (bool, error) {
	deleted := map[changeset.RecordID]bool{}
	for seq := l.latest; seq > 0; seq-- {
		c, err := l.at(seq)
		switch {
		case isFault(err) || isDamage(err):
			continue
		case err != nil:
			return false, err
		}
		for i := range c.Changes {
			ch := &c.Changes[i]
			if !deleted[ch.Record] && ch.Kind != changeset.Delete {
				return true, nil
			}
			deleted[ch.Record] = true
		}
	}
	return false, nil
}

// unnumbered is the error of an edit where the index of a record is missing, or bears the number 0: the replica is an exported copy, or damaged.
func (r *Replica) unnumbered(rec changeset.RecordID, row uint32) error {
	exported, err := r.looksExported()
	switch {
	case err != nil:
		return err
	case exported:
		return fmt.Errorf("%s is %w", r.where(), ErrExported)
	}
	first, ok, err := r.log.first(rec)
	switch {
	case err != nil:
		return err
	case ok && first.Seq == 0:
		return r.log.damagedIndex(rec, errors.New("row 1: it bears the number 0, as rows of exported copies alone do"))
	}
	return r.log.damagedIndex(rec, fmt.Errorf("the file is missing, though row %d of the log touches the record", row))
}
