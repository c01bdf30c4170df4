package parts

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"github.com/google/uuid"
)

// absent tells of most UUIDs that no record of a table has that it is so. Whoever adds many rows asks for as many records, of which most are new, and each would be looked for in every table.
type absent struct {
	asked atomic.Uint32 // how often a record was looked for
	bits  atomic.Pointer[bitmap]
}

// bitmap has a bit for each hash that a UUID of some has.
type bitmap struct {
	seed  maphash.Seed // a random one: nobody can make UUIDs that all seem to be there
	words []uint64
}

// bitsARecord makes one UUID of thirteen that is not there seem to be.
const bitsARecord = 12

func newBitmap(records uint32) *bitmap {
	return &bitmap{maphash.MakeSeed(), make([]uint64, uint64(records)*bitsARecord/64+1)}
}

// bit returns the word and the mask of a UUID.
func (b *bitmap) bit(id uuid.UUID) (word *uint64, mask uint64) {
	h := maphash.Bytes(b.seed, id[:])
	i, _ := bits.Mul64(h, uint64(len(b.words)))
	return &b.words[i], 1 << (h % 64)
}

func (b *bitmap) add(id uuid.UUID) {
	word, mask := b.bit(id)
	*word |= mask
}

// lacks reports whether the UUID is surely none of those that were added.
func (b *bitmap) lacks(id uuid.UUID) bool {
	word, mask := b.bit(id)
	return *word&mask == 0
}

// lacks reports whether the table surely has no record with a UUID. Once it was asked as often as makes that worth it, it reads all of them, past the cache, which others fill meanwhile. Where it
// cannot, it knows of none, and who looks for a record learns why.
func (t *table) lacks(id uuid.UUID) bool {
	if b := t.absent.bits.Load(); b != nil {
		return b.lacks(id)
	}
	if t.absent.asked.Add(1) != 64+t.records/1024 { // one asker reads them, once: where that fails nobody tries again
		return false
	}
	b := newBitmap(t.records)
	if t.each(t.recordAt, func(entry []byte) { b.add(uuid.UUID(entry[:16])) }) != nil {
		return false
	}
	t.absent.bits.Store(b)
	return b.lacks(id)
}
