package main

import (
	"context"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// The JSON of what is lost.
type (
	lostDoc struct {
		Bookkeeping bool     `json:"bookkeeping,omitempty"`
		ID          string   `json:"id"`
		Records     []refDoc `json:"records"` // that it touched, as far as that is known
		Row         uint32   `json:"row"`
		Votes       bool     `json:"votes,omitempty"` // it is of the resolutions
	}
	refDoc struct {
		ID   *uint32   `json:"id"`
		Type string    `json:"type"`
		UUID uuid.UUID `json:"uuid"`
	}
)

func refDocs(recs []changeset.RecordID) []refDoc {
	docs := []refDoc{}
	for _, rec := range recs {
		docs = append(docs, refDoc{Type: rec.Type, UUID: rec.UUID})
	}
	return docs
}

// addLoss notes what a problem says of lost changesets.
func (d *fsckDoc) addLoss(found replica.Problem) {
	if found.Loss == nil {
		return
	}
	for _, c := range found.Loss.Changesets {
		d.Lost = append(d.Lost, lostDoc{c.Bookkeeping, c.Row.ID.String(), refDocs(c.Records), c.Row.Seq, c.Votes})
	}
	if len(found.Loss.Waiting) > 0 {
		d.Waiting = append(d.Waiting, refDocs(found.Loss.Waiting)...)
	}
}

// nameLost adds the local ids of the records that the replica knows.
func (d *fsckDoc) nameLost(r *replica.Replica) {
	name := func(refs []refDoc) {
		for i, ref := range refs {
			if n, err := r.LocalID(changeset.RecordID{Type: ref.Type, UUID: ref.UUID}); err == nil && n > 0 {
				refs[i].ID = &n
			}
		}
	}
	for _, c := range d.Lost {
		name(c.Records)
	}
	name(d.Waiting)
}

// lostEdits returns how many changesets are lost that are edits.
func (d *fsckDoc) lostEdits() (n int) {
	for _, c := range d.Lost {
		if !c.Bookkeeping && !c.Votes {
			n++
		}
	}
	return n
}

// release copies what waits for lost changesets, and notes that.
func (o *fsckOptions) release(ctx context.Context, e *env, p *printer, dir string, doc *fsckDoc) error {
	opts, err := e.replicaOptions(dir, o.globals)
	if err != nil {
		return err
	}
	opts.Warn = nil // what is lost is told by what it does
	r, err := replica.Open(e.dir(dir), opts)
	if err != nil {
		return err
	}
	progress := p.progress("releasing", false)
	done, err := r.Release(ctx, func(done, total int) { progress.Set(int64(done), int64(total)) })
	progress.Done()
	if err != nil {
		return ifCutOff(ctx, err, "what is released so far stays; run it again")
	}
	if done.Records > 0 {
		doc.Repaired = append(doc.Repaired, repairedDoc{Outcome: string(replica.IsReleased), Path: replica.LostFile, Text: "what waits of " + counted(done.Records, "record") + " goes to others now, as " + counted(done.Changesets, "changeset")})
	}
	return nil
}
