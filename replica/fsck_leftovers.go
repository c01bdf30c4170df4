package replica

import (
	"bytes"
	"io"
	"os"
	"path"
	"strings"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// checkLeftovers names what a file has beyond its committed end, unless a writer is at work on it now. It is harmless if a commit that was cut off explains it,
// or if beyond reports that it is whole and belongs to rows that are not committed.
func (c *checker) checkLeftovers(file string, end int64, beyond func(tail []byte) bool) {
	if c.r.opts.Mirror {
		return // nobody publishes beside a web server that shows it: what is beyond the end there is not ours to mend
	}
	tail, err := c.tail(file, end)
	switch {
	case err != nil:
		c.fault(file, err)
	case len(tail) == 0 || c.setBack || c.atWork():
	case c.unfinished(file) || beyond(tail):
		c.harmless(file, "%d bytes beyond the last committed row, of a writer that was cut off", len(tail))
	default:
		c.problem(file, "%d bytes at its end are no rows of it, and no writer of ours left them", len(tail))
	}
}

// maxTail bounds what is looked at of leftovers.
const maxTail = 1 << 20

// checkSetBack looks for notes of ours, and digests, of rows that neither the index nor the number has, and for parts that have such rows: their transaction was committed, for no journal explains them.
func (c *checker) checkSetBack() {
	packed, err := c.l.packedAhead()
	if err != nil {
		packed = 0 // what is wrong with the list is told where that is checked
	}
	noted, err := c.l.notedAhead()
	if noted = noted && err == nil; !noted && packed == 0 || c.exported || c.unfinished(rowsFile) || c.atWork() {
		return
	}
	if packed > 0 {
		c.tellSetBack(c.l.prefix+parts.ListFile+" names rows up to", packed)
	} else if e, _, err := c.l.withRows(maxSeq).lastDigest(); err == nil && e.row > c.l.latest {
		c.tellNotesAhead()
	}
}

// tellNotesAhead tells that there are notes of ours on rows that are gone.
func (c *checker) tellNotesAhead() {
	size, _ := c.l.ours.size(rowsFile) // it was read before
	c.tellSetBack(c.l.prefix+rowsFile+" has notes on", uint32(size/notedSize))
}

// tellSetBack tells, once, that rows are gone that were committed, and which file says up to which. That other files have more than the log follows from it.
func (c *checker) tellSetBack(says string, rows uint32) {
	if c.setBack {
		return
	}
	c.setBack, c.torn = true, true
	c.problem(changeset.LatestFile, "it counts %d changesets, as %s does, but %s %d: both were set back, or copied while somebody wrote; a repair takes up again what is here of the others, "+
		"and an edit before that cuts it off, unless parts have it", c.l.latest, c.l.prefix+changeset.IndexFile, says, rows)
}

// tail reads what a file has beyond its committed end, at most maxTail bytes.
func (c *checker) tail(file string, end int64) ([]byte, error) {
	f, err := c.l.fs.Open(file)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, end, maxTail))
}

// unfinished reports whether a commit that was not made when the replica was opened says how long the file was before.
func (c *checker) unfinished(file string) bool {
	_, ok := c.l.limits.Lengths[c.l.prefix+file]
	return ok
}

// atWork reports whether a writer has begun or made a commit since the replica was opened: what it writes now is not for us to judge. It is asked once the file was
// looked at. The journal is read before the numbers: a writer that has emptied it has written these.
func (c *checker) atWork() bool {
	if !c.r.opts.Mirror && len(c.l.limits.Lengths) == 0 { // else it was begun before: to read its journal again for each file that it grows would take long
		if now, err := durable.Uncommitted(c.r.fs); err == nil && len(now.Lengths) > 0 {
			return true
		}
	}
	if text, err := readSmall(c.r.fs, changeset.LatestFile); err != nil || text != c.r.log.rawLatest {
		return true
	}
	if c.r.opts.Mirror {
		return false // its other numbers stay, as far as anybody can see
	}
	if text, err := readSmall(c.r.fs, votesNumber); err != nil || text != c.r.votes.rawLatest && !c.counts(votesNumber) {
		return true
	}
	text, err := readListed(c.r.fs, "")
	return err != nil || text != c.r.log.reps.text && !c.counts(LatestRepresentationFile)
}

// counts reports whether a commit that was not made when the replica was opened may have written its number to the file already.
func (c *checker) counts(number string) bool {
	_, limited := c.l.limits.Points[number]
	return limited
}

// underway reports whether a commit was not finished when the replica was opened: small files may be as they were before it.
func (c *checker) underway() bool {
	v := &c.l.limits.View
	return len(v.Lengths)+len(v.Points)+len(v.Replaced) > 0
}

// wholeRows reports whether leftovers are rows of that many bytes.
func wholeRows(size int) func(tail []byte) bool {
	return func(tail []byte) bool { return len(tail)%size == 0 }
}

// wholeLines reports whether leftovers are lines.
func wholeLines(tail []byte) bool { return bytes.HasSuffix(tail, []byte("\n")) }

// checkVersionsBeyond is checkLeftovers for the index of a record. Whole rows that no commit that was cut off explains are harmless no longer once
// their numbers are given again.
func (c *checker) checkVersionsBeyond(file string, end, size int64) {
	if size <= end {
		return
	}
	tail, err := c.tail(file, end)
	if err == nil && len(tail) > 0 && !c.atWork() && !c.unfinished(file) && c.versionsBeyond(tail) {
		if ahead, err := c.l.notedAhead(); c.ours && ahead && err == nil {
			c.tellNotesAhead()
			return
		}
		c.lostVersions(file, len(tail), c.onceGivenAgain(end))
		return
	}
	c.checkLeftovers(file, end, c.versionsBeyond)
}

// onceGivenAgain says what becomes of versions beyond the log, which follow so many bytes of a record's index, once other changesets have their numbers. Our
// programs show a record by its newest version that the log confirms, and do not look so closely where they list them; an index that the log knows
// nothing of they pass over.
func (c *checker) onceGivenAgain(end int64) string {
	if end == 0 || !c.ours {
		return "will be shown by programs of the original once their numbers are given again"
	}
	return "will be listed once their numbers are given again, unless an edit of the record cuts them off before"
}

// lostVersions names versions that are left of changesets that the log lost.
func (c *checker) lostVersions(file string, n int, but string) {
	c.torn = true
	c.problem(file, "%d bytes at its end are of changesets that the log does not have and %s", n, but)
}

// versionsBeyond reports whether leftovers of a record's index are rows for changesets that are not committed.
func (c *checker) versionsBeyond(tail []byte) bool {
	for ; len(tail) >= changeset.VersionSize; tail = tail[changeset.VersionSize:] {
		if v, err := changeset.ParseVersion(tail[:changeset.VersionSize]); err != nil || v.Seq <= c.l.latest {
			return false
		}
	}
	return len(tail) == 0
}

// checkStrays names the files below records/ that are not where the index of a record is. depth counts the directories below that one.
func (c *checker) checkStrays(dir string, depth int, typ string) error {
	entries, err := c.l.entriesOf(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, e.Name())
		if depth == 0 {
			typ = e.Name()
		}
		switch belongs := c.belongs(name, depth, typ); {
		case durable.IsTemp(name):
		case !belongs:
			c.harmless(name, "a stray file: it is not where the index of a record is")
		case depth == 0 && !e.IsDir() && !c.types[typ]:
			c.harmless(name, "a stray file: no record of a type of that name can be made before it is moved")
		case depth < 3 && !e.IsDir():
			c.problem(name, "a file where a directory must be: no record can be made below it")
		case depth == 3 && e.IsDir():
			c.problem(name, "a directory where the index of a record must be")
		case depth < 3:
			if err := c.checkStrays(name, depth+1, typ); err != nil {
				return err
			}
		}
	}
	return nil
}

// belongs reports whether there may be something of that name below records/.
func (c *checker) belongs(name string, depth int, typ string) bool {
	last := path.Base(name)
	switch depth {
	case 0:
		return changeset.CheckType(last) == nil
	case 1, 2:
		return isDigit(last)
	}
	_, ok := indexed(typ, name)
	return ok
}

// isDigit reports whether a name is a hexadecimal digit, as those of the directories of records are.
func isDigit(name string) bool {
	return len(name) == 1 && strings.Contains("0123456789abcdef", name)
}

// entriesOf returns what is in a directory, by name; one that is missing, or a file in its place, has nothing.
func (l *Log) entriesOf(dir string) (entries []os.FileInfo, err error) {
	names, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		info, err := l.fs.Stat(path.Join(dir, name))
		if isNotExist(err) {
			continue // it went meanwhile, or leads nowhere
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, info)
	}
	return entries, nil
}
