package replica

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"prophet/changeset"
	"prophet/internal/durable"
)

func (c *checker) checkRowsAndNotes() error {
	rows, err := c.checkIndexLength()
	if err != nil {
		return err
	}
	if c.ours {
		c.checkNotesLength()
	}
	c.wantListed()
	if err := c.checkRows(rows); err != nil {
		return err
	}
	if c.ours && c.notesRead {
		c.checkUndecided()
	}
	return nil
}

// checkIndexLength compares the length of the log's index with the latest sequence number, and returns how many committed rows it has.
func (c *checker) checkIndexLength() (rows uint32, err error) {
	size, want, err := c.indexLength()
	if err != nil {
		if !isNotExist(err) || c.l.latest > 0 {
			c.fault(changeset.IndexFile, err)
			c.nameNumber()
		}
		return 0, nil
	}
	if size < want {
		c.torn = true
		c.problem(changeset.IndexFile, "%s", c.tooShort(size, want))
		c.nameNumber()
		return uint32(size / changeset.RowSize), nil
	}
	if size == want {
		return c.l.latest, nil
	}
	uncounted, err := c.l.uncounted()
	switch {
	case err != nil:
		return 0, err
	case c.atWork():
	case uncounted > 0 && !c.exported && !c.unfinished(changeset.IndexFile):
		c.torn, c.setBack = true, true
		c.problem(changeset.LatestFile, "it counts %d changesets, fewer than the log holds: %s has %d more", c.l.latest, c.l.prefix+changeset.IndexFile, uncounted)
	default:
		c.harmless(changeset.IndexFile, "%d bytes beyond the last committed row, of a writer that was cut off or is at work: %s says %d", size-want, c.l.prefix+changeset.LatestFile, c.l.latest)
	}
	return c.l.latest, nil
}

// checkShort reports whether the index of the log has lost rows: what else a check would find follows from that.
func (c *checker) checkShort() bool {
	size, want, err := c.indexLength()
	missing := isNotExist(err)
	if err != nil && !missing || c.r.opts.Mirror || c.exported || size >= want || c.atWork() {
		return false
	}
	if _, ok := c.l.rowsToCount(); ok {
		return false // another program died while it wrote
	}
	how := c.tooShort(size, want)
	if missing {
		how = fmt.Sprintf("%v, and %s says %d", errMissing, c.l.prefix+changeset.LatestFile, c.l.latest)
	}
	c.problem(changeset.IndexFile, "%s; what else there is follows from that, or is looked for once it is repaired", how)
	return true
}

// indexLength returns how many bytes the log's index has, 0 with an error, and how many the rows that count take.
func (c *checker) indexLength() (size, want int64, err error) {
	want = int64(c.l.latest) * changeset.RowSize
	info, err := c.l.fs.Stat(changeset.IndexFile)
	if err != nil {
		return 0, want, err
	}
	return info.Size(), want, nil
}

// tooShort says that the index has fewer bytes than the rows that count take.
func (c *checker) tooShort(size, want int64) string {
	return fmt.Sprintf("it is %d bytes long; %s says %d, which takes %d bytes", size, c.l.prefix+changeset.LatestFile, c.l.latest, want)
}

// nameNumber says which number a repair writes where the log counts rows that it never had.
func (c *checker) nameNumber() {
	if n, ok := c.l.rowsToCount(); ok {
		c.problem(changeset.LatestFile, "it counts more changesets than the log holds: if another program died while it wrote, a repair sets it to %d", n)
	}
}

// rowOf names a row of a file of the log.
func (c *checker) rowOf(file string, row uint32) string {
	return fmt.Sprintf("row %d of %s", row, c.l.prefix+file)
}

// looked is a row of the log, and what there is to it.
type looked struct {
	seq uint32
	row changeset.Row
	c   *changeset.Changeset
	err error // of the row, or of its changeset
}

const (
	rowsLooked   = 512      // rows that are looked at together
	bytesLooked  = 16 << 20 // after which no more of them are read
	localReaders = 4        // files that are read at once from a disk
	webReaders   = 16       // from a web server
)

// readers is how many files are read at once.
func (c *checker) readers() int {
	if c.r.opts.Mirror {
		return webReaders
	}
	return localReaders
}

// checkRows reads so many rows and their changesets, with what is noted of them, and keeps what the records need.
func (c *checker) checkRows(rows uint32) error {
	notes := &noteCheck{checker: c}
	for from := uint32(1); from <= rows && from > 0; {
		chunk := c.lookAtRows(from, from+min(rows-from, rowsLooked-1))
		chunk, zeros := c.beforeZeros(chunk, rows)
		from += uint32(len(chunk))
		notes.load(chunk)
		for len(chunk) > 0 {
			n := c.readChangesets(chunk)
			if err := c.ctx.Err(); err != nil {
				return err
			}
			for i := range chunk[:n] {
				if err := c.checkRow(&chunk[i], notes); err != nil {
					return err
				}
			}
			chunk = chunk[n:]
		}
		if zeros > 0 {
			c.tellZeros(from, zeros, notes)
			from = zeros + 1
		}
	}
	notes.finish()
	if c.failed != nil {
		return c.failed
	}
	return c.checkTwice()
}

// manyZeros is from how many rows on that are all zeros they are told as one.
const manyZeros = 16

// beforeZeros returns the rows before many that are all zeros, and up to where these go; 0 if there are none. An index may have any size and take no room, where it
// has holes.
func (c *checker) beforeZeros(chunk []looked, rows uint32) (before []looked, to uint32) {
	i := slices.IndexFunc(chunk, func(at looked) bool { return at.row.Seq == 0 })
	if i < 0 {
		return chunk, 0
	}
	from := chunk[i].seq
	to, err := c.l.zerosFrom(from, rows)
	if err != nil || int64(to)-int64(from)+1 < manyZeros {
		return chunk, 0
	}
	return chunk[:i], to
}

// tellZeros tells of rows that are all zeros.
func (c *checker) tellZeros(from, to uint32, notes *noteCheck) {
	c.problem(changeset.IndexFile, "%s nothing but zeros", span(from, to))
	c.broken.add(from, to)
	notes.lost = true // what they say of these rows cannot be told
}

// zerosFrom returns the last of the rows, up to another one, that are all zeros from one on.
func (l *Log) zerosFrom(from, to uint32) (uint32, error) {
	f, err := l.fs.Open(l.index)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	at, size := int64(from-1)*changeset.RowSize, int64(to)*changeset.RowSize
	buf := make([]byte, 64<<10)
	for at < size {
		at = min(durable.PastHole(f, at, size), size)
		b := buf[:min(int64(len(buf)), size-at)]
		if n, err := f.ReadAt(b, at); n < len(b) {
			return 0, err
		}
		if i := slices.IndexFunc(b, func(b byte) bool { return b != 0 }); i >= 0 {
			at += int64(i)
			break
		}
		at += int64(len(b))
	}
	return uint32(at / changeset.RowSize), nil
}

// lookAtRows reads rows; where one is damaged, the others all the same.
func (c *checker) lookAtRows(from, to uint32) []looked {
	chunk := make([]looked, 0, to-from+1)
	if rows, err := c.l.Collect(from, to); err == nil && len(rows) == int(to-from+1) {
		for _, row := range rows {
			chunk = append(chunk, looked{seq: row.Seq, row: row})
		}
		return chunk
	}
	for seq := from; seq <= to && seq > 0; seq++ {
		row, err := c.l.Row(seq)
		chunk = append(chunk, looked{seq: seq, row: row, err: err})
	}
	return chunk
}

// readChangesets reads the changesets of the first rows, several at once and one at least, and returns how many.
func (c *checker) readChangesets(chunk []looked) int {
	var size atomic.Int64
	var group errgroup.Group
	group.SetLimit(c.readers())
	n := 0
	for n < len(chunk) && size.Load() < bytesLooked {
		at := &chunk[n]
		n++
		if at.err != nil {
			continue
		}
		group.Go(func() error {
			if c.ctx.Err() != nil {
				return nil
			}
			var raw []byte
			raw, at.c, at.err = c.l.RawChangeset(at.row)
			at.c, at.err = c.l.orLeft(at.row, at.c, at.err)
			size.Add(int64(len(raw)))
			return nil
		})
	}
	_ = group.Wait() // they return none
	return n
}

// checkRow checks a row that was read.
func (c *checker) checkRow(at *looked, notes *noteCheck) error {
	c.step()
	noted := notes.next(at)
	if at.row.Seq == 0 {
		c.fault(changeset.IndexFile, fmt.Errorf("row %d: %w", at.seq, at.err))
		c.broken.add(at.seq, at.seq)
		return nil
	}
	if err := c.keepID(at.row); err != nil {
		return err
	}
	if at.err != nil {
		c.faultOf(strings.TrimPrefix(c.l.objects.Path(at.row.Key), c.l.prefix), at.err, c.rowOf(changeset.IndexFile, at.seq))
		c.broken.add(at.seq, at.seq)
		return nil
	}
	if flagsOf(at.c) == 0 {
		c.highest[at.row.ID.Origin] = max(c.highest[at.row.ID.Origin], at.row.ID.Seq)
	}
	if at.c.Lost {
		c.meetLost(at.row, at.c)
	} else if err := c.good[0].add(int(at.row.Key[0]), at.row.Key[:]); err != nil {
		return err
	}
	c.wanted.meet(at.seq, at.c)
	return c.keepTouches(at, noted)
}

// keepTouches puts down what a changeset does to each record.
func (c *checker) keepTouches(at *looked, noted flags) error {
	for i := range at.c.Changes {
		ch := &at.c.Changes[i]
		if ch.Record.Type == changeset.SettingsType && at.seq > c.noted {
			c.settingsNew = true
		}
		c.types[ch.Record.Type] = true
		t := touch{kind: touchChange, rec: ch.Record, row: at.seq, flags: noted, alone: len(at.c.Changes) == 1, c: at.c}
		if err := c.keep(&t, ch); err != nil {
			return err
		}
	}
	return nil
}

// keep puts down a touch.
func (c *checker) keep(t *touch, ch *changeset.Change) error {
	entry := appendTouch(c.entry[:0], t, ch)
	c.entry = entry
	key := entry[:len(appendRecord(nil, t.rec))]
	return c.touches.add(c.touches.partOf(key), entry)
}

// keepID puts down which changeset a row names.
func (c *checker) keepID(row changeset.Row) error {
	entry := binary.BigEndian.AppendUint32(appendID(nil, row.ID), row.Seq)
	return c.named.add(c.named.partOf(entry[:20]), entry)
}

// checkTwice names the changesets that are in the log twice.
func (c *checker) checkTwice() error {
	for part := range c.named.parts {
		entries, err := c.named.take(part)
		if err != nil {
			return err
		}
		met := map[changeset.ID]bool{}
		for entry := range entries {
			r := touchReader(entry)
			id := r.id()
			if met[id] {
				c.problem(changeset.IndexFile, "row %d: changeset %s is in the log twice", r.uint32(), id)
			}
			met[id] = true
		}
	}
	return nil
}

// brokenRows are rows that cannot be read, as ascending ranges.
type brokenRows [][2]uint32

// add notes rows after all that are noted.
func (b *brokenRows) add(from, to uint32) {
	if n := len(*b); n > 0 && (*b)[n-1][1]+1 == from {
		(*b)[n-1][1] = to
		return
	}
	*b = append(*b, [2]uint32{from, to})
}

// isBroken reports whether a row cannot be read.
func (c *checker) isBroken(seq uint32) bool {
	i := sort.Search(len(c.broken), func(i int) bool { return c.broken[i][1] >= seq })
	return i < len(c.broken) && c.broken[i][0] <= seq
}
