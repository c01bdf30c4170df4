package replica

import (
	"maps"
	"sync"

	"github.com/google/uuid"

	"prophet/changeset"
)

// knownIDs tells which changesets a log holds and in which row. It is filled when first asked and then follows the log.
type knownIDs struct {
	mu   sync.Mutex
	of   uuid.UUID // the replica; with its UUID, changesets get other names too
	rows map[changeset.ID]uint32
	from map[uuid.UUID]uint32 // the lowest number known of each origin
	till map[uuid.UUID]uint32 // the highest
	upTo uint32
}

// lookup returns the row of the log that holds the changeset. It reads what has come to the log since the last call.
func (k *knownIDs) lookup(l *Log, id changeset.ID) (row uint32, ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.load(l); err != nil {
		return 0, false, err
	}
	row, ok = k.rows[id]
	return row, ok, nil
}

// load reads what has come to the log since the last call.
func (k *knownIDs) load(l *Log) error {
	if k.rows == nil || k.upTo > l.latest || k.of != l.uuid {
		k.rows, k.upTo, k.of = make(map[changeset.ID]uint32), 0, l.uuid
		k.from, k.till = make(map[uuid.UUID]uint32), make(map[uuid.UUID]uint32)
	}
	if k.upTo == l.latest {
		return nil
	}
	for row, err := range l.Rows(k.upTo+1, l.latest) {
		if err != nil {
			return err
		}
		k.rows[row.ID] = row.Seq
		if first := k.from[row.ID.Origin]; first == 0 || row.ID.Seq < first {
			k.from[row.ID.Origin] = row.ID.Seq
		}
		k.till[row.ID.Origin] = max(k.till[row.ID.Origin], row.ID.Seq)
		k.upTo = row.Seq
	}
	return nil
}

// origins returns the lowest number known of each origin.
func (k *knownIDs) origins(l *Log) (map[uuid.UUID]uint32, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(l)
	return maps.Clone(k.from), err
}

// highest returns the highest number known of each origin.
func (k *knownIDs) highest(l *Log) (map[uuid.UUID]uint32, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(l)
	return maps.Clone(k.till), err
}

// isHighest reports whether the changeset's number is above all that are known of its origin.
func (k *knownIDs) isHighest(l *Log, id changeset.ID) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(l)
	return id.Seq > k.till[id.Origin], err
}

// Highest returns the highest number of the changesets of an origin in the log; 0 if there are none.
func (r *Replica) Highest(origin uuid.UUID) (uint32, error) {
	k := &r.known
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(r.log)
	return k.till[origin], err
}

// Origins returns the origins of the changesets in the log, each with the lowest number that is known of it.
func (r *Replica) Origins() (map[uuid.UUID]uint32, error) { return r.known.origins(r.log) }

// VoteOrigins is Origins for the resolutions replica.
func (r *Replica) VoteOrigins() (map[uuid.UUID]uint32, error) { return r.knownVotes.origins(r.votes) }

// Lookup returns the row of the log that holds the changeset; ok is false if it is not known.
func (r *Replica) Lookup(id changeset.ID) (row uint32, ok bool, err error) {
	return r.known.lookup(r.log, id)
}

// LookupVote is Lookup for the resolutions replica.
func (r *Replica) LookupVote(id changeset.ID) (row uint32, ok bool, err error) {
	return r.knownVotes.lookup(r.votes, id)
}
