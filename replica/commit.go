package replica

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/durable"
)

// commit makes the transaction durable and visible.
func (tx *Tx) commit(ctx context.Context) error {
	if err := tx.noteDigests(ctx); err != nil {
		return err
	}
	for _, t := range []*txLog{tx.main, tx.res} {
		t.finishNotes()
		if err := t.writeUUIDs(); err != nil {
			return err
		}
		if err := t.writeMarks(); err != nil {
			return err
		}
		if err := t.writePeers(); err != nil {
			return err
		}
		if t.rewritten != nil {
			tx.d.Rewrite(t.name(changeset.IndexFile), t.rewritten)
		}
	}
	point := func(t *txLog) durable.Point {
		return durable.Point{Name: t.name(changeset.LatestFile), Old: t.rawLatest, New: t.newLatest()}
	}
	list := durable.Point{Name: LatestRepresentationFile, Old: tx.main.reps.text, New: tx.main.newListed()}
	return tx.d.Commit(point(tx.res), list, point(tx.main))
}

// after is the log as the transaction left it.
func (t *txLog) after() *Log {
	l := *t.Log
	l.limits, l.former, l.renamed, l.wide = &limits{}, &formerUUIDs{}, uuid.UUID{}, new(wideRows)
	l.ours.limits = l.limits
	l.uuid, l.latest, l.rawLatest = t.self, t.seq, t.newLatest()
	l.ours.latest = t.seq
	if t.reps != nil {
		l.reps, _ = newRepresentations(&l, t.newListed()) // it is a number
	}
	return &l
}

// newListed is the text of LatestRepresentationFile after the transaction: the old one where no row was added.
func (t *txLog) newListed() string {
	if t.restated.seq == t.reps.rows.latest {
		return t.reps.text
	}
	return formatNumber(t.restated.seq)
}

// writeUUIDs writes the replica's new UUID, if it got one, and keeps the old one in mind.
func (t *txLog) writeUUIDs() error {
	if t.self == t.uuid {
		return nil
	}
	if err := t.markFormer(); err != nil {
		return err
	}
	former, err := t.Former()
	if err != nil {
		return err
	}
	var lines []byte
	for _, u := range former {
		lines = appendFormer(lines, u, t.former.rows[u])
	}
	lines = appendFormer(lines, t.uuid, t.left)
	t.tx.d.Replace(t.name(changeset.ReplicaUUIDFile), []byte(t.self.String()))
	if t.tx.journaled() {
		t.tx.d.Replace(t.name(formerFile), lines)
		return nil
	}
	// No journal goes with a commit that adds nothing: what tells of the old name is on the disk before the new one.
	if err := durable.WriteFile(t.tx.r.fs, t.name(formerFile), lines); err != nil {
		return err
	}
	return durable.WriteFile(t.tx.r.fs, t.name(markFile(t.uuid)), strconv.AppendUint(nil, uint64(t.marks[t.uuid]), 10))
}

// journaled reports whether a journal goes with the commit, because it adds to the logs or rewrites one.
func (tx *Tx) journaled() bool {
	return tx.main.seq > tx.main.latest || tx.res.seq > tx.res.latest || tx.main.newListed() != tx.main.reps.text ||
		tx.main.rewritten != nil || tx.res.rewritten != nil
}

// markFormer writes the original's mark of the UUID that the replica gives up: until now there was none, being its own.
func (t *txLog) markFormer() error {
	if t.rewritten != nil {
		return nil // a move has written it
	}
	highest, err := t.known.highest(t.Log)
	t.marks[t.uuid] = max(t.marks[t.uuid], highest[t.uuid])
	return err
}

// newLatest is the text of latest-sequence-no after the transaction: the old one where no row was added.
func (t *txLog) newLatest() string {
	if t.seq == t.latest {
		return t.rawLatest
	}
	return formatNumber(t.seq)
}
