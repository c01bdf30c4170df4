package replica

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// idTable has the local ids of all records. Each that we gave is of a record that the log brought, so they tell which records there must be.
type idTable struct {
	r     *Replica
	ids   map[uuid.UUID]uint32
	old   *oldIDs
	given []localID // after the original's
	met   []bool    // which of these have an index
}

// idTable reads the local ids.
func (r *Replica) idTable() (*idTable, error) {
	n := &idTable{r: r}
	ours, err := r.ours()
	if err != nil {
		return n, err
	}
	if n.old, err = r.oldIDs(); err != nil {
		return n, err
	}
	if n.given, err = ours.table(); err != nil {
		return n, err
	}
	n.ids = make(map[uuid.UUID]uint32, len(n.given)+len(n.old.byRecord))
	for u, id := range n.old.byRecord {
		n.ids[u] = id
	}
	for i, id := range n.given {
		n.ids[id.rec] = n.old.max + uint32(i) + 1
	}
	n.met = make([]bool, len(n.given))
	return n, nil
}

// record is a record that has an index, with its local id.
func (n *idTable) record(rec changeset.RecordID) *Record {
	id := n.ids[rec.UUID]
	if id > n.old.max {
		n.met[id-n.old.max-1] = true
	}
	return &Record{ID: rec, LocalID: id, given: id > n.old.max}
}

// lacks returns a DamageError if the log brought a record of the type, or of any if it is "", that has no index. All that have one were met, of that
// type. Exported copies have none of deleted records.
func (n *idTable) lacks(typ string) error {
	if typ != "" {
		if err := n.meetOthers(typ); err != nil {
			return err
		}
	}
	for i, id := range n.given {
		if n.met[n.ids[id.rec]-n.old.max-1] { // two types may have a record of one UUID
			continue
		}
		if exported, err := n.r.looksExported(); exported || err != nil {
			return err
		}
		if err := n.lacking(typ, uint32(i)+1, id); err != nil {
			return err
		}
	}
	return nil
}

// meetOthers looks which records of other types have an index.
func (n *idTable) meetOthers(typ string) error {
	types, err := n.r.log.Types()
	if err != nil {
		return err
	}
	for _, other := range types {
		if other == typ {
			continue
		}
		for rec, err := range n.r.log.Records(other) {
			if err != nil {
				return err
			}
			n.record(rec)
		}
	}
	return nil
}

// lacking says what is wrong if a record of the type, or of any if it is "", that the log should have brought has no index.
func (n *idTable) lacking(typ string, entry uint32, id localID) error {
	c, err := n.r.log.at(id.row)
	if err != nil {
		return err
	}
	if c.Lost {
		return nil
	}
	for _, ch := range c.Changes {
		switch {
		case ch.Record.UUID != id.rec:
		case typ != "" && typ != ch.Record.Type:
			return nil
		default:
			return n.r.log.damagedIndex(ch.Record, fmt.Errorf("the file is missing, though row %d of the log touches the record", id.row))
		}
	}
	return n.r.log.ours.damaged(idsFile, "entry %d: row %d does not touch record %s", entry, id.row, uuid.UUID(id.rec))
}

// noRecord is the error of a record that has no version: a [DamageError] of its index if the log brought the record, else it wraps [ErrNoRecord].
func (r *Replica) noRecord(rec changeset.RecordID) error {
	if err := r.unindexed(rec.UUID.String()); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", rec, ErrNoRecord)
}

// unindexed returns a DamageError if the log brought a record whose UUID begins so and whose index has no version. Of the original's local ids nobody notes which row brought
// the record, so they do not count.
func (r *Replica) unindexed(prefix string) error {
	if exported, err := r.looksExported(); exported || err != nil {
		return err
	}
	n, err := r.idTable()
	if err != nil {
		return err
	}
	for _, id := range n.given {
		if !strings.HasPrefix(uuid.UUID(id.rec).String(), prefix) {
			continue
		}
		c, err := r.log.at(id.row)
		if err != nil {
			return err
		}
		for _, ch := range c.Changes {
			if _, ok, err := r.log.last(ch.Record); ch.Record.UUID == id.rec && !ok && err == nil && !c.Lost {
				return r.log.DamagedIndex(ch.Record, id.row)
			}
		}
	}
	return nil
}

// lacksVersions is the error of an index without rows, nil where the log need not have the record: it has no local id, or the original gave it one.
func (rec *Record) lacksVersions(l *Log) error {
	if !rec.given {
		return nil
	}
	return l.damagedIndex(rec.ID, errors.New("it has no row, though the log has changesets that touch the record"))
}
