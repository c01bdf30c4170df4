package replica

import (
	"bytes"
	"fmt"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// cleanRecords leaves in the indexes of the records that the commit changed, after what it appended, what the logged changesets of the other program
// make of the record. That one may have died, or given an edit up, before it logged a version that stands there, and may have built on it since; it
// bears any number, also one that the commit gave.
func (h *halted) cleanRecords(m *durable.Mend) error {
	changes := h.changes()
	for file, g := range h.recordIndexes() {
		info, err := h.fs.Stat(file)
		if isNotExist(err) {
			continue // it is damaged, and not for this to hide
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", join(h.where, h.name(file)), err)
		}
		own, err := h.ownVersions(file, g)
		switch {
		case err != nil:
			return err
		case info.Size() <= own:
		case len(changes[file]) == 0:
			m.Lengths[g.Name] = own
		default:
			if err := h.remake(file, own, changes[file], m); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownVersions returns where in the index of a record the versions of the commit end. Where an earlier version did not note them, they are those
// that bear its numbers.
func (h *halted) ownVersions(file string, g durable.Grown) (end int64, err error) {
	if g.Known {
		return g.At + int64(len(g.Data)), nil
	}
	index, err := readWhole(h.fs, file)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", join(h.where, h.name(file)), err)
	}
	for end = g.At; int64(len(index)) >= end+changeset.VersionSize; end += changeset.VersionSize {
		if v, err := changeset.ParseVersion(index[end:][:changeset.VersionSize]); err != nil || v.Seq > h.to {
			break
		}
	}
	return end, nil
}

// mendRecords is what becomes of the indexes of records in a log that the other program went on from, where the commit was not made.
func (h *halted) mendRecords(m *durable.Mend) error {
	if !h.kept {
		return h.takeBackRecords(m)
	}
	for _, g := range h.recordIndexes() {
		delete(m.Lengths, g.Name)
	}
	return h.cleanRecords(m)
}

// takeBackRecords makes the indexes of the records that the commit changed again: up to the commit they stay, and then they have what the changesets
// of the other program make of the record. That one may have built on a version that goes.
func (h *halted) takeBackRecords(m *durable.Mend) error {
	changes := h.changes()
	for file, g := range h.recordIndexes() {
		if len(changes[file]) == 0 {
			continue
		}
		delete(m.Lengths, g.Name)
		if err := h.remake(file, g.At, changes[file], m); err != nil {
			return err
		}
	}
	return nil
}

// changes are what the other program's changesets do to records, by the index of each.
func (h *halted) changes() map[string][]step {
	changes := map[string][]step{}
	for i, c := range h.changesets {
		for j := range c.Changes {
			file := changeset.RecordPath(c.Changes[j].Record)
			changes[file] = append(changes[file], step{h.after + uint32(i) + 1, &c.Changes[j]})
		}
	}
	return changes
}

// step is what a row of the log does to a record.
type step struct {
	seq    uint32
	change *changeset.Change
}

// remake makes the index of a record again, from what it has up to a byte and the changes after that.
func (l *Log) remake(file string, at int64, steps []step, m *durable.Mend) error {
	index, err := readWhole(l.fs, file)
	if err != nil && !isNotExist(err) {
		return fmt.Errorf("read %s: %w", join(l.where, l.prefix+file), err)
	}
	if int64(len(index)) < at {
		return nil // it is damaged, and not for this to hide
	}
	made := bytes.Clone(index[:at])
	exists, props, err := l.versionAtEnd(steps[0].change.Record, made)
	if err != nil {
		return fmt.Errorf("repair %s, where a commit was cut off: %w", join(l.where, l.prefix+file), err)
	}
	var objects []durable.Content
	for _, s := range steps {
		v := changeset.Version{Seq: s.seq}
		if exists, props = Replay(exists, props, s.change); exists {
			text := changeset.EncodeRecord(props)
			v.Key = cas.Sum(text)
			objects = append(objects, durable.Content{Name: l.versions.Path(v.Key), Data: text})
		}
		made = changeset.AppendVersion(made, v)
	}
	if !bytes.Equal(made, index) {
		m.Objects = append(m.Objects, objects...)
		m.Contents = append(m.Contents, durable.Content{Name: l.prefix + file, Data: made})
	}
	return nil
}

// versionAtEnd reads the record as of the last row of its index.
func (l *Log) versionAtEnd(rec changeset.RecordID, index []byte) (exists bool, props map[string]string, err error) {
	if len(index) < changeset.VersionSize {
		return false, nil, nil
	}
	v, err := changeset.ParseVersion(index[len(index)-changeset.VersionSize:])
	if err != nil || v.Deleted() {
		return false, nil, err
	}
	props, err = l.props(rec, v)
	return true, props, err
}
