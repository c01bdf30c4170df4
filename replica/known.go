package replica

import (
	"sync"

	"prophet/changeset"
)

// knownIDs tells which changesets a log holds and in which row. It is filled when first asked and then follows the log.
type knownIDs struct {
	mu   sync.Mutex
	rows map[changeset.ID]uint32
	upTo uint32
}

// lookup returns the row of the log that holds the changeset. It reads what has come to the log since the last call.
func (k *knownIDs) lookup(l *Log, id changeset.ID) (row uint32, ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows == nil || k.upTo > l.latest {
		k.rows, k.upTo = make(map[changeset.ID]uint32), 0
	}
	if k.upTo < l.latest {
		for row, err := range l.Rows(k.upTo+1, l.latest) {
			if err != nil {
				return 0, false, err
			}
			k.rows[row.ID] = row.Seq
			k.upTo = row.Seq
		}
	}
	row, ok = k.rows[id]
	return row, ok, nil
}

// Lookup returns the row of the log that holds the changeset; ok is false if it is not known.
func (r *Replica) Lookup(id changeset.ID) (row uint32, ok bool, err error) {
	return r.known.lookup(r.log, id)
}

// LookupVote is Lookup for the resolutions replica.
func (r *Replica) LookupVote(id changeset.ID) (row uint32, ok bool, err error) {
	return r.knownVotes.lookup(r.votes, id)
}
