package replica

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"iter"

	"github.com/google/uuid"
	"github.com/minio/sha256-simd"

	"prophet/changeset"
)

// MirrorMark is a file in a mirror that was published from a replica of ours, one that [Replica.Ours] reports as such. A web
// server does not list directories, so a file has to tell such a mirror from one that the original made. It holds a [Mark]; older mirrors have it empty.
const MirrorMark = "prophet/mirror"

// Mark names the last rows of a mirror's logs and of its list of representations, each zero where there is none, and the states that were published
// last. In JSON rows are in hex, as in changesets.idx:
//
//	{"changesets":"00000007…","crc32c":"…","representations":"","resolutions":"","states":[{"rows":"000000070000000000000000","sums":["6a1f0c3d5b7e9a24","",""],"uuids":["10b1…","7d5e…"]},…]}
//
// A reader who knows the mirror's log up to a row learns from it, without a look at the index, whether that row is still the one that it has read: two copies
// of a replica can have as many rows each. It is written after the numbers, so it may be behind them. Then it tells nothing. While an index is written anew, it
// names no rows, and the state to come as the first.
type Mark struct {
	Changesets, Representations, Resolutions changeset.Row
	States                                   [MostStates]Published // the latest first, zero ones last
}

// MostStates is how many published states a mark names at most.
const MostStates = 10

// Published is a state of a mirror as it was published: readers whom a cache, or a publication under way, shows some files of one state and some of
// another find out with it what is whole. Of each log, in the order of [Published.Rows], it has how many rows there were, and the [RowsSum] of them.
type Published struct {
	UUID, Votes uuid.UUID // of the replica and of its resolutions replica
	Rows        [3]uint32 // of the log, of the list of representations, of the log of the resolutions
	Sums        [3]string
}

// The logs of a mirror, as [Published] has them.
const (
	PublishedLog = iota
	PublishedList
	PublishedVotes
)

// IsZero reports whether it is no state.
func (s Published) IsZero() bool { return s.UUID == uuid.Nil }

// sumDigits is how much of a SHA-256 a [RowsSum] has, in hex digits: it is to tell logs apart, and protects nobody from forgers.
const sumDigits = 16

// RowsSum returns the beginning of the SHA-256, in hex, of the rows of a log up to one, as they stand in changesets.idx; "" for none.
func RowsSum(l *Log, last uint32) (string, error) {
	h := sha256.New()
	var buf []byte
	for row, err := range l.Rows(1, last) {
		if err != nil {
			return "", err
		}
		buf = changeset.AppendRow(buf[:0], row)
		h.Write(buf)
	}
	return sumText(h, last > 0), nil
}

// SumRows is [RowsSum] of all rows of a log.
func SumRows(rows iter.Seq[changeset.Row]) string {
	h, any := sha256.New(), false
	var buf []byte
	for row := range rows {
		any, buf = true, changeset.AppendRow(buf[:0], row)
		h.Write(buf)
	}
	return sumText(h, any)
}

func sumText(h hash.Hash, some bool) string {
	if !some {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))[:sumDigits]
}

// markJSON is the JSON of a Mark; readers ignore keys that they do not know.
type markJSON struct {
	Changesets      string          `json:"changesets"`
	Checksum        string          `json:"crc32c,omitempty"` // CRC-32C, in hex, of the JSON without this key; older versions wrote none
	Representations string          `json:"representations"`
	Resolutions     string          `json:"resolutions"`
	States          []publishedJSON `json:"states,omitempty"`
}

type publishedJSON struct {
	Rows  string       `json:"rows"` // each in eight hex digits, so that the file is of one size
	Sums  [3]string    `json:"sums"`
	UUIDs [2]uuid.UUID `json:"uuids"`
}

func rowsText(rows [3]uint32) string { return fmt.Sprintf("%08x%08x%08x", rows[0], rows[1], rows[2]) }

// parseRowsText reads what rowsText writes.
func parseRowsText(text string) (rows [3]uint32, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 12 {
		return rows, false
	}
	for i := range rows {
		rows[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return rows, true
}

// String returns the JSON in a line.
func (m Mark) String() string {
	raw := markJSON{Changesets: rowText(m.Changesets), Representations: rowText(m.Representations), Resolutions: rowText(m.Resolutions)}
	for _, s := range m.States {
		if !s.IsZero() {
			raw.States = append(raw.States, publishedJSON{rowsText(s.Rows), s.Sums, [2]uuid.UUID{s.UUID, s.Votes}})
		}
	}
	if len(raw.States) > 0 {
		raw.Checksum = checksum(raw.encode())
	}
	return string(raw.encode()) + "\n"
}

func (m markJSON) encode() []byte {
	b, _ := json.Marshal(m) // cannot fail: strings, numbers and UUIDs
	return b
}

// ParseMark reads what String writes. ok is false for anything else, as for an empty file: such a mark says no more than that the mirror is ours.
func ParseMark(text string) (Mark, bool) {
	var m Mark
	var raw markJSON
	if json.Unmarshal([]byte(text), &raw) != nil || len(raw.States) > MostStates {
		return Mark{}, false
	}
	for _, f := range []struct {
		text string
		row  *changeset.Row
	}{{raw.Changesets, &m.Changesets}, {raw.Representations, &m.Representations}, {raw.Resolutions, &m.Resolutions}} {
		if f.text == "" {
			continue
		}
		var ok bool
		if *f.row, ok = parseRowText(f.text); !ok {
			return Mark{}, false
		}
	}
	for i, s := range raw.States {
		rows, ok := parseRowsText(s.Rows)
		if !ok {
			return Mark{}, false
		}
		m.States[i] = Published{s.UUIDs[0], s.UUIDs[1], rows, s.Sums}
	}
	sum := raw.Checksum
	raw.Checksum = ""
	if sum != "" && sum != checksum(raw.encode()) || sum == "" && len(raw.States) > 0 {
		return Mark{}, false
	}
	return m, true
}

// mark is what the mark of a mirror was found to be.
type mark struct {
	exists bool
	told   bool // it holds a Mark, or what cannot be read
	rows   Mark
}

// readMark returns the mark, which is read when first asked for. Only where there is no such file there is none; an error says nothing, and it is read again when
// it is next asked for.
func (r *Replica) readMark() (mark, error) {
	r.markMu.Lock()
	defer r.markMu.Unlock()
	if r.mark == nil {
		m, err := r.lookForMark()
		if err != nil {
			return mark{}, err
		}
		r.mark = &m
	}
	return *r.mark, nil
}

func (r *Replica) lookForMark() (m mark, err error) {
	text, err := readSmall(r.fs, MirrorMark)
	switch {
	case isNotExist(err):
		return m, nil
	case r.hides(err):
		if _, rows := r.log.takenOver(); r.hides(rows) { // neither sign is to be had of a replica that can be read
			return m, nil
		}
		fallthrough
	case err != nil && !isDamage(err):
		return m, fmt.Errorf("read %s: %w", join(r.opts.Where, MirrorMark), err)
	}
	m.exists = true
	m.rows, m.told = ParseMark(text)
	if !m.told && (text != "" || err != nil) {
		m.told = true // of no row, so that readers look at them
		r.warn(fmt.Sprintf("%s cannot be read, so that more of the mirror is; the next publication writes it anew", join(r.opts.Where, MirrorMark)))
	}
	return m, nil
}

// LookAgain makes Mark read the mark once more.
func (r *Replica) LookAgain() {
	r.markMu.Lock()
	defer r.markMu.Unlock()
	r.mark = nil
}

// Mark returns what a mirror says of its last rows. It is read once, when first asked for. ok is false where the mirror does not say it; a mark that holds
// something else names no row, and is warned of. An error of reading it says neither.
func (r *Replica) Mark() (m Mark, ok bool, err error) {
	read, err := r.readMark()
	return read.rows, read.told, err
}
