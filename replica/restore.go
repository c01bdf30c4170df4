package replica

import (
	"errors"
	"fmt"
	"maps"

	"prophet/changeset"
	"prophet/resolution"
)

// ErrLives is wrapped by the error of [Edit.Restore] about a record that is not deleted.
var ErrLives = errors.New("it is not deleted")

// Restore makes a record live that does not, with the properties given and no others: it brings a deleted one back, or makes one under an ID that
// others may give it too, as a setting's. ErrLives is wrapped if it lives. [Edit.RestoreAt] has the properties that it had.
func (e *Edit) Restore(rec changeset.RecordID, props map[string]string) error {
	if err := changeset.CheckType(rec.Type); err != nil {
		return err
	}
	if err := checkProps(props); err != nil {
		return err
	}
	w, err := e.want(rec)
	if err != nil {
		return err
	}
	if w.exists {
		return fmt.Errorf("restore %s: %w", rec, ErrLives)
	}
	w.exists, w.props, w.touch = true, nonEmpty(props), true
	return nil
}

// Past returns what a record was once the changeset was made: the merge of that and all that its maker had seen of the record. With the zero ID it is
// what a deleted record was before the deletions.
func (e *Edit) Past(rec changeset.RecordID, at changeset.ID) (*resolution.Result, error) {
	entries, err := e.entries(rec)
	if err != nil {
		return nil, err
	}
	history := resolution.NewHistory(entries)
	if at.IsZero() {
		entries, _ = history.SplitDeletions()
	} else if entries = history.Past(at); entries == nil {
		return nil, fmt.Errorf("changeset %s did not touch it", at.Short())
	}
	return e.tx.main.mergeEntries(rec, entries)
}

// Together returns what a record would be if some changes to it and all that their makers had seen of it were all there is.
func (e *Edit) Together(rec changeset.RecordID, ids ...changeset.ID) (*resolution.Result, error) {
	entries, err := e.entries(rec)
	if err != nil {
		return nil, err
	}
	if entries = resolution.NewHistory(entries).Past(ids...); entries == nil {
		return nil, fmt.Errorf("one of %d changesets did not touch %s", len(ids), rec)
	}
	return e.tx.main.mergeEntries(rec, entries)
}

// entries returns all ordinary changes to a record that exists or is deleted.
func (e *Edit) entries(rec changeset.RecordID) ([]resolution.Entry, error) {
	s, err := e.tx.main.state(rec)
	if err != nil {
		return nil, err
	}
	if s.wasNever() {
		return nil, e.tx.r.noRecord(rec)
	}
	return e.tx.main.load(rec, s)
}

// RestoreAt is [Edit.Restore] with the properties that a deleted record had once the changeset was made, or, with the zero ID, before
// it was deleted, and those given in their place; an empty value leaves one out. It returns what the record was then, as [Edit.Past] does. ErrNoRecord
// is wrapped if there never was such a record.
func (e *Edit) RestoreAt(rec changeset.RecordID, at changeset.ID, props map[string]string) (*resolution.Result, error) {
	_, lives, err := e.Props(rec)
	if err != nil {
		return nil, err
	}
	if lives {
		return nil, fmt.Errorf("restore %s: %w", rec, ErrLives)
	}
	past, err := e.Past(rec, at)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", rec, err)
	}
	if !past.Exists {
		return nil, fmt.Errorf("restore %s: it was deleted when changeset %s was made", rec, at.Short())
	}
	all := maps.Clone(past.Props)
	maps.Copy(all, props)
	return past, e.Restore(rec, all)
}
