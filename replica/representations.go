package replica

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// The list of representations: rows as in changesets.idx, numbered from 1, of changesets of which more is known than their rows in the log hold;
// and how many of them count, in decimal. See docs/adr/0008-representations.md.
const (
	RepresentationsFile      = "prophet/representations"
	LatestRepresentationFile = "prophet/latest-representation"
)

// representations is the list of representations of a log, at the moment at which that was opened.
type representations struct {
	mu   sync.Mutex
	log  *Log                           // whose changesets it is about
	mark func() (mark, error)           // of the mirror where it is; nil elsewhere
	rows *Log                           // of the list, which are read as those of a log are; nil if their number was not read yet
	text string                         // of LatestRepresentationFile, "" without one
	last map[changeset.ID]changeset.Row // the last row for each changeset, loaded when first asked for
}

// readListed reads how many rows of the list count, as the file has it; "" without a file.
func readListed(fsys afero.Fs, where string) (string, error) {
	text, err := readSmall(fsys, LatestRepresentationFile)
	if isNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", join(where, LatestRepresentationFile), err)
	}
	return text, nil
}

// newRepresentations returns the list of a log of which so many rows count.
func newRepresentations(l *Log, text string) (*representations, error) {
	n := uint32(0)
	if text != "" {
		var err error
		if n, err = parseNumber(LatestRepresentationFile, text); err != nil {
			return nil, err
		}
	}
	rows := &Log{about: l, fs: l.fs, prefix: l.prefix, where: l.where, uuid: l.uuid, database: l.database, latest: n,
		index: RepresentationsFile, number: LatestRepresentationFile, objects: l.objects, limits: l.limits, former: l.former, wide: new(wideRows), inMirror: l.inMirror}
	return &representations{log: l, rows: rows, text: text}, nil
}

// Representations returns the list of representations: its rows and changesets are read as those of a log, and nothing else of it. Of a
// mirror, how many there are is read when first asked for; a log that is to hold all that the list names is opened after that, see [Replica.Refresh].
func (r *Replica) Representations() (*Log, error) {
	l := r.log.reps
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.load()
	return l.rows, err
}

// load finds out how many rows count, if that is not known yet.
func (l *representations) load() error {
	if l.rows != nil {
		return nil
	}
	text, err := l.readNumber()
	if err != nil {
		return err
	}
	read, err := newRepresentations(l.log, text)
	if err != nil {
		return err
	}
	l.rows, l.text = read.rows, text
	return nil
}

// readNumber reads how many rows of a mirror's list count: its mark says it too, and is read for more than that.
func (l *representations) readNumber() (string, error) {
	if l.mark != nil {
		m, err := l.mark()
		if err != nil {
			return "", err
		}
		if m.told {
			return formatNumber(m.rows.Representations.Seq), nil
		}
	}
	return readListed(l.log.fs, l.log.where)
}

// rowsListed returns how many rows the list of representations has, committed or not, as long as they bear their numbers.
func (r *Replica) rowsListed() (uint32, error) {
	n := r.log.reps.rows.latest
	f, err := r.fs.Open(RepresentationsFile)
	if isNotExist(err) {
		return n, nil
	}
	if err != nil {
		return n, fmt.Errorf("read %s: %w", RepresentationsFile, err)
	}
	defer f.Close()
	for b := make([]byte, changeset.RowSize); n < maxSeq; n++ {
		if k, err := f.ReadAt(b, int64(n)*changeset.RowSize); k < len(b) && err != nil && !errors.Is(err, io.EOF) {
			return n, fmt.Errorf("read %s: %w", RepresentationsFile, err)
		} else if row, err := changeset.ParseRow(b); k < len(b) || err != nil || row.Seq != n+1 {
			break
		}
	}
	return n, nil
}

// fewerListed says that the list of representations holds more rows than are counted.
func fewerListed(counted, held uint32) error {
	return fmt.Errorf("it counts %d rows, and %s has %d", counted, RepresentationsFile, held)
}

// refuseUnlisted returns an error if the list of representations holds more rows than are counted, where no writer is at work: what is added to it would take their place.
func (r *Replica) refuseUnlisted() error {
	held, err := r.rowsListed()
	if err != nil || held <= r.log.reps.rows.latest {
		return err
	}
	return r.log.damaged(LatestRepresentationFile, fmt.Errorf("%w: \"prophet fsck --repair\" counts them", fewerListed(r.log.reps.rows.latest, held)))
}

// Refresh shows the present state of a mirror's logs; one that shows a published state stays so, see [Replica.At]. The list of representations stays what it was, so that it is not newer than they are.
func (r *Replica) Refresh() error {
	if r.at != nil {
		return nil
	}
	before := r.log
	if err := r.reopen(); err != nil {
		return err
	}
	if r.log.uuid != before.uuid || r.log.database != before.database {
		return fmt.Errorf("read %s again: it became another replica in between", r.where())
	}
	r.log.reps = before.reps
	return nil
}

// BestRow returns the last row of the list for a changeset; ok is false if there is none.
func (r *Replica) BestRow(id changeset.ID) (row changeset.Row, ok bool, err error) {
	return r.log.reps.lookup(id)
}

// of returns the best representation of a changeset that a row of the log holds: the last one in the list, if that is the same edit, else the row's.
func (l *representations) of(c *changeset.Changeset) (*changeset.Changeset, error) {
	row, ok, err := l.lookup(c.ID)
	if err != nil || !ok || c.Bookkeeping() {
		return c, err
	}
	best, err := l.rows.kept(row)
	if err != nil {
		return nil, err
	}
	if !changeset.SameEdit(c, best) {
		return c, nil
	}
	return best, nil
}

// lookup returns the last row for a changeset.
func (l *representations) lookup(id changeset.ID) (row changeset.Row, ok bool, err error) {
	if l == nil {
		return row, false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(); err != nil {
		return row, false, err
	}
	if l.last == nil {
		last := map[changeset.ID]changeset.Row{}
		for row, err := range l.rows.Rows(1, l.rows.latest) {
			if err != nil {
				return row, false, err
			}
			last[row.ID] = row
		}
		l.last = last
	}
	row, ok = l.last[id]
	return row, ok, nil
}

// bestAt reads row seq of the log and returns the best representation of its changeset.
func (l *Log) bestAt(seq uint32) (*changeset.Changeset, error) {
	c, err := l.at(seq)
	if err != nil {
		return nil, err
	}
	return l.reps.of(c)
}

// own reports whether a row of the log has an ID that the log gave, under its present UUID or a former one.
func (l *Log) own(seq uint32, id changeset.ID) (bool, error) {
	if seq != id.Seq {
		return false, nil
	}
	return l.made(id.Origin)
}

// Own is [Log.own] for a row.
func (l *Log) Own(row changeset.Row) (bool, error) { return l.own(row.Seq, row.ID) }

// tells reports whether a row of the log holds a changeset where its maker put it, so that what stands above it, its maker had seen. One that came when the
// replica had given up that UUID is as those of others: it was lost with a restored backup, or made in a copy, and stands in the row of its number by chance.
func (l *Log) tells(seq uint32, id changeset.ID) (bool, error) {
	if own, err := l.own(seq, id); err != nil || !own {
		return false, err
	}
	if id.Origin == l.uuid || id.Origin == l.renamed {
		return seq <= l.latest, nil // a transaction that brings one gives up the UUID
	}
	return seq <= l.former.rows[id.Origin], nil
}

// Tells is [Log.tells] for a row.
func (l *Log) Tells(row changeset.Row) (bool, error) { return l.tells(row.Seq, row.ID) }

func formatNumber(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
