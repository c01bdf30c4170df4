package replica

import "prophet/changeset"

// Chain returns the state of a record as one origin alone made it, others left out: what its own changes to the record come to, up to its
// changeset last, pending ones included. The caller must not change props. It costs nothing more than the record's state where nobody else changed the record.
func (tx *Tx) Chain(rec changeset.RecordID, last changeset.ID) (exists bool, props map[string]string, err error) {
	s, err := tx.main.state(rec)
	if err != nil {
		return false, nil, err
	}
	if s.settled && s.head == last { // and thus the only head: all that is known of the record is in its past
		return s.exists, s.props, nil
	}
	if s.wasNever() {
		return false, nil, nil
	}
	if _, err := tx.main.merge(rec, s); err != nil { // which loads the entries; to integrate the origin's next change takes it anyway
		return false, nil, err
	}
	for _, e := range s.entries {
		if e.ID.Origin == last.Origin && e.ID.Seq <= last.Seq {
			exists, props = Replay(exists, props, e.Change)
		}
	}
	return exists, props, nil
}
