package replica

import (
	"prophet/changeset"
	"prophet/resolution"
)

// State returns the merged state of a record and what is open about it, as [Replica.Merged] does, but for a record whose history
// has no forks without reading that history.
func (r *Replica) State(rec changeset.RecordID) (*resolution.Result, error) {
	ours, err := r.ours()
	if err != nil {
		return nil, err
	}
	last, confirmed, ok, err := r.log.shown(rec)
	if err != nil {
		return nil, err
	}
	if ok && confirmed {
		n, err := ours.noted(last.Seq)
		if err != nil {
			return nil, err
		}
		if n.flags&flagSettled != 0 {
			return r.settledState(rec, last)
		}
	}
	return r.Merged(rec)
}

// settledState is the state of a record whose last change is its only head.
func (r *Replica) settledState(rec changeset.RecordID, last changeset.Version) (result *resolution.Result, err error) {
	row, err := r.log.Row(last.Seq)
	if err != nil {
		return nil, err
	}
	result = &resolution.Result{Exists: !last.Deleted(), Heads: []changeset.ID{row.ID}}
	if result.Exists {
		result.Props, err = r.log.props(rec, last)
	}
	return result, err
}
