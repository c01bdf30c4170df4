package replica

import (
	"errors"
	"fmt"
	"sort"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/parts"
)

// What parts have of changesets and of the versions of records: these are replayed.

// useChangeset calls use with the bytes of the changeset of a row, after checking them. A row that a move named anew is not what its part has: then it is loose.
func (l *Log) useChangeset(row changeset.Row, use func(b []byte) error) error {
	return l.again(func() error { return l.useChangesetOnce(row, use) })
}

func (l *Log) useChangesetOnce(row changeset.Row, use func(b []byte) error) error {
	packs, err := l.packs()
	if err != nil {
		return err
	}
	p := packs.covering(row.Seq)
	if p == nil {
		return l.objects.Use(row.Key, use)
	}
	b, err := p.Changeset(row.Seq)
	if err == nil && cas.Sum(b) == row.Key {
		return use(b)
	}
	loose := l.objects.Use(row.Key, use)
	if err != nil && isMissingObject(loose) {
		return l.packError(p, err)
	}
	return loose
}

// textAt returns the bytes of a version of a record, which is no deletion. Of a packed one they are what replaying the record's changes makes, from the last
// version before it of which the bytes are kept.
func (l *Log) textAt(rec changeset.RecordID, v changeset.Version) (text []byte, err error) {
	err = l.again(func() error {
		text, err = l.textAtOnce(rec, v)
		return err
	})
	return text, err
}

func (l *Log) textAtOnce(rec changeset.RecordID, v changeset.Version) ([]byte, error) {
	packs, err := l.packs()
	if err != nil {
		return nil, err
	}
	p := packs.covering(v.Seq)
	if p == nil || v.Seq == 0 || v.Deleted() {
		b, err := l.versions.Get(v.Key)
		if isNotExist(err) { // or the index is damaged
			err = fmt.Errorf("%s names a version that is not there: %w", changeset.RecordPath(rec), err)
		}
		return b, err
	}
	b, err := l.replayed(p, rec, v)
	if err != nil {
		return nil, l.packError(p, err)
	}
	if got := cas.Sum(b); got != v.Key {
		return nil, l.damaged(p.TableFile(), fmt.Errorf("replaying %s up to row %d gives a version %s, it says %s", rec, v.Seq, got, cas.Key(v.Key)))
	}
	return b, nil
}

// replayed makes a version that a part has.
func (l *Log) replayed(p *parts.Part, rec changeset.RecordID, v changeset.Version) ([]byte, error) {
	touches, err := p.Touches(rec)
	if err != nil {
		return nil, err
	}
	at, err := touchOf(touches, v.Seq)
	if err != nil {
		return nil, err
	}
	rows, exists, props := []uint32(nil), false, map[string]string(nil)
	for ; at >= 0; at-- {
		t, text, err := touches.At(at)
		if err != nil {
			return nil, err
		}
		if t.Deleted() {
			break
		}
		if text {
			b, err := p.Text(t.Seq, t.Key)
			if err == nil && b == nil {
				err = &parts.DamageError{Path: l.prefix + p.PackFile(), Err: fmt.Errorf("row %d does not have the version %s of %s", t.Seq, cas.Key(t.Key), rec)}
			}
			if err != nil || len(rows) == 0 {
				return b, err
			}
			if props, err = changeset.DecodeRecord(b); err != nil {
				return nil, err
			}
			exists = true
			break
		}
		rows = append(rows, t.Seq)
	}
	if at < 0 && len(rows) > 0 {
		if exists, props, err = l.stateBefore(rec, rows[len(rows)-1]); err != nil {
			return nil, err
		}
	}
	for i := len(rows) - 1; i >= 0; i-- {
		c, err := l.packedAt(p, rows[i])
		if err != nil {
			return nil, err
		}
		ch := c.Change(rec)
		if ch == nil {
			return nil, &parts.DamageError{Path: l.prefix + p.TableFile(), Err: fmt.Errorf("row %d does not touch %s", rows[i], rec)}
		}
		exists, props = Replay(exists, props, ch)
	}
	return changeset.EncodeRecord(props), nil
}

// touchOf returns which of the touches is that of a row; -1 if none is.
func touchOf(touches parts.Touches, row uint32) (int, error) {
	var failed error
	at := sort.Search(touches.Len(), func(i int) bool {
		v, _, err := touches.At(i)
		failed = errors.Join(failed, err)
		return v.Seq >= row
	})
	if at == touches.Len() || failed != nil {
		return -1, failed
	}
	v, _, err := touches.At(at)
	if v.Seq != row {
		at = -1
	}
	return at, err
}

// stateBefore returns what a record was before a row, from whatever has its versions.
func (l *Log) stateBefore(rec changeset.RecordID, row uint32) (exists bool, props map[string]string, err error) {
	v, ok, err := l.versionBefore(rec, row)
	if err != nil || !ok || v.Deleted() {
		return false, nil, err
	}
	props, err = l.props(rec, v)
	return true, props, err
}

// packedAt reads the changeset that a part has in a row. A move names it anew in the log, but changes nothing of what it does.
func (l *Log) packedAt(p *parts.Part, row uint32) (*changeset.Changeset, error) {
	if c := l.wide.kept(row); c != nil {
		return c, nil
	}
	b, err := p.Changeset(row)
	if err != nil {
		return nil, err
	}
	c, err := changeset.Decode(b)
	if err != nil {
		return nil, &parts.DamageError{Path: l.prefix + p.PackFile(), Err: fmt.Errorf("row %d: %w", row, err)}
	}
	if is, err := l.Row(row); err == nil && cas.Sum(b) == is.Key {
		l.wide.keep(row, c, len(b)) // for others, who want it as it is called now
	}
	return c, nil
}
