package replica

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// commit makes the transaction durable and visible.
func (tx *Tx) commit(ctx context.Context) error {
	if err := tx.noteDigests(ctx); err != nil {
		return err
	}
	if err := tx.sumNotes(); err != nil {
		return err
	}
	for _, t := range []*txLog{tx.main, tx.res} {
		t.finishNotes()
		var err error
		if t.parts, err = t.writeBundle(); err != nil {
			return err
		}
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
	if err := tx.writeIdentity(); err != nil {
		return err
	}
	for _, f := range tx.partFiles {
		tx.d.Bring(f.Name, f.Data) // the last objects: they get their names once the journal lies there, which tells of them
	}
	point := func(t *txLog) durable.Point {
		return durable.Point{Name: t.name(changeset.LatestFile), Old: t.rawLatest, New: t.newLatest()}
	}
	named := func(t *txLog) durable.Point {
		packs, _ := t.packs() // they are loaded
		return durable.Point{Name: t.name(parts.ListFile), Old: packs.text, New: t.parts}
	}
	list := durable.Point{Name: LatestRepresentationFile, Old: tx.main.reps.text, New: tx.main.newListed()}
	points := append(tx.res.named, tx.main.named...) // where these are any, no number changes
	return tx.d.Commit(append(points, named(tx.res), point(tx.res), list, named(tx.main), point(tx.main))...)
}

// after is the log as the transaction left it.
func (t *txLog) after() *Log {
	l := *t.Log
	l.limits = &limits{checked: t.limits.checked, loose: t.limits.loose, recent: new(recent)}
	l.former, l.renamed, l.wide = &formerUUIDs{}, uuid.UUID{}, new(wideRows)
	l.ours.limits = l.limits
	l.uuid, l.latest, l.rawLatest = t.self, t.seq, t.newLatest()
	l.ours.latest = t.seq
	if packs, _ := t.packs(); t.parts != packs.text {
		list, _ := parts.ParseList(t.parts) // it was just written
		l.objects = l.newObjects()
		l.tier = &tier{known: true, text: t.parts, list: list, cache: t.tier.cache}
	}
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
	t.formerLines = lines
	t.tx.d.Replace(t.name(formerFile), lines)
	if t.tx.addsRows() {
		t.tx.d.Replace(t.name(changeset.ReplicaUUIDFile), []byte(t.self.String()))
		return nil
	}
	return t.commitByName()
}

// commitByName makes the new UUID the commit, where no number can be it because nothing is added. The original, which knows of no journal, must never find it
// without the mark of the old one: it would ask for all that was made here.
func (t *txLog) commitByName() error {
	for _, f := range []struct{ name, text string }{
		{markFile(t.uuid), formatNumber(t.marks[t.uuid])},
		{changeset.ReplicaUUIDFile, t.self.String()},
	} {
		old, err := readSmall(t.fs, f.name)
		if err != nil && !isNotExist(err) {
			return fmt.Errorf("read %s: %w", t.name(f.name), err)
		}
		t.named = append(t.named, durable.Point{Name: t.name(f.name), Old: old, New: f.text})
	}
	delete(t.marks, t.uuid)
	return nil
}

// addsRows reports whether the commit adds to the logs, or to the list of representations, or rewrites a log.
func (tx *Tx) addsRows() bool {
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
