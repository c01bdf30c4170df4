package replica

import (
	"encoding/binary"
	"fmt"
	"slices"

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
	// flagListed: the length of the list of what is undecided is noted.
	flagListed

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
	list   uint32 // with flagListed: how long the list of what is undecided is up to and including the row, in bytes modulo listModulo
	bare   bool   // it was read without a check: an older version wrote it
}

// emptyNote is a note of zeros alone.
var emptyNote = noted{bare: true}

const (
	notedSize  = 8
	listModulo = 1 << 24
)

// appendNoted appends the note on a row of the log, with its check above the flags.
func appendNoted(dst []byte, row uint32, n noted) []byte {
	dst = binary.BigEndian.AppendUint32(dst, n.lastID)
	return append(dst, byte(n.flags)|n.check(row)<<flagBits, byte(n.list>>16), byte(n.list>>8), byte(n.list))
}

// parseNoted reads what appendNoted writes of a row, or, without a check, what older versions wrote. ok is false if it is neither.
func parseNoted(row uint32, b []byte) (n noted, ok bool) {
	if len(b) < notedSize {
		return n, false
	}
	rest := binary.BigEndian.Uint32(b[4:])
	flags, check := flags(rest>>24)&(1<<flagBits-1), byte(rest>>(24+flagBits))
	n = noted{binary.BigEndian.Uint32(b), flags, rest % listModulo, check == 0}
	return n, n.bare || check == n.check(row)
}

const (
	flagBits = 4
	// checks are the values of four bits in which more than one is set, so that no single bit makes one of them zero, or another.
	checks = "\x03\x05\x06\x07\x09\x0a\x0b\x0c\x0d\x0e\x0f"
)

// check is one of checks, by the note and the number of its row, modulo their count: a prime, which divides no power of two, so that a bit that flips makes it another.
func (n noted) check(row uint32) byte {
	all := uint64(n.lastID)<<(flagBits+24) | uint64(n.flags)<<24 | uint64(n.list)
	return checks[(all%uint64(len(checks))+uint64(row))%uint64(len(checks))]
}

// withList notes the length of the list.
func (n noted) withList(size int64) noted {
	n.flags |= flagListed
	n.list = uint32(size % listModulo)
	return n
}

// hasList reports whether the list is noted to be so long.
func (n noted) hasList(size int64) bool {
	return n.flags&flagListed != 0 && n.list == uint32(size%listModulo)
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
	where  string // path or URL of the replica, for messages
	limits *limits
}

// Noted reports whether all rows of the log were written, or taken note of, by a writer of this program. After another one wrote there, they are not,
// whatever a reader has noted in memory.
func (l *Log) Noted() (bool, error) {
	count, err := companion{l.fs, l.latest, l.prefix, l.where, l.limits}.count()
	return count == l.latest, err
}

// count returns how many rows of the log are noted, which may be fewer than there are.
func (c companion) count() (uint32, error) {
	size, err := c.size(rowsFile)
	if err != nil {
		return 0, err
	}
	size = max(0, c.limits.of(c.prefix+rowsFile, size))
	return uint32(min(size/notedSize, int64(c.latest))), nil
}

// size returns how long a file is, committed or not; 0 if there is none.
func (c companion) size(name string) (int64, error) {
	info, err := c.fs.Stat(name)
	if isNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at %s: %w", c.prefix+name, err)
	}
	return info.Size(), nil
}

// noted returns what is noted of the row; row 0 stands before the first.
func (c companion) noted(row uint32) (noted, error) {
	if row == 0 {
		return noted{}.withList(0), nil
	}
	at := int64(row-1) * notedSize
	if n, ok := parseNoted(row, c.limits.recent.read(c.fs, c.prefix, rowsFile, at, notedSize)); ok && n != emptyNote {
		return n, nil
	}
	b, err := c.read(rowsFile, at, notedSize)
	if err != nil {
		return noted{}, err
	}
	n, ok := parseNoted(row, b)
	if !ok {
		return n, c.otherCheck(row)
	}
	return n, c.refuseEmpty(row, n)
}

// refuseEmpty returns an error for a note of zeros alone in a replica whose notes bear checks. Of an older version, which may write beside this one, other notes
// without a check are believed. The identity may have come, and with it the check, after the note was read: so it is read again.
func (c companion) refuseEmpty(row uint32, n noted) error {
	if n != emptyNote || !c.limits.wantsChecks() {
		return nil
	}
	b, err := c.read(rowsFile, int64(row-1)*notedSize, notedSize)
	if now, _ := parseNoted(row, b); err == nil && now == emptyNote {
		err = c.noCheck(row)
	}
	return err
}

// noCheck is the error of a note that has no check, where it must.
func (c companion) noCheck(row uint32) error {
	return c.damaged(rowsFile, "what is noted of row %d is nothing but zeros, without the check that %s asks for", row, IdentityFile)
}

// otherCheck is the error of a note that does not have its check.
func (c companion) otherCheck(row uint32) error {
	return c.damaged(rowsFile, "what is noted of row %d does not have the check that it bears", row)
}

// idsOf returns the local ids that the row brought, and how many were given before it.
func (c companion) idsOf(row uint32) (before uint32, ids []localID, err error) {
	above, err := c.noted(row - 1)
	if err != nil {
		return 0, nil, err
	}
	n, err := c.noted(row)
	if err != nil {
		return 0, nil, err
	}
	if n.lastID < above.lastID {
		return 0, nil, c.damaged(rowsFile, "the last local id goes back from %d to %d at row %d", above.lastID, n.lastID, row)
	}
	ids, err = c.ids(above.lastID+1, n.lastID)
	return above.lastID, ids, err
}

// ids returns the entries from first to last of the table of local ids, counted from 1. It sets no more memory aside than the file is long.
func (c companion) ids(first, last uint32) ([]localID, error) {
	if first > last {
		return nil, nil
	}
	held, err := c.idsHeld()
	if err != nil {
		return nil, err
	}
	if int64(last) > held {
		return nil, c.damaged(idsFile, "it holds %d local ids, %s counts %d", held, c.prefix+rowsFile, last)
	}
	at, n := int64(first-1)*localIDSize, int64(last-first+1)*localIDSize
	b := c.limits.recent.read(c.fs, c.prefix, idsFile, at, n)
	if b == nil {
		if b, err = c.read(idsFile, at, n); err != nil {
			return nil, err
		}
	}
	ids := make([]localID, 0, last-first+1)
	for ; len(b) > 0; b = b[localIDSize:] {
		ids = append(ids, parseLocalID(b))
	}
	return ids, nil
}

// table returns all local ids that were given, in their order. All rows must be noted. An entry that names another row than the one with which the notes say
// that it was given is damage: a record would have the number of another one.
func (c companion) table() ([]localID, error) {
	if c.latest == 0 {
		return nil, nil
	}
	rows, err := c.read(rowsFile, 0, int64(c.latest)*notedSize)
	if err != nil {
		return nil, err
	}
	last, ok := parseNoted(c.latest, rows[len(rows)-notedSize:])
	if !ok {
		return nil, c.otherCheck(c.latest)
	}
	if err := c.refuseEmpty(c.latest, last); err != nil {
		return nil, err
	}
	ids, err := c.ids(1, last.lastID)
	if err != nil {
		return nil, err
	}
	given := uint32(0)
	for seq := uint32(1); len(rows) > 0; seq, rows = seq+1, rows[notedSize:] {
		n, ok := parseNoted(seq, rows)
		if !ok {
			return nil, c.otherCheck(seq)
		}
		if err := c.refuseEmpty(seq, n); err != nil {
			return nil, err
		}
		if n.lastID < given || int(n.lastID) > len(ids) {
			return nil, c.damaged(rowsFile, "row %d counts %d local ids, the row before it %d, the last row %d", seq, n.lastID, given, len(ids))
		}
		for ; given < n.lastID; given++ {
			if ids[given].row != seq {
				return nil, c.otherRow(given+1, ids[given].row, seq)
			}
		}
	}
	return ids, nil
}

// otherRow is the error of an entry of the table that names another row than the one with which it was given.
func (c companion) otherRow(entry, names, given uint32) error {
	return c.damaged(idsFile, "entry %d names row %d; it was given with row %d", entry, names, given)
}

// checkRow makes sure that an entry of the table was given with the row that it names.
func (c companion) checkRow(entry, row uint32) error {
	if row == 0 || row > c.latest {
		return c.damaged(idsFile, "entry %d names row %d, of %d", entry, row, c.latest)
	}
	above, err := c.noted(row - 1)
	if err != nil {
		return err
	}
	n, err := c.noted(row)
	if err == nil && (entry <= above.lastID || entry > n.lastID) {
		err = c.damaged(idsFile, "entry %d names row %d, with which %d to %d were given", entry, row, above.lastID+1, n.lastID)
	}
	return err
}

// idsHeld returns how many entries the table of local ids has, committed or not.
func (c companion) idsHeld() (int64, error) {
	size, err := c.size(idsFile)
	return size / localIDSize, err
}

// read returns n bytes of a file, which must be there.
func (c companion) read(name string, at, n int64) ([]byte, error) {
	f, err := c.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.prefix+name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.prefix+name, err)
	}
	if info.Size() < at+n {
		return nil, c.damaged(name, "it is %d bytes long, %d are needed", info.Size(), at+n)
	}
	b := make([]byte, n)
	if m, err := f.ReadAt(b, at); int64(m) < n {
		return nil, fmt.Errorf("read %s: %d bytes at %d: %w", c.prefix+name, n, at, err)
	}
	return b, nil
}

// damaged says what is wrong with one of our files, and what to do: without the notes on rows, all but those on peers are made anew.
func (c companion) damaged(name, format string, args ...any) error {
	return &DamageError{Where: c.where, Path: c.prefix + name,
		Err: fmt.Errorf("%s; \"prophet fsck --repair\" makes it again from the log", fmt.Sprintf(format, args...))}
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
