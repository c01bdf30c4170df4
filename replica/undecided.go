package replica

import (
	"errors"
	"fmt"
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
}

// agreedSign stands before the names of properties whose rivals agree. Escaped names have none.
const agreedSign = "="

// appendConflictLine writes "7 + Ticket 9f2c… - status =votes", the names escaped as in the query of a URL, "-" standing for the existence, "=" before what is
// in no conflict because its rivals agree; or "9 - Ticket 9f2c…", where nothing is.
func appendConflictLine(dst []byte, c conflictLine) []byte {
	sign := " + "
	if c.isNothing() {
		sign = " - "
	}
	dst = strconv.AppendUint(dst, uint64(c.row), 10)
	dst = append(append(dst, sign...), c.rec.String()...)
	for _, prop := range c.open {
		dst = append(append(dst, ' '), escapeProp(prop)...)
	}
	for _, prop := range c.agreed {
		dst = append(append(dst, " "+agreedSign...), escapeProp(prop)...)
	}
	return append(dst, '\n')
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

// parseConflictLine reads a line without its end.
func parseConflictLine(s string) (c conflictLine, err error) {
	fields := strings.Split(s, " ")
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

// readUndecided returns what is undecided, and the committed length of the file. The error is a DamageError if it cannot be believed.
func (c companion) readUndecided() (open openSet, size int64, err error) {
	count, err := c.count()
	if err != nil {
		return nil, 0, err
	}
	last, err := c.noted(count)
	if err != nil {
		return nil, 0, err
	}
	c.latest = count // lines on rows that are not noted are left from others
	if open, size, err = c.list(); err == nil && last.flags&flagListed != 0 && !last.hasList(size) {
		err = &DamageError{Path: c.prefix + conflictsFile, Err: fmt.Errorf("%d bytes of it count, %s notes %d: %w", size, c.prefix+rowsFile, last.list, errOtherList)}
	}
	return open, size, err
}

// listSize returns how long the list is, if nobody was cut off who wrote to it.
func (c companion) listSize() (int64, error) {
	info, err := c.fs.Stat(conflictsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", c.prefix+conflictsFile, err)
	}
	return max(0, c.limits.of(c.prefix+conflictsFile, info.Size())), nil
}

// list reads the list as far as it is committed.
func (c companion) list() (open openSet, size int64, err error) {
	open = openSet{}
	b, err := c.limits.readCommitted(c.fs, c.prefix, conflictsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return open, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", c.prefix+conflictsFile, err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break // the end of what a writer is about to write
		}
		l, err := parseConflictLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, 0, c.damaged(conflictsFile, "%v", err)
		}
		if l.row > c.latest {
			break
		}
		size += int64(len(line))
		open.note(l.rec, l.undecided)
	}
	return open, size, nil
}
