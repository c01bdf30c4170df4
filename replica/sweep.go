package replica

import (
	"fmt"

	"prophet/changeset"
	"prophet/internal/parts"
)

// notedAhead reports whether there are notes on rows that the log does not have and no unfinished commit explains: the log was turned back, or copied
// while somebody wrote. Then record indexes may be ahead of it too.
func (l *Log) notedAhead() (bool, error) {
	size, err := l.ours.size(rowsFile)
	return err == nil && l.limits.of(l.prefix+rowsFile, size)/notedSize > int64(l.latest), err
}

// packedAhead returns up to which row the list of parts names some that the log does not have, 0 if it names none: what it names was committed, and then the log was turned back.
func (l *Log) packedAhead() (uint32, error) {
	if _, err := l.packs(); err != nil || l.tier == nil {
		return 0, err
	}
	l.tier.mu.Lock()
	defer l.tier.mu.Unlock()
	if n := len(l.tier.list); n > 0 && l.tier.list[n-1].Last > l.latest {
		return l.tier.list[n-1].Last, nil
	}
	return 0, nil
}

// refusePacked returns an error if parts have rows that the log does not: to write on would destroy them.
func (l *Log) refusePacked() error {
	last, err := l.packedAhead()
	if err != nil || last == 0 {
		return err
	}
	return l.damaged(changeset.LatestFile, fmt.Errorf("it counts %d changesets, and %s names rows up to %d: %w; \"prophet fsck --repair\" takes up again what is left of the rest, which this would destroy",
		l.latest, l.prefix+parts.ListFile, last, ErrUncounted))
}

// sweep cuts off what record indexes have of changesets that the log lost, before the numbers of these are given again. It looks at all records, but only
// where the notes are ahead of the log.
func (t *txLog) sweep() error {
	if ahead, err := t.notedAhead(); !ahead || err != nil {
		return err
	}
	t.turned = true
	types, err := t.Types()
	if err != nil {
		return err
	}
	swept := 0
	for _, typ := range types {
		for rec, err := range t.Records(typ) {
			if err != nil {
				return err
			}
			cut, err := t.cutLost(rec)
			if err != nil {
				return err
			}
			if cut {
				swept++
			}
		}
	}
	t.tx.r.warn(fmt.Sprintf("%s was turned back, or copied while somebody wrote to it: versions of %s that are ahead of its log were cut off", join(t.where, t.prefix+changeset.IndexFile), recordsWord(swept)))
	return nil
}

// cutLost cuts the index of a record after the newest version that the log confirms. What is damaged is left, for fsck to tell.
func (t *txLog) cutLost(rec changeset.RecordID) (cut bool, err error) {
	name := changeset.RecordPath(rec)
	held, err := t.ours.size(name)
	if err != nil {
		return false, err
	}
	var size int64
	err = t.useConfirmed(rec, func(f *versionFile, v changeset.Version, at int64) (err error) {
		size, err = t.looseSize(f, rec, v, at)
		return err
	})
	if isFault(err) {
		return false, nil
	}
	if err != nil || held <= size {
		return false, err
	}
	t.tx.d.Append(t.name(name), size, nil)
	return true, nil
}
