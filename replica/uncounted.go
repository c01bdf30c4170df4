package replica

import (
	"fmt"

	"prophet/changeset"
)

// refuseUncounted returns an error if changesets lie beyond the latest sequence number that no unfinished commit of ours explains: to write on
// would destroy them. It is for a writer that has recovered.
func (l *Log) refuseUncounted() error {
	n, err := l.uncounted()
	if err != nil || n == 0 {
		return err
	}
	return &DamageError{Path: join(l.where, l.prefix+changeset.LatestFile), Err: fmt.Errorf(
		"it counts %d changesets, but %s holds %d more: it was turned back, or another program died while it wrote; "+
			"to keep them write %d into it, to drop them cut %s to %d bytes",
		l.latest, changeset.IndexFile, n, l.latest+n, changeset.IndexFile, int64(l.latest)*changeset.RowSize)}
}

// uncounted returns how many rows stand beyond the latest one that are whole and name a changeset that is there.
func (l *Log) uncounted() (n uint32, err error) {
	info, err := l.fs.Stat(changeset.IndexFile)
	if isNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", l.indexPath(), err)
	}
	beyond := *l
	beyond.latest = uint32(min(info.Size()/changeset.RowSize, maxSeq))
	for row, err := range beyond.Rows(l.latest+1, beyond.latest) {
		if err != nil {
			return n, nil // not a row: what a crash left
		}
		if _, err := beyond.Changeset(row); err != nil {
			return n, nil
		}
		n++
	}
	return n, nil
}
