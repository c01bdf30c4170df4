package replica

import (
	"fmt"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// turnedBack returns an error if a log counts fewer changesets than it holds, so that a reader would see an older state, as far as that can be told
// apart from a writer at work: a program of the original may write its row before it counts it, or after that, as it mostly does (see lookAgain); but it writes no notes on rows. Where the rows are gone
// too, the older state is all that there is: these logs are returned.
func (r *Replica) turnedBack() (older []*Log, err error) {
	for _, l := range []*Log{r.log, r.votes} {
		turned, err := l.turnedBack(r.fs)
		if err == nil && turned {
			older, err = append(older, l), l.refuseUncounted()
		}
		if err != nil {
			return nil, err
		}
	}
	return older, nil
}

// refuseTurnedBack is turnedBack that warns, once, of an older state, if that is all that there is: also who gives it away is to know.
func (r *Replica) refuseTurnedBack() error {
	older, err := r.turnedBack()
	told := r.older
	r.older = told || len(older) > 0
	for _, l := range older {
		if told {
			break
		}
		r.warn(fmt.Sprintf("%s has %d rows, fewer than %s notes: it was turned back, or copied while somebody wrote, and shows an older state; \"prophet fsck --repair\" takes up again what is left of the rest, which an edit before that cuts off, unless parts have it, and a pull from others brings what is not",
			l.indexPath(), l.latest, l.prefix+rowsFile))
	}
	return err
}

// turnedBack reports whether there are notes on rows that the log does not count, and no writer of ours is about to count them, or to take them back. root is the
// directory of the replica. It takes one look, and three more if there are such notes.
func (l *Log) turnedBack(root afero.Fs) (bool, error) {
	if ahead, err := l.notedAhead(); !ahead || err != nil {
		return false, err
	}
	if now, err := durable.Uncommitted(root); err != nil || len(now.Lengths) > 0 {
		return false, nil
	}
	text, err := readSmall(l.fs, changeset.LatestFile)
	if err != nil || text != l.rawLatest {
		return false, nil
	}
	return l.notedAhead()
}

// refuseUncounted returns an error if changesets lie beyond the latest sequence number that no unfinished commit of ours explains: to write on
// would destroy them. It is for a writer that has recovered.
func (l *Log) refuseUncounted() error {
	n, err := l.uncounted()
	if err != nil || n == 0 {
		return err
	}
	return l.damaged(changeset.LatestFile, fmt.Errorf(
		"it counts %d changesets, but %s holds %d more: %w; \"prophet fsck --repair\" keeps them; to drop them cut %s to %d bytes",
		l.latest, l.prefix+changeset.IndexFile, n, ErrUncounted, l.prefix+changeset.IndexFile, int64(l.latest)*changeset.RowSize))
}

// uncounted returns how many rows stand beyond the latest one that are whole and name a changeset that is there.
func (l *Log) uncounted() (n uint32, err error) {
	held, err := rowsHeld(l.fs)
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", l.indexPath(), err)
	}
	beyond := l.withRows(held)
	for row, err := range beyond.Rows(l.latest+1, held) {
		if err == nil {
			_, err = beyond.Changeset(row)
		}
		if isFault(err) {
			return n, nil // not a row: what a crash left
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
