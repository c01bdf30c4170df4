package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"os"

	"github.com/spf13/afero"
)

// parcels are entries that are put down in some order and taken up again a part at a time: what memory must not hold at once. What is more than the budget lies in
// files of a scratch file system. An entry is known by the bytes of its key, which choose its part.
type parcels struct {
	scratch afero.Fs // nil: all stays in memory
	name    string   // of its files
	parts   [][]byte
	written []bool // parts of which some lies in a file
	size    int    // of what is in memory, in bytes
	budget  int
}

const maxParts = 4096

// Tests make these small.
var (
	parcelBudget       = 4 << 20 // bytes in memory before they are written
	parcelPart   int64 = 4 << 20 // bytes that a part should have at most
)

// newParcels returns empty ones for about so many bytes.
func newParcels(scratch afero.Fs, name string, bytes int64) *parcels {
	n := min(max(1, bytes/parcelPart), maxParts)
	return &parcels{scratch: scratch, name: name, parts: make([][]byte, n), written: make([]bool, n), budget: parcelBudget}
}

// partOf is the part that the entries with the key are in.
func (p *parcels) partOf(key []byte) int {
	h := fnv.New64a()
	_, _ = h.Write(key) // never fails
	return int(h.Sum64() % uint64(len(p.parts)))
}

// add puts down an entry.
func (p *parcels) add(part int, entry []byte) error {
	was := len(p.parts[part])
	b := binary.AppendUvarint(p.parts[part], uint64(len(entry)))
	p.parts[part] = append(b, entry...)
	p.size += len(p.parts[part]) - was
	if p.scratch == nil || p.size <= p.budget {
		return nil
	}
	return p.write()
}

// write moves what is in memory to the files.
func (p *parcels) write() error {
	for i, b := range p.parts {
		if len(b) == 0 {
			continue
		}
		if err := p.append(i, b); err != nil {
			return fmt.Errorf("keep what was found so far: %w", err)
		}
		p.parts[i], p.written[i] = b[:0], true
	}
	p.size = 0
	return nil
}

func (p *parcels) file(part int) string { return fmt.Sprintf("%s-%d", p.name, part) }

func (p *parcels) append(part int, b []byte) error {
	f, err := p.scratch.OpenFile(p.file(part), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// take takes up the entries of a part, in the order in which they were put down. They are valid until the next part is taken.
func (p *parcels) take(part int) (iter.Seq[[]byte], error) {
	b := p.parts[part]
	p.parts[part] = nil
	p.size -= len(b)
	if p.written[part] {
		before, err := afero.ReadFile(p.scratch, p.file(part))
		if err == nil {
			err = p.scratch.Remove(p.file(part))
		}
		if err != nil {
			return nil, fmt.Errorf("read what was found so far: %w", err)
		}
		b = append(before, b...)
	}
	return func(yield func([]byte) bool) {
		for rest := b; len(rest) > 0; {
			n, k := binary.Uvarint(rest)
			entry := rest[k:][:n]
			rest = rest[k+int(n):]
			if !yield(entry) {
				return
			}
		}
	}, nil
}
