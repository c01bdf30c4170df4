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

// openSet is what is open: of each record the names of its properties in conflict, sorted, "" for its existence. A record
// without names is one of an older note: any of its properties may be.
type openSet map[changeset.RecordID][]string

// openProps names what is open about a record; result may be nil.
func openProps(result *resolution.Result) (props []string) {
	if result == nil {
		return nil
	}
	if result.Existence != nil {
		props = append(props, "")
	}
	for _, c := range result.Conflicts {
		props = append(props, c.Prop)
	}
	return props
}

// says reports whether the set says that this is open about the record, if only nothing.
func (s openSet) says(rec changeset.RecordID, props []string) bool {
	names, open := s[rec]
	return open == (len(props) > 0) && slices.Equal(names, props)
}

// note makes the set say so.
func (s openSet) note(rec changeset.RecordID, props []string) {
	if len(props) == 0 {
		delete(s, rec)
		return
	}
	s[rec] = props
}

// concerns reports whether one of the rules may be for something that is open about the record.
func (s openSet) concerns(rec changeset.RecordID, rules map[ruled]bool) bool {
	names := s[rec]
	if len(names) == 0 {
		for k := range rules {
			if k.typ == rec.Type {
				return true
			}
		}
	}
	return slices.ContainsFunc(names, func(prop string) bool { return rules[ruled{rec.Type, prop}] })
}

// conflictLine notes what is open about a record from a row of the log on; nothing ends it.
type conflictLine struct {
	row   uint32
	rec   changeset.RecordID
	props []string // as in an openSet
}

// appendConflictLine writes "7 + Ticket 9f2c… - status", the names escaped as in the query of a URL, "-" standing for the existence, or "9 - Ticket 9f2c…".
func appendConflictLine(dst []byte, c conflictLine) []byte {
	sign := " - "
	if len(c.props) > 0 {
		sign = " + "
	}
	dst = strconv.AppendUint(dst, uint64(c.row), 10)
	dst = append(append(dst, sign...), c.rec.String()...)
	for _, prop := range c.props {
		dst = append(append(dst, ' '), escapeProp(prop)...)
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

// parseConflictLine reads a line without its end. In one that opens without names, as older ones are, props is empty.
func parseConflictLine(s string) (c conflictLine, open bool, err error) {
	fields := strings.Split(s, " ")
	open = len(fields) > 1 && fields[1] == "+"
	if len(fields) < 4 || !open && (fields[1] != "-" || len(fields) > 4) || changeset.CheckType(fields[2]) != nil {
		return c, false, fmt.Errorf("%.100q is not a line of it", s)
	}
	if c.row, err = changeset.ParseSeq(fields[0]); err != nil {
		return c, false, err
	}
	c.rec.Type = fields[2]
	if c.rec.UUID, err = changeset.ParseUUID(fields[3]); err != nil {
		return c, false, err
	}
	for _, word := range fields[4:] {
		prop, err := unescapeProp(word)
		if err != nil {
			return c, false, fmt.Errorf("%.100q is not a line of it: %w", s, err)
		}
		c.props = append(c.props, prop)
	}
	return c, open, nil
}

// open returns what is open, and the committed length of the file.
func (c companion) open() (open openSet, size int64, err error) {
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
		l, opens, err := parseConflictLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, 0, c.damaged(conflictsFile, "%v", err)
		}
		if l.row > c.latest {
			break
		}
		size += int64(len(line))
		if opens {
			open[l.rec] = l.props
		} else {
			delete(open, l.rec)
		}
	}
	return open, size, nil
}
