package replica

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// A program of the original takes no lock. It writes the new latest-sequence-no in place, so that the file is empty for a moment, before the row that it
// counts. So a reader that finds a number of which the log has not all rows, or none, looks again after each of these pauses, half a second in all, before it
// believes that the other program died.
var lookAgain = []time.Duration{4, 8, 16, 32, 64, 128, 256} // milliseconds

// errEmptyNumber is the error of a latest-sequence-no that holds nothing.
var errEmptyNumber = errors.New("it is empty")

// beingWritten reports whether what opening the logs came to is what a program of the original leaves for a moment.
func (r *Replica) beingWritten(err error) bool {
	switch {
	case r.opts.Mirror:
		return false
	case err != nil:
		return errors.Is(err, errEmptyNumber)
	}
	return r.log.ahead() || r.votes.ahead()
}

// sleep waits for another program.
func (r *Replica) sleep(ms time.Duration) {
	if r.opts.Sleep == nil {
		time.Sleep(ms * time.Millisecond)
		return
	}
	r.opts.Sleep(ms * time.Millisecond)
}

// ahead reports whether the log counts more rows than it has, and lost none that we noted.
func (l *Log) ahead() bool {
	held, err := rowsHeld(l.fs)
	return err == nil && held < l.latest && !l.lost(held)
}

// lost reports whether we noted more rows than the index of the log has.
func (l *Log) lost(held uint32) bool {
	info, err := l.fs.Stat(rowsFile)
	return err == nil && info.Size()/notedSize > int64(held) || err != nil && !isNotExist(err)
}

// rowsHeld returns how many whole rows the index of a log has, counted or not.
func rowsHeld(fsys afero.Fs) (uint32, error) {
	info, err := fsys.Stat(changeset.IndexFile)
	if isNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return uint32(min(info.Size()/changeset.RowSize, maxSeq)), nil
}

// withRows is the log with so many rows, whatever is counted. Of our notes it has what the log had.
func (l *Log) withRows(n uint32) *Log {
	counted := *l
	counted.latest = n
	return &counted
}

// withAllRows is the log with all rows that its index holds, whatever is counted; with none if that cannot be read.
func (l *Log) withAllRows() *Log {
	held, _ := rowsHeld(l.fs)
	return l.withRows(held)
}

// Held returns how many of the rows that are counted the index has, and whether it has all of them; all, where its length cannot be told.
func (l *Log) Held() (rows uint32, whole bool) {
	held, err := rowsHeld(l.fs)
	if err != nil {
		return l.latest, true
	}
	return min(held, l.latest), held >= l.latest
}

// wrongNumber is the error of a latest-sequence-no that holds no number, with the one that a repair sets it to.
func (l *Log) wrongNumber(err error) error {
	if l.rawLatest == "" {
		err = errEmptyNumber
	}
	if n, ok := l.rowsToCount(); ok {
		err = fmt.Errorf("%w, so a program that wrote it died; %s has %s: a repair sets it to %d", err, l.prefix+changeset.IndexFile, rowsWord(n), n)
	}
	return &DamageError{Path: l.prefix + changeset.LatestFile, Err: err}
}

// overcounted is the error of a number of which the log never had all rows, with the one that a repair sets it to; nil if that cannot be said.
func (l *Log) overcounted() error {
	if l.number != changeset.LatestFile {
		return nil
	}
	n, ok := l.rowsToCount()
	if !ok || n >= l.latest {
		return nil
	}
	return l.damaged(l.number, fmt.Errorf("it counts %d changesets, but %s has %s: another program died while it wrote, or is at work; if it died, a repair sets it to %d",
		l.latest, l.prefix+l.index, rowsWord(n), n))
}

// leavesMore reports whether more is left of the log than so many rows, and what one more would leave of which a program died: it writes the record's index and the changeset before the row.
func (l *Log) leavesMore(rows uint32) bool {
	named, err := l.highestVersion()
	if err != nil || named > rows+1 {
		return true
	}
	if rows > 0 {
		return false
	}
	objects, err := l.countObjects()
	return err != nil || objects > 1
}

// rowsToCount returns how many rows a log has that lost nothing: the last one names a changeset that is there, and no index of a record, no note of ours, and no commit that was
// cut off, speaks of another number.
func (l *Log) rowsToCount() (n uint32, ok bool) {
	if l.limits.mirror {
		return 0, false
	}
	v, err := durable.Uncommitted(l.root)
	_, grows := v.Lengths[l.prefix+changeset.IndexFile]
	if _, numbers := v.Points[l.prefix+changeset.LatestFile]; err != nil || grows || numbers {
		return 0, false
	}
	if n, err = rowsHeld(l.fs); err != nil || l.lost(n) || l.leavesMore(n) {
		return 0, false
	}
	if n == 0 {
		return 0, true
	}
	whole := l.withRows(n)
	row, err := whole.Row(n)
	if err == nil {
		_, err = whole.Changeset(row)
	}
	return n, err == nil
}
