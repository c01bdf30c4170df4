package replica

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// A commit may be cut off in a directory where a program of the original writes too. That one knows of no journal and no lock: it adds one to
// latest-sequence-no as it finds it, and appends its rows behind whatever the files end in. So it may give a number once more that the commit was to
// give, and the number alone no longer says whether the commit was made. The rows do. If those that follow the commit's own bear the numbers after
// its last one, it was made, and stays. Otherwise the last rows, as many as are counted, are the other program's, and bear the numbers after those that
// were committed before: what lies in between goes.

// ErrCutOff is wrapped by the error where a commit was cut off, another program wrote since, and only a person can say what is to become of the two.
// Nothing can be read until then.
var ErrCutOff = errors.New("a commit was cut off here, and another program wrote since")

// halted is one of the two logs, to the index of which a commit that was cut off adds, or which it writes anew.
type halted struct {
	*Log       // as the files have it
	root       afero.Fs
	u          *durable.Unfinished
	from, to   uint32                 // the last row before and after the commit
	index      []byte                 // the file of rows
	at         int                    // where in it the commit begins
	ours       []byte                 // what it appends there
	noted      bool                   // ours is known: earlier versions did not note it
	kept       bool                   // the commit was made
	changesets []*changeset.Changeset // of the other program
	rowsAt     int                    // where in index their rows are
	after      uint32                 // the number that these come after
	completed  []byte                 // what the index would have been written anew as, if the rows follow on that
	failed     error                  // what could not be read for another reason than that it is missing or damaged: nothing can be decided
	empty      bool                   // the other program emptied the number, to write the next one, and did not come to that
}

// newHalted reads a log; nil if the commit leaves its index alone.
func newHalted(root afero.Fs, where, prefix string, u *durable.Unfinished) (*halted, error) {
	log, err := openLog(root, prefix, where, &limits{})
	empty := errors.Is(err, errEmptyNumber)
	if empty {
		log, err = openNumberedBefore(root, prefix, where, u)
	}
	if err != nil {
		return nil, err
	}
	h := &halted{Log: log, root: root, u: u, from: log.latest, to: log.latest, empty: empty}
	for _, p := range u.Points {
		if p.Name != prefix+changeset.LatestFile {
			continue
		}
		if h.from, err = parseNumber(p.Name, p.Old); err != nil {
			return nil, err
		}
		if h.to, err = parseNumber(p.Name, p.New); err != nil {
			return nil, err
		}
	}
	grown := growthOf(u, prefix+changeset.IndexFile)
	if grown == nil && (u.Rewritten == nil || u.Rewritten.Name != prefix+changeset.IndexFile) {
		return nil, h.checkNumber(h.latest)
	}
	if h.index, err = readWhole(log.fs, changeset.IndexFile); err != nil && !isNotExist(err) {
		return nil, fmt.Errorf("read %s: %w", log.indexPath(), err)
	}
	if grown == nil {
		return h, h.decided(h.judgeRewritten())
	}
	h.at, h.ours, h.noted = int(grown.At), grown.Data, grown.Known
	if h.at != int(h.from)*changeset.RowSize {
		return nil, h.mixed("the commit was to begin at byte %d of %s, but row %d ends at byte %d", h.at, h.name(changeset.IndexFile), h.from,
			int64(h.from)*changeset.RowSize)
	}
	return h, h.decided(h.judge())
}

func growthOf(u *durable.Unfinished, name string) *durable.Grown {
	for i := range u.Grown {
		if u.Grown[i].Name == name {
			return &u.Grown[i]
		}
	}
	return nil
}

// judge finds out which rows are the other program's, and whether the commit was made.
func (h *halted) judge() error {
	tail := h.index[min(h.at, len(h.index)):]
	if h.empty {
		return h.miscounted(tail)
	}
	if h.latest < h.from && len(tail) == 0 {
		return nil // the whole log was turned back: a backup was put back over it
	}
	at, from, kept, ok := h.place(tail, h.latest)
	if !ok {
		return h.miscounted(tail)
	}
	h.kept = kept
	return h.take(h.at+at, from)
}

// place returns where in the tail of the index the other program's rows begin, and after which number, if there are n rows in the log. kept says that
// the commit stands before them, and was made. ok is false if the rows do not come to that number, or it does not show what is whose.
func (h *halted) place(tail []byte, n uint32) (at int, from uint32, kept, ok bool) {
	if own := h.ownLength(); n >= h.to && len(tail) >= own && follow(tail[own:], h.to, n) && h.own(tail) {
		return own, h.to, true, true
	}
	at, ok = h.find(tail, h.from, n)
	return at, h.from, false, ok && !h.stray(tail[:at])
}

// own reports whether the tail of the index, which is long enough, begins with the rows of the commit, and all that it adds to other files is there.
// Where a further row is counted, that need not be asked: the other program gives a row the number after the last of the commit only where it finds that
// one, and the commit wrote it after all the rest.
func (h *halted) own(tail []byte) bool {
	size := h.ownLength()
	return h.isOwn(tail[:size]) && (h.whole() || len(tail) >= size+changeset.RowSize && h.latest > h.to)
}

// unnumbered reports whether the commit came to an end but for the number of the log: the last number may be the other program's.
func (h *halted) unnumbered() bool {
	tail, own := h.index[min(h.at, len(h.index)):], h.ownLength()
	return h.latest == h.from && h.noted && len(tail) >= own && follow(tail[own:], h.to, h.to) && h.own(tail)
}

// follow reports whether the rows from one number, exclusive, to another, inclusive, are what is there, but for part of a row after them.
func follow(rows []byte, from, to uint32) bool {
	size := int64(to-from) * changeset.RowSize
	if rest := int64(len(rows)) - size; rest < 0 || rest >= changeset.RowSize {
		return false
	}
	_, err := changeset.ParseRows(rows[:size], from+1)
	return err == nil
}

// ownLength is how many bytes the commit adds to the index.
func (h *halted) ownLength() int {
	if h.noted {
		return len(h.ours)
	}
	return int(h.to-h.from) * changeset.RowSize
}

// isOwn reports whether these are the commit's rows. Where an earlier version did not note them, they are if our notes on them, which it wrote
// after them, are there.
func (h *halted) isOwn(rows []byte) bool {
	if h.noted {
		return bytes.Equal(rows, h.ours)
	}
	_, err := changeset.ParseRows(rows, h.from+1)
	info, serr := h.fs.Stat(rowsFile)
	return err == nil && h.sound(serr) && info.Size() >= int64(h.to)*notedSize
}

// whole reports whether every file below the log's directory that the commit extends has what it appends: for the log of changesets all files, for the
// resolutions theirs.
func (h *halted) whole() bool {
	for name, g := range h.grown() {
		if !g.Known {
			continue
		}
		b, err := readWhole(h.fs, name)
		if !h.sound(err) || int64(len(b)) < g.At || !bytes.HasPrefix(b[g.At:], g.Data) {
			return false
		}
	}
	return true
}

// sound reports whether a file could be read, and keeps an error in mind that says nothing of the file.
func (h *halted) sound(err error) bool {
	if err != nil && !isFault(err) {
		h.failed = cmp.Or(h.failed, err)
	}
	return err == nil
}

// decided is the error of what was decided, which something that could not be read may have misled.
func (h *halted) decided(err error) error {
	if h.failed != nil {
		return fmt.Errorf("find out what became of a commit that was cut off: %w", h.failed)
	}
	return err
}

// grown yields the files below the log's directory that the commit extends, with their names there.
func (h *halted) grown() iter.Seq2[string, durable.Grown] {
	return func(yield func(string, durable.Grown) bool) {
		for _, g := range h.u.Grown {
			if name, below := strings.CutPrefix(g.Name, h.prefix); below && !yield(name, g) {
				return
			}
		}
	}
}

// recordIndexes yields those of them that are indexes of the log's records.
func (h *halted) recordIndexes() iter.Seq2[string, durable.Grown] {
	return func(yield func(string, durable.Grown) bool) {
		for name, g := range h.grown() {
			if strings.HasPrefix(name, changeset.RecordsDir+"/") && !yield(name, g) {
				return
			}
		}
	}
}

// take reads the other program's changesets, in the rows after row from, which begin at a byte of the index.
func (h *halted) take(at int, from uint32) error {
	h.rowsAt, h.after, h.changesets = at, from, nil
	for seq := from + 1; seq <= h.latest; seq++ {
		row, err := changeset.ParseRow(h.index[at:][:changeset.RowSize])
		if err != nil {
			return err
		}
		c, err := h.Changeset(row)
		if !h.sound(err) {
			return h.damage(changeset.IndexFile, "%w: the changeset of its row %d cannot be read (%w): put its file back, from who has it; or, to give up that and those after it, "+
				"cut %s to %d bytes and write %d into %s", ErrCutOff, seq, err, h.name(changeset.IndexFile), at, seq-1, h.name(changeset.LatestFile))
		}
		h.changesets = append(h.changesets, c)
		at += changeset.RowSize
	}
	return nil
}

// stray reports whether there are rows, aligned to the beginning or to the end, that are whole, name a changeset that is there, and are not the commit's.
func (h *halted) stray(between []byte) bool {
	return h.strayFrom(between) || h.strayFrom(between[len(between)%changeset.RowSize:])
}

func (h *halted) strayFrom(rows []byte) bool {
	for ; len(rows) >= changeset.RowSize; rows = rows[changeset.RowSize:] {
		row, err := changeset.ParseRow(rows[:changeset.RowSize])
		if err != nil || h.isOwnRow(rows[:changeset.RowSize]) {
			continue
		}
		if _, err := h.Changeset(row); h.sound(err) && h.noted {
			return true
		}
	}
	return false
}

// miscounted is the error where latest-sequence-no counts another number of rows than there are: the other program writes that number first.
func (h *halted) miscounted(tail []byte) error {
	n, ok := h.count(tail)
	if ok && h.empty {
		return h.checkNumber(h.lastNumber(tail, n))
	}
	if !ok || n == h.latest {
		return h.mixed("%s counts %d changesets, and the rows of %s do not fit that", h.name(changeset.LatestFile), h.latest, h.name(changeset.IndexFile))
	}
	return h.damage(changeset.LatestFile, "%w: %s counts %d changesets, and %s has rows for %d; if that program is at work, try again when it is done; "+
		"if not, write %d into %[2]s", ErrCutOff, h.name(changeset.LatestFile), h.latest, h.name(changeset.IndexFile), n, n)
}

// count returns which number the rows that are there come to.
func (h *halted) count(tail []byte) (n uint32, ok bool) {
	if !h.noted {
		return 0, false
	}
	for rows := len(tail) / changeset.RowSize; rows >= 0; rows-- {
		n = h.from + uint32(rows)
		if _, _, _, ok := h.place(tail, n); ok {
			return n, true
		}
	}
	return 0, false
}

// mixed is the error where it does not show what is whose.
func (h *halted) mixed(format string, args ...any) error {
	return &DamageError{Where: h.where, Path: durable.Journal, Err: fmt.Errorf("%w, and what that wrote cannot be told from it: %w; "+
		"copy the directory away, then remove %s", ErrCutOff, fmt.Errorf(format, args...), durable.Journal)}
}

func (h *halted) damage(name, format string, args ...any) error {
	return h.damaged(name, fmt.Errorf(format, args...))
}

// name is a file of the log within the replica.
func (h *halted) name(file string) string { return h.prefix + file }

// judgeRewritten is judge for an index that is written anew as a whole, which is the commit: the numbers are written before.
func (h *halted) judgeRewritten() error {
	wrote, isNew, ok := h.u.Rewritten.Prefix(h.index, changeset.RowSize)
	if !ok {
		return h.mixed("%s begins neither as it was nor as it was to be", h.name(changeset.IndexFile))
	}
	number := h.to
	h.at, h.kept, h.noted = wrote, isNew, true
	h.from = uint32(wrote / changeset.RowSize)
	h.to = h.from
	rows := h.index[wrote:]
	switch n := uint32(len(rows) / changeset.RowSize); {
	case h.empty && follow(rows, h.from, h.from+n):
		return h.checkNumber(h.from + n)
	case h.empty && !isNew && follow(rows, number, number+n):
		return h.checkNumber(number + n)
	case follow(rows, h.from, h.latest):
		return h.take(wrote, h.from)
	case !isNew && len(rows) == 0 && h.latest == number:
		h.latest = h.from // the number is the commit's, which was not made
		return nil
	case !isNew && h.latest > number && follow(rows, number, h.latest):
		return h.complete(number) // it went on from the number, which was written before the index
	}
	return h.miscounted(rows)
}

// complete takes the new content of the index, and the other program's rows after it.
func (h *halted) complete(number uint32) error {
	anew, ok, err := h.u.Rewrite(h.root)
	if err != nil {
		return err
	}
	if !ok {
		return h.mixed("row %d of %s follows on row %d, and what was to be between them is gone", number+1, h.name(changeset.IndexFile), h.from)
	}
	wrote := h.at
	h.completed, h.kept = append(anew, h.index[wrote:]...), true
	return h.take(wrote, number)
}
