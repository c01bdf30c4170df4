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
	if sum, err := c.l.sumOfPeers(nil); err == nil && c.id != nil && !c.underway() && sum != c.id[c.l.prefix+peersDir] {
		c.harmless(peersDir, "the names in it are not those that %s has the checksum of: what was noted of a peer is missing, or another version noted one; the next pull from it reads its log from the beginning", IdentityFile)
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
		default:
			c.checkBare(peerFile(u), p.bare)
		}
	}
}

// checkV1Marks checks that the original's marks are numbers, and that they are as high as the log asks for.
func (c *checker) checkV1Marks() {
	names, err := c.l.list(marksDir)
	if err != nil {
		c.fault(marksDir, err)
		return
	}
	former, _ := c.l.Former() // reported with the file
	for _, u := range former {
		if there, err := exists(c.l.fs, markFile(u)); err == nil && !there && !c.exported && !c.underway() {
			c.harmless(markFile(u), "the file is missing, though the replica was %s before: programs of the original would log its changesets again: a repair sets it to %d", u, c.highestOf(u))
		}
	}
	read := map[uuid.UUID]uint32{}
	for _, name := range names {
		u, is := markedBy(name)
		if !is {
			continue
		}
		mark, err := c.l.v1Mark(name)
		if err != nil && u == c.l.uuid {
			c.problem(path.Join(marksDir, name), "%v; it is about this replica itself, which needs none: a repair takes it away", reason(err))
		} else if err != nil {
			c.problem(path.Join(marksDir, name), "%v; programs of the original go by it: a repair sets it to %d", reason(err), c.highestOf(u))
			mark = c.highestOf(u)
		}
		read[u] = max(read[u], mark)
	}
	c.checkMarks(read)
}

// highestOf returns the number that the original's mark of a replica should be at least, by what the log has and what was read of that replica.
func (c *checker) highestOf(u uuid.UUID) uint32 {
	n := c.highest[u]
	if p, err := c.l.Peer(u); err == nil {
		if turned, err := c.l.Turned(p); err == nil && !turned {
			n = max(n, p.Read)
		}
	}
	return n
}
