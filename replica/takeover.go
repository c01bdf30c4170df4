package replica

import (
	"context"
	"errors"
	"slices"

	"prophet/changeset"
)

// ErrExported is wrapped by the error of an attempt to write to an exported or published copy: it lacks the history of its records,
// and has the UUID of the replica that it was made from.
var ErrExported = errors.New("an exported copy, made to be cloned and not to be edited")

// takeOver makes the notes on rows that somebody else wrote, under the lock. What the log shows and the merge would change is adopted, or, where we wrote
// the rows and lost the notes, mended by a resolution, and votes are counted, in the same transaction, because once the notes are there nobody looks at those
// rows again.
func (r *Replica) takeOver(ctx context.Context) error {
	votes, main, err := r.deriveBoth()
	switch {
	case err != nil:
		return err
	case main == nil && votes == nil:
		return nil
	case main != nil && main.unnumbered != nil:
		return r.unnumbered(main.unnumbered.rec, main.unnumbered.row)
	}
	if err := r.noteOldIDs(main); err != nil {
		return err
	}
	err = errNothingLogged
	if recounts(votes, main) || len(main.differ)+len(main.undone) > 0 {
		err = r.noteAndSettle(ctx, votes, main)
	}
	if errors.Is(err, errNothingLogged) {
		err = r.writeNotes(votes, main)
	}
	if err != nil {
		return err
	}
	return r.reopen()
}

// recounts reports whether new rows are votes, or change settings.
func recounts(votes, main *derived) bool { return votes != nil || main != nil && main.settings }

// errNothingLogged is the error of a transaction that would only add notes: those go with changesets.
var errNothingLogged = errors.New("nothing is to be logged")

// writeNotes writes notes that go with no changeset.
func (r *Replica) writeNotes(votes, main *derived) error {
	if votes != nil {
		if err := votes.write(r.fs, r.votes.prefix); err != nil {
			return err
		}
	}
	if main != nil {
		return main.write(r.fs, r.log.prefix)
	}
	return nil
}

// noteAndSettle writes the notes and, with them, the changesets that they ask for. Where they ask for none it writes nothing, and the error is
// errNothingLogged.
func (r *Replica) noteAndSettle(ctx context.Context, votes, main *derived) error {
	return r.transact(ctx, func(tx *Tx) error {
		tx.recount, tx.allRules = recounts(votes, main), main != nil && main.settings
		if votes != nil {
			if err := votes.appendTo(tx.d, r.fs, r.votes.prefix, false); err != nil {
				return err
			}
		}
		if main != nil {
			if err := tx.main.loadOpen(); err != nil {
				return err
			}
			if err := main.appendTo(tx.d, r.fs, r.log.prefix, tx.main.notes.anew); err != nil {
				return err
			}
		}
		if err := tx.settleDerived(main); err != nil {
			return err
		}
		if tx.main.seq == r.log.latest && tx.res.seq == r.votes.latest {
			return errNothingLogged
		}
		return nil
	})
}

// settleDerived logs what rows that were noted now ask for.
func (tx *Tx) settleDerived(main *derived) error {
	if main == nil {
		return tx.Settle()
	}
	again := main.undone
	if main.ours {
		again = append(again, main.differing()...)
	} else if _, err := tx.Adopt(main.differ); err != nil {
		return err
	}
	slices.SortFunc(again, changeset.RecordID.Compare)
	if err := tx.main.remerge(again); err != nil {
		return err
	}
	return tx.Settle()
}

// differing returns the records whose state in the log is not the merged one.
func (d *derived) differing() (recs []changeset.RecordID) {
	for _, s := range d.differ {
		recs = append(recs, s.Record)
	}
	return recs
}

// CheckEditable returns an error that wraps ErrExported for an exported or published copy, to which nothing can be written.
func (r *Replica) CheckEditable() error { return r.refuseExported() }

// refuseExported returns an error for a copy that cannot be edited, before anything is written to it.
func (r *Replica) refuseExported() error {
	if r.log.latest == 0 {
		return nil
	}
	if taken, err := r.log.takenOver(); taken || err != nil {
		return err
	}
	c, err := r.log.at(1)
	if err != nil {
		return err
	}
	for _, ch := range c.Changes {
		first, ok, err := r.log.first(ch.Record)
		if err != nil {
			return err
		}
		if !ok || first.Seq == 0 {
			return r.unnumbered(ch.Record, 1)
		}
	}
	return nil
}

// Shown is what a replica shows of a record.
type Shown struct {
	Record changeset.RecordID
	Exists bool
	Props  map[string]string // nil if it does not exist
}

// Adopt makes changesets of our own that decide for what is shown wherever the merged state is another. They are written as decisions, with
// votes. It returns how many records it decided about.
func (tx *Tx) Adopt(shown []Shown) (records int, err error) {
	var changes []changeset.Change
	for _, s := range shown {
		ch, err := tx.adoption(s)
		if err != nil {
			return 0, err
		}
		if ch != nil {
			changes = append(changes, *ch)
		}
	}
	return len(changes), tx.decideAll(changes)
}

// adoption is the change that makes the merged state what is shown, nil if it is.
func (tx *Tx) adoption(s Shown) (*changeset.Change, error) {
	result, err := tx.Merged(s.Record)
	if err != nil {
		return nil, err
	}
	ch := difference(s.Record, result.Exists, result.Props, s.Exists, s.Props)
	if ch != nil {
		ch.Parents = result.Heads
	}
	return ch, nil
}
