package replica

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"prophet/cas"
	"prophet/changeset"
)

// LostFile lists the changesets of a log that nobody has any more: a row of 44 bytes each, as in the index of the log and in its order, but that the key
// names the object below prophet/left that tells what is left of the changeset, see docs/adr/0020-lost.md. Without the file, none is lost. An empty one beside a log
// without a row says that all are, see [Log.AllLost]. It counts only where the object
// that the log names cannot be read. A mirror that was published without them has such a list too.
const LostFile = "prophet/lost"

// lostRows are the rows of a log whose changesets are lost, loaded when one cannot be read.
type lostRows struct {
	told func(changeset.ID) (heard bool) // that one was passed over; may be nil

	mu     sync.Mutex
	loaded bool
	rows   map[uint32]changeset.Row
	hang   *hanging              // what hangs on them; nil until that was asked for
	met    map[changeset.ID]bool // which were passed over
}

// LeftDir, in the directory of a log, has the objects that tell what is left of lost changesets: apart from the changesets, so that none of them is ever taken for one.
const LeftDir = "prophet/left"

// leftObjects is the store of what is left of lost changesets.
func (l *Log) leftObjects() *cas.Store { return cas.New(l.root, l.prefix+LeftDir) }

// LeftPath returns where such an object is, within the directory of its log.
func LeftPath(key [20]byte) string { return cas.New(nil, LeftDir).Path(key) }

// orLeft returns what is left of a changeset that is lost, in place of an error of reading it.
func (l *Log) orLeft(row changeset.Row, c *changeset.Changeset, err error) (*changeset.Changeset, error) {
	if err != nil && l.about != nil && isFault(err) {
		return l.about.leftListed(row, err)
	}
	if err == nil || l.gone == nil || !isFault(err) {
		return c, err
	}
	rows, lerr := l.lostRows()
	lost, listed := rows[row.Seq]
	if lerr != nil || !listed || lost.ID != row.ID {
		return nil, err
	}
	l.gone.tell(row.ID)
	return l.left(lost), nil
}

// leftListed is orLeft for a row of the list of representations: where nobody had what it named, a repair lets it name the log's own object, and that may be lost too.
func (l *Log) leftListed(row changeset.Row, err error) (*changeset.Changeset, error) {
	rows, lerr := l.lostRows()
	if lerr != nil {
		return nil, err
	}
	for seq, lost := range rows {
		if lost.ID != row.ID {
			continue
		}
		if mine, rerr := l.Row(seq); rerr == nil && mine.Key == row.Key {
			l.gone.tell(row.ID)
			return l.left(lost), nil
		}
	}
	return nil, err
}

// left reads what is left of a lost changeset. If that cannot be read either, nothing is.
func (l *Log) left(lost changeset.Row) *changeset.Changeset {
	c, err := l.readLeft(lost)
	if err != nil {
		return noneLeft(lost)
	}
	return c
}

// readLeft is left, but that it returns an error that says nothing of the object.
func (l *Log) readLeft(lost changeset.Row) (*changeset.Changeset, error) {
	b, err := l.leftObjects().Get(lost.Key)
	if isFault(err) {
		return noneLeft(lost), nil
	}
	if err != nil {
		return nil, err
	}
	c, err := changeset.Decode(b)
	if err != nil || c.ID != lost.ID {
		return noneLeft(lost), nil
	}
	c.Lost = true
	return c, nil
}

// noneLeft is a lost changeset of which nothing is left.
func noneLeft(lost changeset.Row) *changeset.Changeset {
	return &changeset.Changeset{ID: lost.ID, Lost: true}
}

// list puts a row on the list, with what is left of its changeset. What is known of the log stays: the other lost edits are not read again, nor the rows looked for anew.
func (f *lostRows) list(row changeset.Row, left *changeset.Changeset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[row.Seq] = row
	if f.hang != nil && !f.hang.add(row, left) {
		f.hang = nil
	}
}

// tell says that a changeset is passed over, until somebody hears it of each.
func (f *lostRows) tell(id changeset.ID) {
	f.mu.Lock()
	again := f.met[id]
	if f.met == nil {
		f.met = map[changeset.ID]bool{}
	}
	f.met[id] = true
	f.mu.Unlock()
	if !again && f.told != nil && !f.told(id) {
		f.mu.Lock()
		delete(f.met, id)
		f.mu.Unlock()
	}
}

// lostRows returns the rows that are listed as lost.
func (l *Log) lostRows() (map[uint32]changeset.Row, error) {
	f := l.gone
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loaded {
		return f.rows, nil
	}
	rows, err := l.readLost()
	if err == nil {
		f.rows, f.loaded = rows, true
	}
	return rows, err
}

// readLost reads the list. What in it is no row of the log counts as not there.
func (l *Log) readLost() (map[uint32]changeset.Row, error) {
	b, err := l.limits.readReplaced(l.fs, l.prefix, LostFile, int64(l.latest)*changeset.RowSize)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", join(l.where, l.prefix+LostFile), err)
	}
	rows := map[uint32]changeset.Row{}
	for ; len(b) >= changeset.RowSize; b = b[changeset.RowSize:] {
		if row, err := changeset.ParseRow(b[:changeset.RowSize]); err == nil {
			rows[row.Seq] = row
		}
	}
	return rows, nil
}

// Lost returns the rows of the log that are listed as lost, and whose changesets cannot be read, in order.
func (l *Log) Lost() ([]changeset.Row, error) {
	rows, err := l.lostRows()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var lost []changeset.Row
	for _, listed := range rows {
		if row, is := l.lostNow(listed); is {
			lost = append(lost, row)
		}
	}
	slices.SortFunc(lost, func(a, b changeset.Row) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return lost, nil
}

// lostNow returns the row of the log that is listed as lost, and whether it is: its changeset cannot be read. Of a row that cannot be read itself, whoever reads that says so.
func (l *Log) lostNow(listed changeset.Row) (row changeset.Row, lost bool) {
	row, err := l.Row(listed.Seq)
	if err != nil || row.ID != listed.ID {
		return row, false
	}
	_, _, err = l.RawChangeset(row)
	return row, isFault(err)
}

// AllLost reports whether all changesets of the log are lost, and nothing tells how many there were: the list of what is lost is there, and empty, and the log has no row.
func (l *Log) AllLost() (bool, error) {
	if l.latest > 0 {
		return false, nil
	}
	info, err := l.fs.Stat(LostFile)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", join(l.where, l.prefix+LostFile), err)
	}
	return info.Size() == 0, nil
}

// Left returns the row of [LostFile] for a lost changeset, and the bytes of the object that tells what is left of it; none if that cannot be read.
func (l *Log) Left(seq uint32) (listed changeset.Row, raw []byte, err error) {
	rows, err := l.lostRows()
	if err != nil {
		return listed, nil, err
	}
	listed = rows[seq]
	raw, err = l.leftObjects().Get(listed.Key)
	if isFault(err) {
		return listed, nil, nil
	}
	return listed, raw, err
}

// knowParent returns an error if a parent that is not among the changes to the record is not in the log either, or does not touch the record. Which records a lost changeset
// touched may be unknown.
func (t *txLog) knowParent(ch *changeset.Change, parent changeset.ID) error {
	row, known, err := t.lookup(parent)
	if err != nil {
		return err
	}
	if known {
		c, err := t.changeset(row)
		if err != nil {
			return err
		}
		if c.Lost {
			return nil
		}
		if c.Change(ch.Record) != nil {
			return t.damaged(changeset.RecordPath(ch.Record), fmt.Errorf("it lacks row %d of the log, which touches the record", row))
		}
	}
	return unknownParent(ch, parent)
}

// TakenBack says what came back of what a replica had lost.
type TakenBack struct {
	IDs    []changeset.ID  // of the changesets, votes' too
	Opened OpenedConflicts // the conflicts that opened by it, or got a new rival
	Others int             // records that show something else than before
}

// TakeBack stores the changesets that the replica has lost and another one has, merges what they touch anew, and returns what came back. It looks only at the list of what is lost
// if there is nothing to take back, and repairs the whole replica if there is.
func (r *Replica) TakeBack(ctx context.Context, from *Replica) (back TakenBack, err error) {
	for _, l := range []*Log{r.log, r.votes} {
		lost, err := l.Lost()
		if err != nil {
			return back, err
		}
		for _, row := range lost {
			if b, _ := from.bytesOf(row.ID, l.prefix != "", row.Key); b != nil { // what cannot be read the next pull may bring
				back.IDs = append(back.IDs, row.ID)
			}
		}
	}
	if len(back.IDs) == 0 {
		return back, nil
	}
	how := RepairOptions{Sources: func(context.Context) []*Replica { return []*Replica{from} }, Report: func(m Mended) {
		if m.Outcome == IsOther {
			back.Others++
		}
	}}
	before, err := r.undecided()
	if err != nil && !isDamage(err) {
		return TakenBack{}, err
	}
	if back.Opened, err = runRepair(ctx, r.fs, r.opts, how, before); err != nil {
		return TakenBack{}, err
	}
	return back, r.reopen()
}

// Makes reports whether the replica has the changeset of a row of another one's log, with the very bytes that the row names: as it is here, or as the original forwards it.
func (r *Replica) Makes(row changeset.Row) bool {
	b, err := r.bytesOf(row.ID, false, row.Key)
	return b != nil && err == nil
}
