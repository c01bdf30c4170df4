package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strings"

	"prophet/changeset"
)

// HeadFile is the head of a mirror, within the directory of its database. It is replaced as a whole, last in a publication.
const HeadFile = "prophet/head"

// packDir has the packs, beside the head.
const packDir = "prophet/packs"

// PackFile returns where a pack of that name is.
func PackFile(name string) string { return packDir + "/" + name + ".pack" }

// IsFile reports whether a file belongs where the name says, in the directory of a database in a mirror, beside those of the replica.
func IsFile(name string) bool {
	return name == HeadFile || name == supersededFile || path.Dir(name) == packDir && path.Ext(name) == ".pack"
}

const (
	headVersion = 1
	// MaxHead is how many bytes a head has at most. Some 10 kB are usual; it grows with what is lost.
	MaxHead   = 16 << 20
	maxPacks  = 4096 // of a log
	tailRows  = 128
	maxBefore = 16 // superseded packs that a head names
)

// Head is what the head of a mirror holds: one line of JSON, and a newline. Readers ignore keys that they do not know.
type Head struct {
	Version  int               `json:"prophet"`
	Checksum string            `json:"crc32c"`           // CRC-32C, in eight hex digits, of the line without this key; the two are the first
	Tree     bool              `json:"v1"`               // beside it lies the v1 tree
	Files    map[string]string `json:"files"`            // the small files of text, by name
	Binary   map[string][]byte `json:"binary,omitempty"` // the other small files, in base64
	Logs     [Logs]LogHead     `json:"logs"`             // the log, the list of representations, the resolutions
}

// LogHead says where the rows of a log are: in packs that follow one another from row 1 on, then in the head itself.
type LogHead struct {
	Packs  []Pack `json:"packs,omitempty"`
	Before []Pack `json:"before,omitempty"` // superseded last, in no order: for readers who do not see the packs yet
	Tail   []byte `json:"tail,omitempty"`   // the last rows in packs, at most 128, as in changesets.idx, compressed
	Newest []byte `json:"newest,omitempty"` // one frame of all rows after those in packs
	Rows   uint32 `json:"rows,omitempty"`   // that it has
	JSON   uint32 `json:"json,omitempty"`   // bytes of their changesets
	Bytes  uint32 `json:"bytes,omitempty"`  // of its content, before it was compressed
}

// Pack names a pack, and says which rows of its log it has.
type Pack struct {
	First     uint32 `json:"first"`
	Last      uint32 `json:"last"`
	Bytes     int64  `json:"bytes"`     // of the file
	Directory uint32 `json:"directory"` // of them those of the directory
	Name      string `json:"name"`      // the SHA-256 of the directory, in hex
}

// Latest is the number of the last row of the log.
func (l *LogHead) Latest() uint32 { return l.packed() + l.Rows }

// packed is the number of the last row in a pack.
func (l *LogHead) packed() uint32 {
	if len(l.Packs) == 0 {
		return 0
	}
	return l.Packs[len(l.Packs)-1].Last
}

// LatestFiles are the files that say how many rows of each log count.
var LatestFiles = [Logs]string{changeset.LatestFile, "prophet/latest-representation", changeset.ResolutionsDir + "/" + changeset.LatestFile}

// Encode returns the head as its file holds it.
func (h *Head) Encode() []byte {
	sealed := *h
	sealed.Version, sealed.Checksum = headVersion, noSum
	b, _ := json.Marshal(sealed) // cannot fail: texts, numbers and bytes
	copy(b[len(beforeSum):], fmt.Sprintf("%08x", sumOf(b)))
	return append(b, '\n')
}

// Every head of this version begins with this, the digits of its checksum, and that.
const (
	beforeSum = `{"prophet":1,"crc32c":"`
	afterSum  = `",`
	noSum     = "00000000"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf is the checksum of a line: of all but the key that holds it.
func sumOf(line []byte) uint32 {
	sum := crc32.Checksum([]byte(`{"prophet":1,`), castagnoli)
	return crc32.Update(sum, castagnoli, line[len(beforeSum)+len(noSum)+len(afterSum):])
}

// checkSum compares the checksum of a line.
func checkSum(b []byte) error {
	line, ended := bytes.CutSuffix(b, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte(beforeSum))
	if !ended {
		return errors.New("it does not end in a newline")
	}
	if !ok || len(rest) < len(noSum)+len(afterSum) || string(rest[len(noSum):len(noSum)+len(afterSum)]) != afterSum {
		return errors.New("it does not begin as a head does")
	}
	if is := fmt.Sprintf("%08x", sumOf(line)); is != string(rest[:len(noSum)]) {
		return fmt.Errorf("its checksum is %s, and it says %.8q", is, rest)
	}
	return nil
}

// ErrNewer is wrapped by the error of a head that a later version wrote.
var ErrNewer = errors.New("a later version of prophet wrote it")

// ParseHead reads what Encode writes, and holds every number in it against its bounds.
func ParseHead(b []byte) (*Head, error) {
	h := &Head{}
	if err := json.Unmarshal(b, h); err != nil {
		return nil, err
	}
	if h.Version > headVersion {
		return nil, fmt.Errorf("it is of version %d; this program reads version %d: %w", h.Version, headVersion, ErrNewer)
	}
	if h.Version != headVersion {
		return nil, fmt.Errorf("it is of version %d; this program reads version %d", h.Version, headVersion)
	}
	if err := checkSum(b); err != nil {
		return nil, err
	}
	for i := range h.Logs {
		if err := h.Logs[i].check(); err != nil {
			return nil, err
		}
		if err := h.checkNumber(i); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// checkNumber makes sure that the file which says how many rows count says what the head has.
func (h *Head) checkNumber(log int) error {
	text, there := h.Files[LatestFiles[log]]
	n, has := uint32(0), h.Logs[log].Latest()
	if text = strings.TrimSpace(text); there && text != "0" {
		var err error
		if n, err = changeset.ParseSeq(text); err != nil {
			return fmt.Errorf("%s in it: %w", LatestFiles[log], err)
		}
	}
	if n != has {
		return fmt.Errorf("%s in it says %d, and it has %d rows", LatestFiles[log], n, has)
	}
	return nil
}

func (l *LogHead) check() error {
	if len(l.Packs) > maxPacks || len(l.Before) > maxBefore {
		return fmt.Errorf("%d packs, and %d before them", len(l.Packs), len(l.Before))
	}
	next := uint64(1)
	for _, p := range l.Packs {
		if err := p.check(); err != nil {
			return err
		}
		if uint64(p.First) != next {
			return fmt.Errorf("a pack begins with row %d where row %d is next", p.First, next)
		}
		next = uint64(p.Last) + 1
	}
	for _, p := range l.Before {
		if err := p.check(); err != nil {
			return err
		}
	}
	if l.Rows > 0 {
		if err := l.newest().check(); err != nil || next+uint64(l.Rows) > 1<<32 {
			return fmt.Errorf("%d rows after row %d: %w", l.Rows, next-1, err)
		}
	}
	if (l.Rows == 0) != (len(l.Newest) == 0) {
		return fmt.Errorf("%d bytes for %d rows", len(l.Newest), l.Rows)
	}
	return nil
}

func (p *Pack) check() error {
	sections := (int(p.Directory) - directoryHead) / sectionSize
	switch {
	case !isName(p.Name):
		return fmt.Errorf("%.80q is no name of a pack", p.Name)
	case p.First == 0 || p.Last < p.First || sections < 1 || sections > maxSections || int(p.Directory) != directoryHead+sections*sectionSize:
		return fmt.Errorf("pack %.8s has rows %d to %d, and a directory of %d bytes", p.Name, p.First, p.Last, p.Directory)
	case p.Bytes <= int64(p.Directory) || p.Bytes > MaxPack:
		return fmt.Errorf("pack %.8s has %d bytes", p.Name, p.Bytes)
	}
	return nil
}

// isName reports whether a text can be the name of a pack: 64 digits of lower-case hex.
func isName(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == 32 && hex.EncodeToString(raw) == text
}

// newest is the section of the frame in the head, but for its sum: the head proves it.
func (l *LogHead) newest() section {
	return section{rows: l.Rows, json: l.JSON, content: l.Bytes, packed: uint32(len(l.Newest))}
}

// open reads the directory of a pack, and holds it against what the head says of it.
func (p *Pack) open(log int, encoded []byte) (*directory, error) {
	if packName(encoded) != p.Name {
		return nil, errors.New("the SHA-256 of its directory is not its name")
	}
	d, err := parseDirectory(encoded)
	if err != nil {
		return nil, err
	}
	if d.log != uint32(log) || d.first != p.First || uint64(d.first)+d.rows()-1 != uint64(p.Last) || int64(d.size())+d.packed() != p.Bytes {
		return nil, fmt.Errorf("it has %d rows from row %d of log %d on, in %d bytes, and the head says otherwise", d.rows(), d.first, d.log, int64(d.size())+d.packed())
	}
	return d, nil
}

// appendTail returns the rows, compressed.
func appendTail(rows []changeset.Row) ([]byte, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var b []byte
	for _, row := range rows {
		b = changeset.AppendRow(b, row)
	}
	return compress(b)
}

// readTail reads what appendTail returns: the rows up to the one with that number.
func readTail(packed []byte, last uint32) ([]changeset.Row, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	b, err := decompress(packed, tailRows*changeset.RowSize)
	if err != nil {
		return nil, fmt.Errorf("decompress its last rows: %w", err)
	}
	n := uint32(len(b) / changeset.RowSize)
	if n > last {
		return nil, fmt.Errorf("%d last rows of %d", n, last)
	}
	return changeset.ParseRows(b, last-n+1)
}

// names returns the names of the packs of a head, sorted.
func (h *Head) names() (names []string) {
	for _, l := range h.Logs {
		for _, p := range l.Packs {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}
