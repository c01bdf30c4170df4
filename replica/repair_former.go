package replica

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// formerList is a list of former UUIDs, with what the log tells of them.
type formerList struct {
	lines []string // without their ends
	known map[uuid.UUID]standing
	rows  uint32 // of the log
}

// newFormerList reads a list of which nothing has the checksum.
func newFormerList(l *Log, b []byte) (*formerList, error) {
	x := &formerList{}
	var more []uuid.UUID
	for line := range strings.Lines(string(b)) {
		x.lines = append(x.lines, strings.TrimSpace(line))
		if u, _, err := parseFormer(strings.TrimSpace(line)); err == nil {
			more = append(more, u)
		}
	}
	marks, err := l.list(marksDir)
	if err != nil {
		return nil, err
	}
	for _, name := range marks {
		if u, is := markedBy(name); is {
			more = append(more, u)
		}
	}
	if x.rows, err = rowsHeld(l.fs); err != nil {
		return nil, err
	}
	x.known, err = standings(l, more...)
	return x, err
}

// doubt says why a line is not to be believed, "" if it is: the log has changesets of that UUID in the rows of their numbers, or the original's mark says that it was given up, and nothing else.
func (x *formerList) doubt(line string) string {
	u, rows, err := parseFormer(line)
	s := x.known[u]
	switch {
	case err != nil:
		return fmt.Sprintf("%.60q is no UUID with a number of rows", line)
	case s.own == 0 && (s.elsewhere > 0 || !s.marked):
		return fmt.Sprintf("nothing here tells that the replica was %s before", u)
	case rows < maxSeq && (rows < s.last || rows > x.rows):
		return fmt.Sprintf("it says that the replica gave up %s when its log had %d rows, of which it made row %d, and it has %d", u, rows, s.last, x.rows)
	}
	return ""
}

// flipped returns the only line that is not in doubt, and one bit away from another one; "" if there is none, or several.
func (x *formerList) flipped(line string) (found string) {
	b := []byte(line)
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			u, rows, err := parseFormer(string(b))
			if err == nil && string(b) == strings.TrimSpace(string(appendFormer(nil, u, rows))) && x.doubt(string(b)) == "" {
				if found != "" {
					return ""
				}
				found = string(b)
			}
			b[i] ^= 1 << bit
		}
	}
	return found
}

// mendFormer mends a list of former UUIDs where nothing has its checksum. What nothing confirms stays, unless it is none, and is named: nobody can tell what it was.
func (p *repair) mendFormer(l *Log) error {
	name := l.prefix + formerFile
	b, err := p.read(name)
	if b == nil || err != nil {
		return err
	}
	x, err := newFormerList(newLog(p.fs, l.prefix, l.where, &limits{}), b)
	if err != nil {
		return err
	}
	var lines []string
	how, said := IsRebuilt, "the log and its marks prove it"
	for _, line := range x.lines {
		why := x.doubt(line)
		if why == "" {
			lines = append(lines, line)
			continue
		}
		found := x.flipped(line)
		if _, _, err := parseFormer(line); found == "" && err == nil {
			found = line
			p.tell(name, IsLeft, "%s, and %s, which had the checksum of this list, is lost: it is not known which UUID the replica had", why, IdentityFile)
		}
		if found == "" {
			how, said = IsLost, "which UUIDs the replica had before it was restored or copied, but for what can be read of it"
			continue
		}
		lines = append(lines, found)
	}
	return p.replaceFormer(l, lines, how, said)
}

// replaceFormer writes a list of former UUIDs, if it is another one.
func (p *repair) replaceFormer(l *Log, lines []string, how Outcome, said string) error {
	text := strings.Join(lines, "\n")
	if len(lines) > 0 {
		text += "\n"
	}
	mended, err := p.replace(l.prefix+formerFile, []byte(text))
	if mended {
		p.tell(l.prefix+formerFile, how, "%s", said)
	}
	return err
}
