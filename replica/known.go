package replica

import (
	"sync"

	"github.com/google/uuid"

	"prophet/changeset"
)

// knownIDs tells which changesets a log holds and in which row. It is filled when first asked and then follows the log.
type knownIDs struct {
	mu   sync.Mutex
	of   uuid.UUID // the replica; with its UUID, changesets get other names too
	made map[uuid.UUID]*known
	upTo uint32
}

// known is what is known of an origin.
type known struct {
	rows            map[uint32]uint32 // of the log, by the numbers of the changesets
	lowest, highest uint32            // of these numbers
}

// lookup returns the row of the log that holds the changeset. It reads what has come to the log since the last call.
func (k *knownIDs) lookup(l *Log, id changeset.ID) (row uint32, ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.load(l); err != nil {
		return 0, false, err
	}
	if of := k.made[id.Origin]; of != nil {
		row, ok = of.rows[id.Seq]
	}
	return row, ok, nil
}

// load reads what has come to the log since the last call.
func (k *knownIDs) load(l *Log) error {
	if k.made == nil || k.upTo > l.latest || k.of != l.uuid {
		k.made, k.upTo, k.of = map[uuid.UUID]*known{}, 0, l.uuid
	}
	if k.upTo == l.latest {
		return nil
	}
	for row, err := range l.Rows(k.upTo+1, l.latest) {
		if err != nil {
			return err
		}
		of := k.made[row.ID.Origin]
		if of == nil {
			of = &known{rows: map[uint32]uint32{}, lowest: row.ID.Seq}
			k.made[row.ID.Origin] = of
		}
		of.rows[row.ID.Seq] = row.Seq
		of.lowest, of.highest = min(of.lowest, row.ID.Seq), max(of.highest, row.ID.Seq)
		k.upTo = row.Seq
	}
	return nil
}

// origins returns the lowest number known of each origin.
func (k *knownIDs) origins(l *Log) (map[uuid.UUID]uint32, error) {
	return k.each(l, func(of *known) uint32 { return of.lowest })
}

// highest returns the highest number known of each origin.
func (k *knownIDs) highest(l *Log) (map[uuid.UUID]uint32, error) {
	return k.each(l, func(of *known) uint32 { return of.highest })
}

// each returns a number of each origin.
func (k *knownIDs) each(l *Log, number func(of *known) uint32) (map[uuid.UUID]uint32, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(l)
	numbers := make(map[uuid.UUID]uint32, len(k.made))
	for origin, of := range k.made {
		numbers[origin] = number(of)
	}
	return numbers, err
}

// highestOf returns the highest number known of an origin; 0 if none is.
func (k *knownIDs) highestOf(l *Log, origin uuid.UUID) (uint32, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.load(l)
	if of := k.made[origin]; of != nil {
		return of.highest, err
	}
	return 0, err
}

// isHighest reports whether the changeset's number is above all that are known of its origin.
func (k *knownIDs) isHighest(l *Log, id changeset.ID) (bool, error) {
	highest, err := k.highestOf(l, id.Origin)
	return id.Seq > highest, err
}

// Highest returns the highest number of the changesets of an origin in the log; 0 if there are none.
func (r *Replica) Highest(origin uuid.UUID) (uint32, error) { return r.known.highestOf(r.log, origin) }

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
