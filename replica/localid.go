package replica

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
)

// cacheFile is where the original keeps its local ids.
const cacheFile = "userdata/local-id-cache"

// oldIDs are the local ids that the original gave before we first wrote to its replica.
type oldIDs struct {
	byRecord map[uuid.UUID]uint32
	byID     map[uint32]uuid.UUID
	max      uint32
}

func (o *oldIDs) has(rec uuid.UUID) bool { return o.byRecord[rec] > 0 }

// readOldIDs reads our copy of the original's local ids, else the original's file, whose bytes it returns for our copy.
func (l *Log) readOldIDs() (*oldIDs, []byte, error) {
	for _, name := range []string{oldIDsFile, cacheFile} {
		b, err := readWhole(l.fs, name)
		if name == oldIDsFile && (err == nil || isNotExist(err)) {
			if err := l.checkSum(name, b, err == nil); err != nil {
				return nil, nil, err
			}
		}
		if isNotExist(err) {
			taken, err := l.takenOver()
			if err != nil {
				return nil, nil, err
			}
			if name == oldIDsFile && taken {
				break
			}
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read local ids: %w", err)
		}
		old, err := parseOldIDs(b)
		if err != nil {
			return nil, nil, l.damaged(name, err)
		}
		return old, b, nil
	}
	return &oldIDs{}, nil, nil
}

// oldIDs returns the local ids that the original gave.
func (r *Replica) oldIDs() (*oldIDs, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.old == nil {
		old, _, err := r.log.readOldIDs()
		if err != nil {
			return nil, err
		}
		r.old = old
	}
	return r.old, nil
}

// takenOver reports whether we have made our notes on the log.
func (l *Log) takenOver() (bool, error) {
	info, err := l.fs.Stat(rowsFile)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", join(l.where, l.prefix+rowsFile), err)
	}
	return l.limits.of(l.prefix+rowsFile, info.Size()) >= 0, nil
}

// parseOldIDs reads {"<uuid>":<id>,…,"_meta":{"maximum_luid":N}}.
func parseOldIDs(b []byte) (*oldIDs, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, err
	}
	old := &oldIDs{byRecord: map[uuid.UUID]uint32{}, byID: map[uint32]uuid.UUID{}}
	for name, value := range raw {
		if name == "_meta" {
			continue
		}
		u, err := changeset.ParseUUID(name)
		if err != nil {
			return nil, err
		}
		id, err := changeset.ParseSeq(strings.Trim(string(value), `"`))
		if err != nil {
			return nil, fmt.Errorf("local id of %s: %w", u, err)
		}
		if other, taken := old.byID[id]; taken {
			return nil, fmt.Errorf("local id %d is that of %s and of %s", id, u, other)
		}
		if old.has(u) { // in upper and in lower case
			return nil, fmt.Errorf("%s has two local ids, %d and %d", u, old.byRecord[u], id)
		}
		old.byRecord[u], old.byID[id] = id, u
		old.max = max(old.max, id)
	}
	var meta struct {
		Max json.Number `json:"maximum_luid"`
	}
	if json.Unmarshal(raw["_meta"], &meta) == nil {
		if n, err := changeset.ParseSeq(meta.Max.String()); err == nil {
			old.max = max(old.max, n)
		}
	}
	return old, nil
}

// LocalID returns the local id of a record, 0 if it has none. It reads the same few bytes whatever the size of the database.
func (r *Replica) LocalID(rec changeset.RecordID) (uint32, error) {
	ours, err := r.ours()
	if err != nil {
		return 0, err
	}
	old, err := r.oldIDs()
	if err != nil {
		return 0, err
	}
	if id := old.byRecord[rec.UUID]; id > 0 {
		return id, nil
	}
	first, ok, err := r.log.first(rec)
	if err != nil || !ok {
		return 0, err
	}
	if first.Seq == 0 { // an exported copy does not say which row brought the record
		ids, err := r.LocalIDs()
		return ids[rec.UUID], err
	}
	before, ids, err := ours.idsOf(first.Seq)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if id.rec == rec.UUID {
			return old.max + before + 1 + uint32(i), nil
		}
	}
	if brought, err := r.log.touches(first.Seq, rec); err != nil || !brought {
		return 0, err // what the log lost has none
	}
	return 0, ours.damaged(idsFile, "row %d brought %s, which has no local id", first.Seq, rec)
}

// LocalIDs returns the local ids of all records.
func (r *Replica) LocalIDs() (map[uuid.UUID]uint32, error) {
	n, err := r.idTable()
	return n.ids, err
}

// AmbiguousError says that the beginning of a UUID fits more than one record.
type AmbiguousError struct {
	Prefix  string
	Records []changeset.RecordID // some of them
}

func (e *AmbiguousError) Error() string {
	var names []string
	for _, rec := range e.Records {
		names = append(names, rec.String())
	}
	return fmt.Sprintf("%q is the beginning of more than one record: %s", e.Prefix, strings.Join(names, ", "))
}

// minPrefix is how many characters of a UUID name a record, if they are unique.
const minPrefix = 4

// Find returns the record with the local id, the UUID, or the unique beginning of one of four characters or more; digits
// alone are a local id first. Deleted records count. ErrNoRecord is wrapped if there is none; of one whose index was lost
// it is a DamageError.
func (r *Replica) Find(name string) (changeset.RecordID, error) {
	if id, err := changeset.ParseSeq(name); err == nil {
		rec, ok, err := r.byLocalID(id)
		if ok || err != nil {
			return rec, err
		}
	}
	prefix := strings.ToLower(name)
	if len(prefix) < minPrefix && strings.Trim(prefix, "0123456789") != "" && strings.Trim(prefix, "0123456789abcdef") == "" {
		return changeset.RecordID{}, fmt.Errorf("record %q: want at least four characters of a UUID: %w", name, ErrNoRecord)
	}
	if len(prefix) < minPrefix || len(prefix) > 36 || strings.Trim(prefix, "0123456789abcdef-") != "" {
		return changeset.RecordID{}, fmt.Errorf("record %q: %w", name, ErrNoRecord)
	}
	found, err := r.byPrefix(prefix)
	switch {
	case err != nil:
		return changeset.RecordID{}, err
	case len(found) == 0:
		if err := r.unindexed(prefix); err != nil {
			return changeset.RecordID{}, err
		}
		return changeset.RecordID{}, fmt.Errorf("record %q: %w", name, ErrNoRecord)
	case len(found) > 1:
		return changeset.RecordID{}, &AmbiguousError{name, found}
	}
	return found[0], nil
}

// byLocalID returns the record with the local id.
func (r *Replica) byLocalID(id uint32) (rec changeset.RecordID, ok bool, err error) {
	ours, err := r.ours()
	if err != nil {
		return rec, false, err
	}
	old, err := r.oldIDs()
	if err != nil {
		return rec, false, err
	}
	if u, ok := old.byID[id]; ok {
		return r.ofAnyType(u)
	}
	last, err := ours.noted(r.log.latest)
	if err != nil || id <= old.max || id-old.max > last.lastID {
		return rec, false, err
	}
	ids, err := ours.ids(id-old.max, id-old.max)
	if err == nil {
		err = ours.checkRow(id-old.max, ids[0].row)
	}
	if err != nil {
		return rec, false, err
	}
	c, err := r.log.at(ids[0].row)
	if err != nil {
		return rec, false, err
	}
	for _, ch := range c.Changes {
		if ch.Record.UUID == ids[0].rec {
			return ch.Record, true, nil
		}
	}
	return rec, false, ours.damaged(idsFile, "local id %d: changeset %s does not touch %s", id, c.ID, uuid.UUID(ids[0].rec))
}

// ofAnyType finds the record with the UUID.
func (r *Replica) ofAnyType(u uuid.UUID) (rec changeset.RecordID, ok bool, err error) {
	found, err := r.byPrefix(u.String())
	if err != nil || len(found) == 0 {
		return rec, false, err
	}
	return found[0], true, nil
}

// byPrefix returns the records, up to ten, whose UUID begins so.
func (r *Replica) byPrefix(prefix string) ([]changeset.RecordID, error) {
	types, err := r.log.Types()
	if err != nil {
		return nil, err
	}
	var found []changeset.RecordID
	for _, typ := range types {
		recs, err := r.log.recordsWith(typ, prefix)
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			if _, _, ok, err := r.log.shown(rec); err != nil {
				return nil, err
			} else if ok {
				found = append(found, rec)
			}
		}
	}
	slices.SortFunc(found, changeset.RecordID.Compare)
	return found[:min(len(found), 10)], nil
}
