package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// What is ours beside format 1, below the directory of a log; docs/format.md describes it.
const (
	oursDir       = "prophet"
	rowsFile      = "prophet/rows"
	idsFile       = "prophet/ids"
	oldIDsFile    = "prophet/local-ids-v1"
	conflictsFile = "prophet/conflicts"
	peersDir      = "prophet/peers"
	lastPeerFile  = "prophet/last-peer"
	formerFile    = "prophet/former-uuids"
	lockFile      = "prophet/lock"
)

// flags say what is known of a row of the log.
type flags uint8

const (
	flagNullification flags = 1 << iota
	flagResolution
	// flagSettled: of every record that this changeset touches it is the only head, by known parents and
	// own chains, and nothing about the record is in open conflict.
	flagSettled

	flagBookkeeping = flagNullification | flagResolution
)

// flagsOf returns what kind of bookkeeping a changeset is, 0 for an ordinary one.
func flagsOf(c *changeset.Changeset) flags {
	switch {
	case c.Nullification:
		return flagNullification
	case c.Resolution:
		return flagResolution
	}
	return 0
}

// noted is what we note about a row of the log.
type noted struct {
	lastID uint32 // the last local id that was given up to and including this row, counted from 1 after the original's
	flags  flags
}

const notedSize = 8

func appendNoted(dst []byte, n noted) []byte {
	dst = binary.BigEndian.AppendUint32(dst, n.lastID)
	return append(dst, byte(n.flags), 0, 0, 0)
}

func parseNoted(b []byte) noted {
	return noted{binary.BigEndian.Uint32(b), flags(b[4])}
}

// localID is a row of the table of local ids: which record bears it and which row of the log brought it.
type localID struct {
	rec [16]byte
	row uint32
}

const localIDSize = 20

func appendLocalID(dst []byte, id localID) []byte {
	return binary.BigEndian.AppendUint32(append(dst, id.rec[:]...), id.row)
}

func parseLocalID(b []byte) localID {
	return localID{[16]byte(b), binary.BigEndian.Uint32(b[16:])}
}

// companion reads what we keep beside a log. All its files grow only; rows beyond the log's latest are not committed.
type companion struct {
	fs     afero.Fs
	latest uint32
	prefix string // of the log's directory within the replica
	limits *limits
}

// count returns how many rows of the log are noted, which may be fewer than there are.
func (c companion) count() (uint32, error) {
	info, err := c.fs.Stat(rowsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", rowsFile, err)
	}
	return uint32(min(info.Size()/notedSize, int64(c.latest))), nil
}

// noted returns what is noted of the row; row 0 stands before the first.
func (c companion) noted(row uint32) (noted, error) {
	if row == 0 {
		return noted{}, nil
	}
	b, err := c.read(rowsFile, int64(row-1)*notedSize, notedSize)
	if err != nil {
		return noted{}, err
	}
	return parseNoted(b), nil
}

// ids returns the rows from first to last of the table of local ids, counted from 1.
func (c companion) ids(first, last uint32) ([]localID, error) {
	if first > last {
		return nil, nil
	}
	b, err := c.read(idsFile, int64(first-1)*localIDSize, int(last-first+1)*localIDSize)
	if err != nil {
		return nil, err
	}
	var ids []localID
	for ; len(b) > 0; b = b[localIDSize:] {
		ids = append(ids, parseLocalID(b))
	}
	return ids, nil
}

func (c companion) read(name string, at int64, n int) ([]byte, error) {
	f, err := c.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	b := make([]byte, n)
	if m, err := f.ReadAt(b, at); m < n {
		return nil, &DamageError{Path: name, Err: fmt.Errorf("%d bytes at %d: %w", n, at, err)}
	}
	return b, nil
}

// conflictLine notes that a record began or ceased to have an open conflict.
type conflictLine struct {
	row  uint32
	open bool
	rec  changeset.RecordID
}

func appendConflictLine(dst []byte, c conflictLine) []byte {
	sign := " - "
	if c.open {
		sign = " + "
	}
	dst = strconv.AppendUint(dst, uint64(c.row), 10)
	return append(append(append(dst, sign...), c.rec.String()...), '\n')
}

func parseConflictLine(s string) (c conflictLine, err error) {
	fields := strings.Split(s, " ")
	if len(fields) != 4 || (fields[1] != "+" && fields[1] != "-") || changeset.CheckType(fields[2]) != nil {
		return c, fmt.Errorf("%.100q is not a line of it", s)
	}
	if c.row, err = changeset.ParseSeq(fields[0]); err != nil {
		return c, err
	}
	c.open, c.rec.Type = fields[1] == "+", fields[2]
	c.rec.UUID, err = changeset.ParseUUID(fields[3])
	return c, err
}

// open returns the records that have an open conflict, and the committed length of the file.
func (c companion) open() (open map[changeset.RecordID]bool, size int64, err error) {
	open = make(map[changeset.RecordID]bool)
	b, err := c.limits.readCommitted(c.fs, c.prefix, conflictsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return open, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", conflictsFile, err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasSuffix(line, "\n") {
			break // the end of what a writer is about to write
		}
		l, err := parseConflictLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, 0, &DamageError{Path: conflictsFile, Err: err}
		}
		if l.row > c.latest {
			break
		}
		size += int64(len(line))
		if l.open {
			open[l.rec] = true
		} else {
			delete(open, l.rec)
		}
	}
	return open, size, nil
}

// sorted returns the records that are the keys of a map, in the order of their UUIDs.
func sorted[V any](m map[changeset.RecordID]V) []changeset.RecordID {
	recs := make([]changeset.RecordID, 0, len(m))
	for rec := range m {
		recs = append(recs, rec)
	}
	slices.SortFunc(recs, changeset.RecordID.Compare)
	return recs
}
