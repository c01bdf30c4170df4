package replica

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// Log is the changesets of one replica in the order in which they came to it, and the index of its records: the replica's own, or
// that of its resolutions. It shows the state of the moment at which it was opened: what is committed later is not there.
// All methods are safe for concurrent use.
type Log struct {
	fs        afero.Fs // rooted at the directory that holds changesets.idx
	root      afero.Fs // of the replica
	prefix    string   // of that directory within the replica: "" or "resolutions/"
	where     string   // for messages
	uuid      uuid.UUID
	database  uuid.UUID
	latest    uint32
	rawLatest string     // as the file has it
	objects   *cas.Store // changesets
	versions  *cas.Store // of records
	ours      companion
	limits    *limits
	former    *formerUUIDs
	reps      *representations // of representations; nil for the resolutions
	index     string           // the file of rows
	number    string           // the file that says how many count
	renamed   uuid.UUID        // what a transaction under way calls the replica, if not uuid
	wide      *wideRows        // what is kept of rows of many changes
	inMirror  func() bool      // asked once a fault was found; nil where nobody knows
	gone      *lostRows        // which changesets are lost; nil for the list of representations
	about     *Log             // whose changesets the list of representations is about; nil for a log itself
	format    string           // of the replica, once it is open
	tier      *tier            // what is packed; nil for the list of representations
}

// limits are what of the files is committed, where a writer was cut off or is at work.
type limits struct {
	durable.View
	mirror  bool        // nobody writes there
	loose   bool        // the replica is of format 1: there are no parts
	checked func() bool // whether all notes on rows bear a check, because there is an identity; nil where nobody asks
	recent  *recent     // what was read of the tables last; nil where they may change, as in a mirror or while they are mended
}

// wantsChecks reports whether all notes on rows bear a check.
func (l *limits) wantsChecks() bool { return l.checked != nil && l.checked() }

// of returns how much of a file may be read, of size bytes that it has; -1 if there should be no such file.
func (l *limits) of(name string, size int64) int64 {
	if n, limited := l.Lengths[name]; limited {
		return min(n, size)
	}
	return size
}

// readCommitted reads a file as far as it is committed, or what a commit that was made is about to write there. The error wraps fs.ErrNotExist if there is none.
func (l *limits) readCommitted(fsys afero.Fs, prefix, name string) ([]byte, error) {
	if text, replaced := l.Replaced[prefix+name]; replaced {
		return []byte(text), nil
	}
	b, err := readWhole(fsys, name)
	if err != nil {
		return nil, err
	}
	n := l.of(prefix+name, int64(len(b)))
	if n < 0 {
		return nil, fs.ErrNotExist
	}
	return b[:n], nil
}

// maxWhole is how many bytes a file has at most that is read as a whole. Somebody else's may have any size and take no room, where it has holes.
const maxWhole = 1 << 30

// readWhole reads a file.
func readWhole(fsys afero.Fs, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxWhole {
		return nil, &DamageError{Path: name, Err: fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxWhole)}
	}
	return afero.ReadAll(f)
}

// readReplaced reads a file of so many bytes at most, and one more if there are more, or what a commit that was made is about to write there.
func (l *limits) readReplaced(fsys afero.Fs, prefix, name string, most int64) ([]byte, error) {
	if text, replaced := l.Replaced[prefix+name]; replaced {
		return []byte(text), nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// newLog returns a log of which nothing was read.
func newLog(root afero.Fs, prefix, where string, limits *limits) *Log {
	l := &Log{fs: root, root: root, prefix: prefix, where: where, limits: limits, former: &formerUUIDs{}, wide: new(wideRows), gone: new(lostRows), tier: new(tier),
		index: changeset.IndexFile, number: changeset.LatestFile}
	if prefix != "" {
		l.fs = afero.NewBasePathFs(root, strings.TrimSuffix(prefix, "/"))
	}
	l.objects = l.newObjects()
	l.versions = cas.New(root, prefix+"cas/"+changeset.RecordObjects)
	return l
}

// newObjects returns the store of changesets, loose and packed.
func (l *Log) newObjects() *cas.Store {
	return cas.New(l.root, l.prefix+"cas/"+changeset.ChangesetObjects).Beside(l)
}

// openLog reads the small files of a log. The latest sequence number is read first: rows up to it do not change, but by a move, which is another log.
func openLog(root afero.Fs, prefix, where string, limits *limits) (*Log, error) {
	l := newLog(root, prefix, where, limits)
	var err error
	if l.rawLatest, err = readSmall(l.fs, changeset.LatestFile); err != nil {
		return nil, missing(prefix+changeset.LatestFile, err)
	}
	if old, limited := limits.Points[prefix+changeset.LatestFile]; limited {
		l.rawLatest = old
	}
	if l.latest, err = parseNumber(changeset.LatestFile, l.rawLatest); err != nil {
		return nil, l.wrongNumber(reason(err))
	}
	if l.uuid, err = l.readUUID(changeset.ReplicaUUIDFile); err != nil {
		return nil, err
	}
	if l.database, err = l.readUUID(changeset.DatabaseUUIDFile); err != nil {
		return nil, err
	}
	l.ours = companion{l.fs, l.latest, prefix, where, limits}
	return l, nil
}

// UUID is the replica's: the origin of the changesets that are made in it.
func (l *Log) UUID() uuid.UUID { return l.uuid }

// Database identifies the database. The resolutions replicas of a database share one of their own.
func (l *Log) Database() uuid.UUID { return l.database }

// formerUUIDs are those that a log's replica had before it was restored or copied, loaded when first asked for.
type formerUUIDs struct {
	mu     sync.Mutex
	loaded bool // the rest is known; an error of reading it is not kept
	list   []uuid.UUID
	rows   map[uuid.UUID]uint32 // that the log had when the replica gave that one up; maxSeq where that was not noted
}

// maxFormer is how many bytes the list of former UUIDs has at most: a peer may lie.
const maxFormer = 64 << 20

// Former returns the UUIDs that the log's replica had before it was restored from a backup or copied.
func (l *Log) Former() ([]uuid.UUID, error) {
	f := l.former
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loaded {
		return f.list, nil
	}
	list, rows, err := l.readFormer()
	if err == nil {
		f.list, f.rows, f.loaded = list, rows, true
	}
	return list, err
}

// readFormer reads the list, and how many rows the log had when the replica gave each of them up.
func (l *Log) readFormer() (list []uuid.UUID, till map[uuid.UUID]uint32, err error) {
	b, err := l.limits.readReplaced(l.fs, l.prefix, formerFile, maxFormer)
	if isNotExist(err) {
		return nil, nil, l.checkSum(formerFile, nil, false)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", join(l.where, l.prefix+formerFile), err)
	}
	if err := l.checkSum(formerFile, b, true); err != nil {
		return nil, nil, err
	}
	if len(b) > maxFormer {
		return nil, nil, l.damaged(formerFile, fmt.Errorf("it is longer than %d bytes", maxFormer))
	}
	till = map[uuid.UUID]uint32{}
	for line := range strings.Lines(string(b)) {
		u, rows, err := parseFormer(strings.TrimSpace(line))
		if err != nil {
			return nil, nil, l.damaged(formerFile, err)
		}
		list, till[u] = append(list, u), max(till[u], rows)
	}
	return list, till, nil
}

// gaveUp returns as which of its UUIDs, in order, the log's replica gave one up; math.MaxInt if it did not. A backup may have brought that back, and the list of before; then the original's mark of it says so.
func (l *Log) gaveUp(u uuid.UUID) int {
	former, _ := l.Former()
	if i := slices.Index(former, u); i >= 0 {
		return i
	}
	if u == l.uuid {
		if marked, _ := exists(l.fs, markFile(u)); marked {
			return len(former)
		}
	}
	return math.MaxInt
}

// parseFormer reads a line of the list: a UUID, a space and the number of rows that the log had when the replica gave it up. Older versions wrote the
// UUID alone.
func parseFormer(line string) (u uuid.UUID, rows uint32, err error) {
	text, number, noted := strings.Cut(line, " ")
	if u, err = changeset.ParseUUID(text); err != nil || !noted {
		return u, maxSeq, err
	}
	rows, err = parseNumber(formerFile, number)
	return u, rows, err
}

// appendFormer appends a line as parseFormer reads it.
func appendFormer(b []byte, u uuid.UUID, rows uint32) []byte {
	b = append(b, u.String()...)
	if rows < maxSeq {
		b = strconv.AppendUint(append(b, ' '), uint64(rows), 10)
	}
	return append(b, '\n')
}

// made reports whether the log is its maker's own for changesets of that origin: what stands above one of them, its maker had seen.
func (l *Log) made(origin uuid.UUID) (bool, error) {
	if origin == l.uuid || origin == l.renamed {
		return true, nil
	}
	if _, err := l.Former(); err != nil {
		return false, err
	}
	_, is := l.former.rows[origin]
	return is, nil
}

// Wrote reports whether a changeset in the log was made in the replica itself, under its present UUID or a former one: it stands in the row of its number, and
// stood there when the replica gave up that UUID. What came under a former UUID later is by a copy of the replica, or was lost with a restored backup
// and came back: nobody can tell which.
func (l *Log) Wrote(id changeset.ID) (bool, error) {
	rows := l.latest
	if id.Origin != l.uuid {
		if _, err := l.Former(); err != nil {
			return false, err
		}
		rows = min(rows, l.former.rows[id.Origin])
	}
	if id.Seq > rows {
		return false, nil
	}
	row, err := l.Row(id.Seq)
	return row.ID == id, err
}

// Latest is the sequence number of the last row, 0 if there is none.
func (l *Log) Latest() uint32 { return l.latest }

// Row returns row seq of the log, 1 to Latest.
func (l *Log) Row(seq uint32) (changeset.Row, error) {
	if 1 <= seq && seq <= l.latest {
		b := l.limits.recent.read(l.fs, l.prefix, l.index, int64(seq-1)*changeset.RowSize, changeset.RowSize)
		if row, err := changeset.ParseRow(b); err == nil && row.Seq == seq {
			return row, nil
		}
	}
	for row, err := range l.Rows(seq, seq) {
		return row, err
	}
	return changeset.Row{}, fmt.Errorf("read row %d of %s: it has %s", seq, l.indexPath(), rowsWord(l.latest))
}

func (l *Log) indexPath() string { return join(l.where, l.prefix+l.index) }

// damaged says what is wrong with a file of the log.
func (l *Log) damaged(name string, err error) error {
	return &DamageError{Where: l.where, Path: l.prefix + name, Err: err}
}

// rowsAtOnce is how many rows are read in one piece: 352 KB.
const rowsAtOnce = 8192

// Rows yields the rows from one sequence number to another, both included, as far as the log goes.
// It reads no more of the index than that. After an error it yields nothing more.
func (l *Log) Rows(from, to uint32) iter.Seq2[changeset.Row, error] {
	return func(yield func(changeset.Row, error) bool) {
		to = min(to, l.latest)
		from = max(from, 1)
		if from > to {
			return
		}
		f, err := l.fs.Open(l.index)
		if isNotExist(err) && l.number == changeset.LatestFile {
			err = cmp.Or(l.overcounted(), error(&DamageError{Path: l.prefix + l.index, Err: fmt.Errorf("it is missing, though %s says %d: %w", l.number, l.latest, fs.ErrNotExist)}))
		}
		if err != nil {
			yield(changeset.Row{}, l.faulty(fmt.Errorf("read %s: %w", l.indexPath(), err)))
			return
		}
		defer f.Close()
		for from <= to {
			rows, err := l.readRows(f, from, from+min(to-from, rowsAtOnce-1))
			if err != nil {
				yield(changeset.Row{}, l.faulty(err))
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			from += uint32(len(rows))
			if from == 0 { // past the greatest sequence number
				return
			}
		}
	}
}

// readRows reads the rows from one number to another from the open index.
func (l *Log) readRows(f afero.File, from, to uint32) ([]changeset.Row, error) {
	buf := make([]byte, int(to-from+1)*changeset.RowSize)
	if n, err := f.ReadAt(buf, int64(from-1)*changeset.RowSize); n < len(buf) {
		if err == nil || errors.Is(err, io.EOF) || err == io.ErrUnexpectedEOF { // as files in memory have it
			return nil, cmp.Or(l.overcounted(), l.endsEarly(from+uint32(n/changeset.RowSize)))
		}
		return nil, fmt.Errorf("read rows %d to %d of %s: %w", from, to, l.indexPath(), err)
	}
	rows, err := changeset.ParseRows(buf, from)
	if err != nil {
		return nil, l.damaged(l.index, err)
	}
	return rows, nil
}

// endsEarly is the error of an index that ends before a row does that is counted.
func (l *Log) endsEarly(row uint32) error {
	return fmt.Errorf("read %s: %w", l.indexPath(), &DamageError{Path: l.prefix + l.index,
		Err: fmt.Errorf("it ends before row %d does, though %s says %d", row, l.number, l.latest)})
}

// Collect returns the rows from one sequence number to another, both included, as far as the log goes.
func (l *Log) Collect(from, to uint32) (rows []changeset.Row, err error) {
	for row, err := range l.Rows(from, to) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Changeset reads the changeset of a row; its hash and its ID are checked. Of one that is lost it returns what is left, which says so.
func (l *Log) Changeset(row changeset.Row) (*changeset.Changeset, error) {
	_, c, err := l.rawChangeset(row, false)
	return l.orLeft(row, c, err)
}

// readSmall reads a file of a line; longer ones are damaged or something else, a web page say.
func readSmall(fsys afero.Fs, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	const most = 4096
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return "", err
	}
	if len(b) > most {
		return "", &DamageError{Path: name, Err: fmt.Errorf("it is longer than %d bytes", most)}
	}
	return strings.TrimSpace(string(b)), nil
}

// missing says of a file of a line without which there is no replica that it is damage if there is none. name is the file within the replica.
func missing(name string, err error) error {
	if isNotExist(err) || isDamage(err) {
		return &DamageError{Path: name, Err: reason(err)}
	}
	return err
}

// parseNumber reads the text of a file that holds a decimal number.
func parseNumber(name, text string) (uint32, error) {
	if text == "0" {
		return 0, nil
	}
	n, err := changeset.ParseSeq(text)
	if err != nil {
		return 0, &DamageError{Path: name, Err: err}
	}
	return n, nil
}

// readUUID reads a file of the log that holds a UUID.
func (l *Log) readUUID(name string) (uuid.UUID, error) {
	s, replaced := l.limits.Replaced[l.prefix+name]
	if old, limited := l.limits.Points[l.prefix+name]; limited {
		s, replaced = old, true
	}
	if !replaced {
		var err error
		if s, err = readSmall(l.fs, name); err != nil {
			return uuid.UUID{}, missing(l.prefix+name, err)
		}
	}
	u, err := changeset.ParseUUID(s)
	if err != nil {
		return uuid.UUID{}, &DamageError{Path: l.prefix + name, Err: err}
	}
	return u, nil
}
