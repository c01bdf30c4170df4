package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/minio/sha256-simd"
)

// The logs of a mirror, as the head and the packs count them.
const (
	Log = iota
	List
	Votes
	Logs // how many there are
)

const (
	magic         = "prophet wire 1\n\n"
	directoryHead = len(magic) + 12
	sectionSize   = 48
	maxSections   = 1 << 16
	// PackSize is how many bytes of frames a pack has, after which no more are added.
	PackSize = 16 << 20
	// MaxPack is how many bytes a pack has at most: one changeset alone may be large.
	MaxPack = PackSize + 80<<20
)

// directory says what is in a pack. Its encoding begins the pack:
//
//	     "prophet wire 1\n\n"
//	u32  the log; u32 its first row; u32 how many frames
//	     for each frame u32 how many rows; u32 bytes of their changesets; u32 bytes of its content; u32 bytes of the frame; 32 bytes its SHA-256
//
// Integers are big-endian. The frames follow in this order, to the end of the pack.
type directory struct {
	log, first uint32
	sections   []section
}

func (d *directory) encode() []byte {
	b := append(make([]byte, 0, d.size()), magic...)
	b = binary.BigEndian.AppendUint32(b, d.log)
	b = binary.BigEndian.AppendUint32(b, d.first)
	b = binary.BigEndian.AppendUint32(b, uint32(len(d.sections)))
	for _, s := range d.sections {
		for _, n := range []uint32{s.rows, s.json, s.content, s.packed} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		b = append(b, s.sum[:]...)
	}
	return b
}

// size is that of the encoding, in bytes.
func (d *directory) size() int { return directoryHead + sectionSize*len(d.sections) }

// packName returns the name of the pack with a directory: its SHA-256 in hex.
func packName(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// parseDirectory reads what encode writes, all of it.
func parseDirectory(b []byte) (*directory, error) {
	if len(b) < directoryHead || string(b[:len(magic)]) != magic {
		return nil, errors.New("it is no pack")
	}
	word := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	d := &directory{log: word(len(magic)), first: word(len(magic) + 4)}
	n := int(word(len(magic) + 8))
	if d.log >= Logs || d.first == 0 || n == 0 || n > maxSections || len(b) != directoryHead+n*sectionSize {
		return nil, fmt.Errorf("a directory of %d bytes for %d frames from row %d of log %d", len(b), n, d.first, d.log)
	}
	for at := directoryHead; at < len(b); at += sectionSize {
		s := section{rows: word(at), json: word(at + 4), content: word(at + 8), packed: word(at + 12)}
		copy(s.sum[:], b[at+16:])
		if err := s.check(); err != nil {
			return nil, err
		}
		d.sections = append(d.sections, s)
	}
	if rows := d.rows(); rows > math.MaxUint32-uint64(d.first) {
		return nil, fmt.Errorf("%d rows from row %d on", rows, d.first)
	}
	return d, nil
}

func (d *directory) rows() (n uint64) {
	for _, s := range d.sections {
		n += uint64(s.rows)
	}
	return n
}

// packed is how many bytes its frames have.
func (d *directory) packed() (n int64) {
	for _, s := range d.sections {
		n += int64(s.packed)
	}
	return n
}
