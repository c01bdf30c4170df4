package replica

import (
	"cmp"
	"errors"
	"fmt"

	"prophet/changeset"
)

// partsAreSound reports whether all parts of both logs are what their lists say. Where one is damaged nothing is repaired: what it held would be taken for lost.
func (p *repair) partsAreSound() (sound bool, err error) {
	format, err := readSmall(p.fs, changeset.ReplicaVersionFile)
	if err != nil || format != FormatParts {
		return err == nil, err
	}
	sound = true
	for _, prefix := range logPrefixes {
		l := newLog(p.fs, prefix, p.opts.Where, &limits{})
		l.format = format
		_, list, err := l.readParts()
		for _, ref := range list {
			for _, f := range filesOfPart(ref) {
				err = cmp.Or(err, l.checkPartFile(p.ctx, f))
			}
		}
		var damage *DamageError
		switch {
		case errors.As(err, &damage):
			p.tell(damage.Path, IsLeft, "%v; parts cannot be repaired yet, and nothing else was touched: clone another replica", damage.Err)
			sound = false
		case err != nil:
			return false, err
		}
	}
	return sound, nil
}

// readIndex returns the index of a record, nil if there is none: that of format 1, made of what parts and the loose index have.
func (p *repair) readIndex(l *Log, rec changeset.RecordID) ([]byte, error) {
	loose, err := p.read(l.prefix + changeset.RecordPath(rec))
	if err != nil {
		return nil, err
	}
	packs, err := l.packs()
	if err != nil || len(packs.parts) == 0 {
		return loose, err
	}
	f, err := l.openVersions(rec)
	if isDamage(err) {
		return loose, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the index of %s: %w", rec, err)
	}
	if f == nil {
		return loose, nil
	}
	defer f.Close()
	var index []byte
	for i := range f.rows {
		v, err := f.at(i)
		if err != nil {
			break // the row is damaged, and so the index is not what it should be
		}
		index = changeset.AppendVersion(index, v)
	}
	return append(index, loose[f.loose*changeset.VersionSize:]...), nil
}
