package replica

import (
	"context"

	"prophet/changeset"
)

// releasedAtOnce is of how many records one transaction copies what waits.
const releasedAtOnce = 500

// Released says what [Replica.Release] did.
type Released struct {
	Records    int // of which something waited
	Changesets int // copies that were made of it
}

// Release copies what waits of all records, see [Log.Waiting], as the next edit of each would, so that others get it. It works in batches: what was copied before an error stays, and the next one goes on from there.
// progress is told how many records are done; it may be nil.
func (r *Replica) Release(ctx context.Context, progress func(done, total int)) (done Released, err error) {
	recs, err := r.log.Waiting()
	if err != nil {
		return done, err
	}
	total := len(recs)
	for len(recs) > 0 {
		some := recs[:min(releasedAtOnce, len(recs))]
		copies := 0
		err := r.Update(ctx, func(tx *Tx) error {
			if err := tx.Settle(); err != nil {
				return err
			}
			err := tx.release(some)
			copies = tx.copies
			return err
		})
		if err != nil {
			return done, err
		}
		done.Records += len(some)
		done.Changesets += copies
		if recs = recs[len(some):]; progress != nil {
			progress(done.Records, total)
		}
	}
	return done, nil
}

// release copies what waits of those of some records of which something still does: another writer may have edited one meanwhile.
func (tx *Tx) release(recs []changeset.RecordID) error {
	var waiting []changeset.RecordID
	for _, rec := range recs {
		entries, err := tx.main.mayHang(rec)
		if err != nil {
			return err
		}
		if len(missed(entries)) > 0 {
			waiting = append(waiting, rec)
		}
	}
	_, err := tx.copyWaiting(waiting)
	tx.copied = changeset.ID{} // whoever releases says so himself
	return err
}
