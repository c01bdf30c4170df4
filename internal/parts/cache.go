package parts

import "sync"

// cacheSize is how many bytes a cache holds at most, a single piece of more excepted.
const cacheSize = 6 << 20

// Cache keeps what was read of parts last: pages and frames. It knows them by the hashes of the files, so what it holds is never stale. It may be shared.
type Cache struct {
	mu     sync.Mutex
	pieces map[cacheKey][]byte
	bytes  int
	absent map[[2]Sum]*absent // of each pack and its table
}

// cacheKey is a piece of a part. The same pack may have had another table.
type cacheKey struct {
	pack, table Sum
	frame       bool // of the pack; else it is a page of the table
	number      uint32
}

func (c *Cache) get(key cacheKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pieces[key]
}

// put keeps a piece; others go where it would be too much, whichever they are: what is asked for next lies anywhere.
func (c *Cache) put(key cacheKey, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pieces == nil {
		c.pieces, c.bytes = map[cacheKey][]byte{}, 0
	}
	if _, twice := c.pieces[key]; twice { // another reader missed it too
		return
	}
	for other, kept := range c.pieces {
		if c.bytes+len(b) <= cacheSize {
			break
		}
		delete(c.pieces, other)
		c.bytes -= len(kept)
	}
	c.pieces[key] = b
	c.bytes += len(b)
}

// maxAbsent is of how many parts a cache keeps which records are absent: more than most logs have, and few of them are large.
const maxAbsent = 64

// absentOf returns what is known of records that a part does not have.
func (c *Cache) absentOf(r Ref) *absent {
	key := [2]Sum{r.Pack, r.Table}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.absent == nil || len(c.absent) == maxAbsent && c.absent[key] == nil {
		c.absent = map[[2]Sum]*absent{}
	}
	if c.absent[key] == nil {
		c.absent[key] = new(absent)
	}
	return c.absent[key]
}
