package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/spf13/afero"

	"prophet/changeset"
)

// DigestsFile has the digests of a log, an entry of 72 bytes for each transaction that added rows; the last one that is not beyond the log counts, if
// it is of the log's last row. It can be made again: see [Replica.Digest]. A mirror has the last entry.
const DigestsFile = "prophet/digests"

// digestEntry says what the records came to when the log had so many rows.
type digestEntry struct {
	row uint32
	sums
}

const digestSize = 72

// maxDigestsBack bounds how many entries are looked at: so many transactions may have come since a log was opened.
const maxDigestsBack = 1000

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendDigest appends an entry: u32 the row, u32 CRC-32C of the rest, 32 bytes state, 32 bytes settings.
func appendDigest(dst []byte, e digestEntry) []byte {
	var b [digestSize]byte
	binary.BigEndian.PutUint32(b[:], e.row)
	copy(b[8:], e.state[:])
	copy(b[40:], e.settings[:])
	binary.BigEndian.PutUint32(b[4:], digestCheck(b[:]))
	return append(dst, b[:]...)
}

// digestCheck is the checksum of an entry. No entry that was damaged must live on in the sums of later ones.
func digestCheck(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[8:digestSize])
}

// parseDigest reads an entry; ok is false for what no writer of ours wrote.
func parseDigest(b []byte) (e digestEntry, ok bool) {
	e.row = binary.BigEndian.Uint32(b)
	copy(e.state[:], b[8:])
	copy(e.settings[:], b[40:])
	return e, e.row > 0 && binary.BigEndian.Uint32(b[4:]) == digestCheck(b)
}

// lastDigest returns the last entry that is whole and not beyond the log, and the offset of its end; both zero if there is none.
// It reads from the end, so that what it costs does not depend on how many there are.
func (l *Log) lastDigest() (e digestEntry, end int64, err error) {
	f, err := l.fs.Open(DigestsFile)
	if isNotExist(err) {
		return e, 0, nil
	}
	if err != nil {
		return e, 0, l.digestsFailed(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return e, 0, l.digestsFailed(err)
	}
	size := max(0, l.limits.of(l.prefix+DigestsFile, info.Size()))
	end = size - size%digestSize
	for range min(end/digestSize, maxDigestsBack) {
		e, ok, err := readDigest(f, end-digestSize)
		if err != nil {
			return e, 0, l.digestsFailed(err)
		}
		if ok && e.row <= l.latest {
			return e, end, nil
		}
		end -= digestSize
	}
	return digestEntry{}, 0, nil
}

// publishedDigest returns the entry that a mirror on the web has, which is the first and only one; a zero one if there is none.
func (l *Log) publishedDigest() (digestEntry, error) {
	f, err := l.fs.Open(DigestsFile)
	if err == nil {
		defer f.Close()
		var e digestEntry
		var ok bool
		if e, ok, err = readDigest(f, 0); ok {
			return e, nil
		}
	}
	if err == nil || isNotExist(err) || errors.Is(err, io.EOF) { // of a web server one learns only by reading what is there
		return digestEntry{}, nil
	}
	return digestEntry{}, l.digestsFailed(err)
}

func (l *Log) digestsFailed(err error) error {
	return fmt.Errorf("read %s: %w", join(l.where, l.prefix+DigestsFile), err)
}

func readDigest(f afero.File, at int64) (e digestEntry, ok bool, err error) {
	b := make([]byte, digestSize)
	if n, err := f.ReadAt(b, at); n < len(b) {
		return e, false, err
	}
	e, ok = parseDigest(b)
	return e, ok, nil
}

// notedSums returns the sums as they are noted, and where the next entry goes. noted is false if there are rows beyond those that they are of.
func (l *Log) notedSums() (s sums, end int64, noted bool, err error) {
	if l.latest == 0 {
		return sums{}, 0, true, nil
	}
	e, end, err := l.lastDigest()
	if err != nil || e.row != l.latest {
		return sums{}, end, false, err
	}
	return e.sums, end, true, nil
}

// begin makes sure that what the record adds to the digest is known before a change.
func (s *state) begin(rec changeset.RecordID) {
	if s.counted == nil {
		s.counted = &Digest{}
		if s.exists {
			*s.counted = RecordDigest(rec, s.props)
		}
	}
}

// count moves the sums from what the record was at begin to what it is now: its canonical JSON, nil if it is deleted.
func (t *txLog) count(rec changeset.RecordID, s *state, text []byte) {
	d := t.digestShift.of(t.Log, rec.Type)
	*d = d.minus(*s.counted)
	*s.counted = Digest{}
	if text != nil {
		*s.counted = recordDigest(rec, text)
	}
	*d = d.plus(*s.counted)
}

// noteDigests adds an entry to each log whose last row will have none: for the rows that the transaction adds, and for those that another program wrote.
func (tx *Tx) noteDigests(ctx context.Context) error {
	if tx.main.seq == tx.main.latest && tx.res.seq == tx.res.latest { // nothing can be appended without rows
		return nil
	}
	if err := tx.res.noteDigest(ctx); err != nil {
		return err
	}
	return tx.main.noteDigest(ctx)
}

// noteDigest adds an entry. Where nobody has kept account, every record is read once. If that fails, for a damaged record say, there
// is none: it is a cache, and no reason to refuse an edit. Nor are there older ones then, which may be of rows that the log lost.
func (t *txLog) noteDigest(ctx context.Context) error {
	before, end, noted, err := t.notedSums()
	if err == nil && !noted {
		before, err = t.sumRecords(ctx)
	}
	if err != nil {
		if there, _ := exists(t.fs, DigestsFile); there {
			t.tx.d.Append(t.name(DigestsFile), 0, nil)
		}
		return ctx.Err()
	}
	if !noted || t.seq > t.latest {
		t.tx.d.Append(t.name(DigestsFile), end, appendDigest(nil, digestEntry{t.seq, before.plus(t.digestShift)}))
	}
	return nil
}

// DigestEntry returns the entry of [DigestsFile] for the log's last row, nil if there is none. It computes nothing.
func (l *Log) DigestEntry() ([]byte, error) {
	s, _, noted, err := l.notedSums()
	if err != nil || !noted || l.latest == 0 {
		return nil, err
	}
	return appendDigest(nil, digestEntry{l.latest, s}), nil
}
