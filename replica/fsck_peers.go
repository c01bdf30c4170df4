package replica

import (
	"path"

	"github.com/google/uuid"

	"prophet/changeset"
)

// checkPeers checks that what is noted of peers can be read. Where it cannot, nothing counts as read of that peer.
func (c *checker) checkPeers() {
	names, err := c.l.list(peersDir)
	if err != nil {
		c.fault(peersDir, err)
		return
	}
	for _, name := range names {
		u, err := changeset.ParseUUID(name)
		if err != nil || u.String() != name {
			c.harmless(path.Join(peersDir, name), "a stray file: its name is not that of a peer")
			continue
		}
		switch p, err := c.l.Peer(u); {
		case err != nil:
			c.fault(peerFile(u), err)
		case p.damaged != nil:
			c.harmless(peerFile(u), "%v; the next pull from that peer reads its log from the beginning, and writes it anew", reason(p.damaged))
		}
	}
}

// checkV1Marks checks that the original's marks are numbers: it asks a peer for what is above.
func (c *checker) checkV1Marks() {
	names, err := c.l.list(marksDir)
	if err != nil {
		c.fault(marksDir, err)
		return
	}
	for _, name := range names {
		u, is := markedBy(name)
		if !is {
			continue
		}
		file := path.Join(marksDir, name)
		if _, err := c.l.v1Mark(name); err != nil {
			c.problem(file, "%v; programs of the original go by it: write %d into it", reason(err), c.highest(u))
		}
	}
}

// highest returns the number that the original's mark of a replica should be at least, by what the log has and what was read of that replica.
func (c *checker) highest(u uuid.UUID) (n uint32) {
	if p, err := c.l.Peer(u); err == nil {
		if turned, err := c.l.Turned(p); err == nil && !turned {
			n = p.Read
		}
	}
	for id := range c.ids {
		if id.Origin == u {
			n = max(n, id.Seq)
		}
	}
	return n
}
