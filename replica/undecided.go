package replica

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// undecided is what is undecided about a record: several writes have not seen each other. The names are sorted.
type undecided struct {
	open   []string // the properties in conflict, "" for the record's existence
	agreed []string // those whose rivals wrote one value, and are in no conflict. Some may have been decided since: see [openSet]
	any    bool     // an older note: it is in conflict, and any of its properties may be
}

// undecidedIn is what a merge, if there was one, shows as undecided.
func undecidedIn(result *resolution.Result) undecided {
	if result == nil {
		return undecided{}
	}
	return undecided{open: result.OpenProps(), agreed: result.Agreed}
}

// inConflict reports whether anything is: what agreed is not.
func (u undecided) inConflict() bool { return u.any || len(u.open) > 0 }

// conflicts names what was in conflict, before that came to result. What an older note does not tell is taken to be the same.
func (u undecided) conflicts(result *resolution.Result) []string {
	if u.any {
		return result.OpenProps()
	}
	return u.open
}

// lacks reports whether some of the properties, whose rivals agree, are not noted as undecided.
func (u undecided) lacks(agreed []string) bool {
	return !u.any && slices.ContainsFunc(agreed, func(prop string) bool { return !slices.Contains(u.agreed, prop) })
}

func (u undecided) isNothing() bool { return !u.inConflict() && len(u.agreed) == 0 }

func (u undecided) equal(v undecided) bool {
	return u.any == v.any && slices.Equal(u.open, v.open) && slices.Equal(u.agreed, v.agreed)
}

// openSet is what is undecided, by record. Of what is in conflict it is exact. Where rivals agree the last change to the record may well be settled, and later
// changes are made without a look at this set; so it holds all properties of which that is so, and some of which it was so once.
type openSet map[changeset.RecordID]undecided

// note makes the set say what is undecided about a record, if only nothing, and reports whether it said something else.
func (s openSet) note(rec changeset.RecordID, u undecided) (news bool) {
	if s[rec].equal(u) {
		return false
	}
	if s[rec] = u; u.isNothing() {
		delete(s, rec)
	}
	return true
}

// inConflict returns the records that are, by UUID.
func (s openSet) inConflict() []changeset.RecordID {
	return slices.DeleteFunc(sorted(s), func(rec changeset.RecordID) bool { return !s[rec].inConflict() })
}

// concerns reports whether one of the rules may be for something that is undecided about the record.
func (s openSet) concerns(rec changeset.RecordID, rules map[ruled]bool) bool {
	u := s[rec]
	if u.any {
		for k := range rules {
			if k.typ == rec.Type {
				return true
			}
		}
	}
	is := func(prop string) bool { return rules[ruled{rec.Type, prop}] }
	return slices.ContainsFunc(u.open, is) || slices.ContainsFunc(u.agreed, is)
}

// conflictLine notes what is undecided about a record from a row of the log on.
type conflictLine struct {
	row uint32
	rec changeset.RecordID
	undecided
	bare bool // it was read without a checksum: an older version wrote it
}

// agreedSign stands before the names of properties whose rivals agree. Escaped names have none.
const agreedSign = "="

// appendConflictLine writes "1d4e0c2b 7 + Ticket 9f2c… - status =votes": the CRC-32C in hex of all that follows the space behind it up to the end of the line; the
// names escaped as in the query of a URL, "-" standing for the existence, "=" before what is in no conflict because its rivals agree; or
// "5f60b7a1 9 - Ticket 9f2c…", where nothing is undecided.
func appendConflictLine(dst []byte, c conflictLine) []byte {
	line := c.text()
	return fmt.Appendf(dst, "%08x %s\n", crc32.Checksum(line, castagnoli), line)
}

// text is the line without its checksum and its end, as older versions wrote it.
func (c conflictLine) text() []byte {
	sign := " + "
	if c.isNothing() {
		sign = " - "
	}
	text := strconv.AppendUint(nil, uint64(c.row), 10)
	text = append(append(text, sign...), c.rec.String()...)
	for _, prop := range c.open {
		text = append(append(text, ' '), escapeProp(prop)...)
	}
	for _, prop := range c.agreed {
		text = append(append(text, " "+agreedSign...), escapeProp(prop)...)
	}
	return text
}

func escapeProp(prop string) string {
	switch prop {
	case "":
		return "-"
	case "-":
		return "%2D"
	}
	return url.QueryEscape(prop)
}

func unescapeProp(word string) (string, error) {
	if word == "-" {
		return "", nil
	}
	return url.QueryUnescape(word)
}

// parseConflictLine reads a line without its end. One that begins with no checksum is of an older version, which would take no line with one for its own.
func parseConflictLine(s string) (c conflictLine, err error) {
	fields := strings.Split(s, " ")
	if len(fields) > 2 && fields[1] != "+" && fields[1] != "-" {
		sum, text, _ := strings.Cut(s, " ")
		if is := fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli)); sum != is {
			return c, fmt.Errorf("%.100q does not have the checksum that it bears", s)
		}
		return parseConflictFields(s, fields[1:])
	}
	c, err = parseConflictFields(s, fields)
	c.bare = true
	return c, err
}

// parseConflictFields reads what follows the checksum of the line s.
func parseConflictFields(s string, fields []string) (c conflictLine, err error) {
	opens := len(fields) > 1 && fields[1] == "+"
	if len(fields) < 4 || !opens && (fields[1] != "-" || len(fields) > 4) || changeset.CheckType(fields[2]) != nil {
		return c, fmt.Errorf("%.100q is not a line of it", s)
	}
	if c.row, err = changeset.ParseSeq(fields[0]); err != nil {
		return c, err
	}
	c.rec.Type = fields[2]
	if c.rec.UUID, err = changeset.ParseUUID(fields[3]); err != nil {
		return c, err
	}
	c.any = opens && len(fields) == 4
	for _, word := range fields[4:] {
		word, agreed := strings.CutPrefix(word, agreedSign)
		prop, err := unescapeProp(word)
		switch {
		case err != nil:
			return c, fmt.Errorf("%.100q is not a line of it: %w", s, err)
		case agreed:
			c.agreed = append(c.agreed, prop)
		default:
			c.open = append(c.open, prop)
		}
	}
	return c, nil
}

// errOtherList is wrapped by the error of a list of what is undecided that has not the length that is noted of it: it was lost, cut, or set back. The
// next writer makes it again.
var errOtherList = errors.New("the next edit makes it again from the log")

// undecidedList is what is noted as undecided.
type undecidedList struct {
	set  openSet
	size int64 // of the file, as far as it is committed, in bytes
	bare bool  // some lines of it have no checksum
}

// readUndecided returns what is noted as undecided. The error is a DamageError if it cannot be believed.
func (c companion) readUndecided() (undecidedList, error) {
	count, err := c.count()
	if err != nil {
		return undecidedList{}, err
	}
	last, err := c.noted(count)
	if err != nil {
		return undecidedList{}, err
	}
	c.latest = count // lines on rows that are not noted are left from others
	list, err := c.list()
	if err == nil && last.flags&flagListed != 0 && !last.hasList(list.size) {
		err = &DamageError{Where: c.where, Path: c.prefix + conflictsFile, Err: fmt.Errorf("%d bytes of it count, %s notes %d: %w", list.size, c.prefix+rowsFile, last.list, errOtherList)}
	}
	return list, err
}

// listSize returns how long the list is, if nobody was cut off who wrote to it.
func (c companion) listSize() (int64, error) {
	size, err := c.size(conflictsFile)
	return max(0, c.limits.of(c.prefix+conflictsFile, size)), err
}

// list reads the list as far as it is committed.
func (c companion) list() (list undecidedList, err error) {
	list.set = openSet{}
	b, err := c.limits.readCommitted(c.fs, c.prefix, conflictsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return list, nil
	}
	if err != nil {
		return list, fmt.Errorf("read %s: %w", c.prefix+conflictsFile, err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break // the end of what a writer is about to write
		}
		l, err := parseConflictLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return list, c.damaged(conflictsFile, "%v", err)
		}
		if l.row > c.latest {
			break
		}
		list.size += int64(len(line))
		list.bare = list.bare || l.bare
		list.set.note(l.rec, l.undecided)
	}
	return list, nil
}
