package replica

import (
	"errors"
	"strings"

	"prophet/changeset"
)

// checkIdentity compares what the identity names with the files. A replica that only the original, or an earlier version, wrote to has none.
func (c *check) checkIdentity() {
	m := c.main
	c.checkAnothers()
	id, err := m.l.readIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		if m.ours {
			m.harmless(IdentityFile, "the file is missing: an earlier version wrote here last, or it was deleted; the next edit writes it anew")
		}
		c.checkFormer()
		return
	case isDamage(err):
		m.harmless(IdentityFile, "%v; the next edit writes it anew", reason(err))
		c.checkFormer()
		return
	case err != nil:
		m.fault(IdentityFile, err)
		return
	}
	if others := id.differing(m.l, c.votes.l); len(others) > 0 && othersIdentity(m.l.root, id) {
		m.problem(IdentityFile, "it is that of another replica: it says that %s holds %s, and this replica is another one, as its log and its marks tell", others[0].Path, id[others[0].Path])
	} else {
		for _, d := range others {
			m.problem(d.Path, "%v", d.Err)
		}
	}
	m.id, c.votes.id = id, id
	m.checkSpelling()
	if m.r.opts.Mirror {
		return
	}
	m.checkNamed(formerFile)
	c.votes.checkNamed(formerFile)
	m.checkNamed(oldIDsFile)
}

// checkAnothers says which UUID is that of another replica. An exported copy, or a mirror, has no marks.
func (c *check) checkAnothers() {
	for _, log := range []*checker{c.main, c.votes} {
		if !log.r.opts.Mirror && isAnothers(log.l, log.l.uuid.String()) {
			log.fault(changeset.ReplicaUUIDFile, log.l.anothersName(log.l.uuid))
		}
	}
}

// checkFormer checks the lists of former UUIDs where nothing has their checksums.
func (c *check) checkFormer() {
	for _, log := range []*checker{c.main, c.votes} {
		b, err := log.l.limits.readReplaced(log.l.fs, log.l.prefix, formerFile, maxFormer)
		if err != nil || log.exported {
			continue // it was said, or there is none
		}
		list, err := newFormerList(newLog(log.l.root, log.l.prefix, log.l.where, log.l.limits), b)
		if err != nil {
			log.fault(formerFile, err)
			continue
		}
		for _, line := range list.lines {
			if why := list.doubt(line); why != "" {
				log.problem(formerFile, "%s", why)
			}
		}
	}
}

// checkSpelling says where a UUID is the same, in other bytes than those that are written.
func (c *checker) checkSpelling() {
	for _, name := range identityFiles[:uuidFiles] {
		b, err := c.l.limits.readReplaced(c.l.root, "", name, 4096)
		if text := strings.TrimSpace(string(b)); err == nil && text != c.id[name] && strings.EqualFold(text, c.id[name]) {
			c.harmless(name, "it is written in other letters than %s has", IdentityFile)
		}
	}
}

// checkNamed compares a small file with the checksum that the identity has of it.
func (c *checker) checkNamed(name string) {
	b, err := c.l.limits.readReplaced(c.l.fs, c.l.prefix, name, maxFormer)
	if err != nil && !isNotExist(err) {
		c.fault(name, err)
		return
	}
	if c.id[c.l.prefix+name] == "" && err == nil {
		c.harmless(name, "%s does not name it: another version wrote it, or it was damaged", IdentityFile)
		return
	}
	if err := c.l.damagedBySum(c.id, name, b, err == nil); err != nil {
		c.fault(name, err)
	}
}

// checkBare says that a small file has no checksum, where an identity says that it should.
func (c *checker) checkBare(file string, bare bool) {
	if bare && c.id != nil {
		c.harmless(file, "it bears no checksum: an older version wrote it, or it was damaged")
	}
}

// checkLastPeer checks that it can be read where changesets were exchanged last.
func (c *checker) checkLastPeer() {
	switch _, bare, err := c.r.readLastPeer(); {
	case isDamage(err):
		c.harmless(lastPeerFile, "%v", reason(err))
	case err != nil:
		c.fault(lastPeerFile, err)
	default:
		c.checkBare(lastPeerFile, bare)
	}
}
