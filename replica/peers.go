package replica

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// Place is where a peer was found.
type Place struct {
	URL  string `json:"url,omitempty"`  // "" if another peer was found there since, or the place was forgotten
	Copy bool   `json:"copy,omitempty"` // what was found there is an exported copy of the peer, or a mirror: none of its edits were made there
}

// Peer is what we know of a replica that we exchange changesets with.
type Peer struct {
	UUID uuid.UUID `json:"uuid"`
	Place
	// Also is where it was found before, the latest first. What was read counts only where it was found last.
	Also []Place `json:"also,omitempty"`
	// Read is how many rows of its log were read, in the transactions that integrated them, and Row the last of them in hex.
	Read uint32 `json:"read"`
	Row  string `json:"row,omitempty"`
	// Tail is the [Tail] of its log that was read, and Own the last row in hex of what was read that it made itself: a log that was restored from a
	// backup may have the last row again, after others.
	Tail string `json:"tail,omitempty"`
	Own  string `json:"own,omitempty"`
	// Representations is how many rows of its list of representations were read, and Representation the last of them in hex.
	Representations uint32 `json:"representations,omitempty"`
	Representation  string `json:"representation,omitempty"`
	// Here is the last row of our own log, in hex, in the transaction that noted how far the peer's was read, and HereListed that of our list of
	// representations: where ours no longer have these rows, they lost what was read, as when a backup is put back over a replica.
	Here       string `json:"here,omitempty"`
	HereTail   string `json:"here_tail,omitempty"` // of our own log then
	HereListed string `json:"here_representation,omitempty"`
	// V1 says that it is a mirror that the original made, which has no such list; it is asked again when its log has grown.
	V1 bool `json:"v1,omitempty"`
	// NoPacks says that it is a mirror of ours on the web that had no packs when it was read last; it is asked for them again when its log has grown.
	NoPacks bool `json:"no_packs,omitempty"`
	// Adopt says that this replica is a clone of the peer in the making: what the peer shows is to be adopted once all of it was read.
	Adopt bool `json:"adopt,omitempty"`
	// OtherDatabase says that it is a replica of another database, from which somebody pulled all the same.
	OtherDatabase bool `json:"other_database,omitempty"`
	// Published says that this replica was published there, which is noted under its own UUID: that it is noted as a peer then says nothing of who this replica is.
	Published bool `json:"published,omitempty"`
	// Moved is how the peer's log is read: it has, under their old names, changesets that bear new ones here.
	Moved changeset.Moves `json:"moved,omitempty"`
	// Stretches is the same for a peer that uses the original.
	Stretches changeset.Stretches `json:"stretches,omitempty"`

	lost    bool  // see Lose
	damaged error // see Damaged
	bare    bool  // it was read without a checksum: an older version wrote it
}

// Damaged returns a DamageError if what was noted of the peer cannot be read, else nil. Then it is as if nothing had been: to read its log from its beginning
// is safe, and notes it anew.
func (p Peer) Damaged() error { return p.damaged }

// Forget notes that nothing was read of the peer's log and list.
func (p *Peer) Forget() {
	p.SetRead(changeset.Row{})
	p.SetRepresented(changeset.Row{})
	p.Moved, p.Stretches = nil, nil
}

// Lose is Forget for a peer of which the log lost what was read: see [Log.Turned]. The original's marks, which may say that it was read, are lowered
// with the transaction that takes note of the peer.
func (p *Peer) Lose() {
	p.Forget()
	p.lost = true
}

// heldBy reports whether a log has the row, and the tail, that it ended with when the peer was noted; where none was noted, as in older files, it is believed.
func heldBy(l *Log, text, tail string) (bool, error) {
	if text == "" {
		return true, nil
	}
	row, ok := parseRowText(text)
	if !ok || row.Seq > l.latest {
		return false, nil
	}
	if tail != "" {
		now, err := l.tailAt(row.Seq)
		return now == tail, err
	}
	now, err := l.Row(row.Seq)
	return now == row, err
}

// Turned reports whether the log lost what was read of the peer since: then its marks say nothing, and reading it again is safe.
func (l *Log) Turned(p Peer) (bool, error) {
	if p.Read == 0 && p.Representations == 0 {
		return false, nil
	}
	held, err := heldBy(l, p.Here, p.HereTail)
	if err == nil && held && l.reps != nil && l.reps.rows != nil {
		held, err = heldBy(l.reps.rows, p.HereListed, "")
	}
	return err == nil && !held, err
}

// encode returns the JSON in a line. Its first key is the CRC-32C of what the file would be without it, as older versions wrote it:
//
//	{"crc32c":"5f60b7a1","uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11",…}
func (p Peer) encode() []byte {
	b, _ := json.Marshal(p) // cannot fail: strings, numbers and a UUID
	b = append(b, '\n')
	return append([]byte(sumKey+checksum(b)+sumEnd), b[1:]...)
}

const sumKey, sumEnd = `{"crc32c":"`, `",`

// withoutSum returns the JSON that encode wrote without its first key; bare: it has none.
func withoutSum(b []byte) (plain []byte, bare bool, err error) {
	at := len(sumKey) + 2*crc32.Size
	if len(b) < at+len(sumEnd) || string(b[:len(sumKey)]) != sumKey || string(b[at:at+len(sumEnd)]) != sumEnd {
		return b, true, nil
	}
	plain = append([]byte("{"), b[at+len(sumEnd):]...)
	if checksum(plain) != string(b[len(sumKey):at]) {
		return nil, false, errOtherSum
	}
	return plain, false, nil
}

var errOtherSum = errors.New("it does not have the checksum that it bears")

// SetRead notes that all rows up to this one were read; the zero row, that none was.
func (p *Peer) SetRead(row changeset.Row) {
	p.Read, p.Row, p.Tail, p.Own = row.Seq, rowText(row), "", ""
}

// SetOwn notes the last row that the peer made itself, of what was read; the zero row, that there is none.
func (p *Peer) SetOwn(row changeset.Row) { p.Own = rowText(row) }

// SetRepresented is SetRead for the list of representations.
func (p *Peer) SetRepresented(row changeset.Row) {
	p.Representations, p.Representation = row.Seq, rowText(row)
}

// rowText returns a row in hex, as in changesets.idx; "" for the zero row.
func rowText(row changeset.Row) string {
	if row.Seq == 0 {
		return ""
	}
	return hex.EncodeToString(changeset.AppendRow(nil, row))
}

// parseRowText reads what rowText writes; ok is false for anything else, and for "".
func parseRowText(text string) (row changeset.Row, ok bool) {
	b, err := hex.DecodeString(text)
	if err == nil {
		row, err = changeset.ParseRow(b)
	}
	return row, err == nil
}

// LastRow returns the last row that was read; ok is false if it is not known.
func (p *Peer) LastRow() (row changeset.Row, ok bool) { return numberedRow(p.Row, p.Read) }

// LastOwn returns the last row that was read of what the peer made itself; ok is false if it is not known.
func (p *Peer) LastOwn() (row changeset.Row, ok bool) { return parseRowText(p.Own) }

// LastRepresentation is LastRow for the list of representations.
func (p *Peer) LastRepresentation() (row changeset.Row, ok bool) {
	return numberedRow(p.Representation, p.Representations)
}

// numberedRow is parseRowText for a row that is noted with its number.
func numberedRow(text string, seq uint32) (row changeset.Row, ok bool) {
	row, ok = parseRowText(text)
	return row, ok && row.Seq == seq
}

func peerFile(u uuid.UUID) string { return path.Join(peersDir, u.String()) }

// Peer returns what is known of the replica with the UUID; of a new one, nothing was read.
func (l *Log) Peer(u uuid.UUID) (Peer, error) {
	b, err := readWhole(l.fs, peerFile(u))
	if isNotExist(err) {
		return Peer{UUID: u}, nil
	}
	if err != nil {
		return Peer{}, fmt.Errorf("read what is known of peer %s: %w", u, err)
	}
	p, err := parsePeer(b, u)
	if err != nil {
		return Peer{UUID: u, damaged: l.damaged(peerFile(u), err)}, nil
	}
	return p, nil
}

// parsePeer reads what is known of the peer with the UUID.
func parsePeer(b []byte, u uuid.UUID) (p Peer, err error) {
	b, p.bare, err = withoutSum(b)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, err
	}
	if p.UUID != u {
		return p, fmt.Errorf("it is about %s", p.UUID)
	}
	return p, nil
}

// Peers returns the replicas that changesets were exchanged with, by UUID. It warns of those of which the notes cannot be read.
func (r *Replica) Peers() ([]Peer, error) {
	peers, err := r.log.peers()
	for _, p := range peers {
		if p.damaged != nil {
			r.warn(fmt.Sprintf("%v; a pull from where it is found writes it anew", p.damaged))
		}
	}
	return peers, err
}

func (l *Log) peers() ([]Peer, error) {
	names, err := l.list(peersDir)
	if err != nil {
		return nil, err
	}
	var peers []Peer
	for _, name := range names {
		u, err := changeset.ParseUUID(name)
		if err != nil {
			continue
		}
		p, err := l.Peer(u)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// LastPeer returns where changesets were last pulled from or pushed to, "" if nowhere. Where the note is damaged it warns, and it is nowhere.
func (r *Replica) LastPeer() (string, error) {
	url, _, err := r.readLastPeer()
	if isDamage(err) {
		r.warn(err.Error())
		return "", nil
	}
	return url, err
}

// readLastPeer is LastPeer, and damage an error; bare: an older version wrote the file, without a checksum.
func (r *Replica) readLastPeer() (url string, bare bool, err error) {
	b, err := r.log.limits.readReplaced(r.fs, "", lastPeerFile, maxLastPeer)
	if isNotExist(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the last peer: %w", err)
	}
	url, bare, err = parseLastPeer(string(b))
	if err != nil {
		return "", false, r.log.damaged(lastPeerFile, fmt.Errorf("%w; the next pull or push that names a peer writes it anew", err))
	}
	return url, bare, nil
}

// maxLastPeer is how many bytes the file that names the last peer has at most.
const maxLastPeer = 1 << 16

// appendLastPeer appends a location as the file has it, in a line, and in another one "crc32c" and the checksum of the first.
func appendLastPeer(b []byte, url string) []byte {
	line := url + "\n"
	return fmt.Appendf(b, "%s%s%s\n", line, sumLine, checksum([]byte(line)))
}

// parseLastPeer reads what appendLastPeer writes, whatever bytes the location has, and, bare, what older versions wrote: the first line alone.
func parseLastPeer(text string) (url string, bare bool, err error) {
	if text == "" {
		return "", true, errors.New("it is empty")
	}
	if end := strings.LastIndex(text, "\n"+sumLine); end >= 0 {
		if url = text[:end]; string(appendLastPeer(nil, url)) != text {
			return "", false, errOtherSum
		}
		return url, false, nil
	}
	url = strings.TrimSuffix(text, "\n")
	if strings.ContainsFunc(url, unicode.IsControl) || !utf8.ValidString(url) {
		return "", false, errors.New("it bears no checksum, and names no place")
	}
	return strings.TrimSpace(url), true, nil
}

// SetLastPeer notes where changesets were last pulled from or pushed to. It writes nothing if that is noted already.
func (r *Replica) SetLastPeer(url string) error {
	if last, bare, err := r.readLastPeer(); err == nil && last == url && !bare {
		return nil
	}
	return durable.WriteFile(r.fs, lastPeerFile, appendLastPeer(nil, url))
}

// SetPeer notes what is known of a peer, with the transaction.
func (tx *Tx) SetPeer(p Peer) { tx.main.setPeer(p) }

// SetVotesPeer is SetPeer for the peer's resolutions replica.
func (tx *Tx) SetVotesPeer(p Peer) { tx.res.setPeer(p) }

func (t *txLog) setPeer(p Peer) {
	t.met[p.UUID] = p
	t.turned = t.turned || p.lost
	t.marks[p.UUID] = max(t.marks[p.UUID], p.Read)
}

// writePeers writes what was noted of peers, with the last rows that the log and the list have by now.
func (t *txLog) writePeers() error {
	if len(t.met) == 0 {
		return nil
	}
	rows, err := t.lastRows()
	if err != nil {
		return err
	}
	last := changeset.Row{}
	if len(rows) > 0 {
		last = rows[len(rows)-1]
	}
	listed := t.restated.last
	if t.reps != nil && listed.Seq == 0 && t.restated.seq > 0 {
		if listed, err = t.reps.rows.Row(t.restated.seq); err != nil {
			return err
		}
	}
	for _, u := range inOrder(t.met) {
		p := t.met[u]
		if err := t.takePlace(p); err != nil {
			return err
		}
		p.Here, p.HereTail, p.HereListed = rowText(last), Tail(rows), rowText(listed)
		t.tx.d.Replace(t.name(peerFile(u)), p.encode())
	}
	return nil
}

// KnownPeers returns what is noted of peers at the root of a file system, where the replica may be too damaged to be opened. What cannot be read is left out.
func KnownPeers(fsys afero.Fs) (peers []Peer) {
	noted, _ := newLog(fsys, "", "", &limits{}).peers()
	for _, p := range noted {
		if p.damaged == nil {
			peers = append(peers, p)
		}
	}
	return peers
}

// KnownLastPeer is [Replica.LastPeer] in the same way.
func KnownLastPeer(fsys afero.Fs) string {
	url, _, err := (&Replica{fs: fsys, log: newLog(fsys, "", "", &limits{})}).readLastPeer()
	if err != nil {
		return ""
	}
	return url
}

// DatabaseOf returns the UUID of the database at the root of a file system, where the replica may be too damaged to be opened; zero if nothing says it.
func DatabaseOf(fsys afero.Fs) uuid.UUID {
	l := newLog(fsys, "", "", &limits{})
	if id, err := l.readIdentity(); err == nil {
		u, _ := changeset.ParseUUID(id[changeset.DatabaseUUIDFile])
		return u
	}
	u, _ := l.readUUID(changeset.DatabaseUUIDFile)
	return u
}
