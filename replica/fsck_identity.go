package replica

import "errors"

// checkIdentity compares what the identity names with the files. A replica that only the original, or an earlier version, wrote to has none.
func (c *checker) checkIdentity(votes *checker) {
	id, err := c.l.readIdentity()
	switch {
	case errors.Is(err, errNoIdentity):
		if c.ours {
			c.harmless(IdentityFile, "the file is missing: an earlier version wrote here last, or it was lost; the next edit writes it anew")
		}
		return
	case isDamage(err):
		c.harmless(IdentityFile, "%v; the next edit writes it anew", reason(err))
		return
	case err != nil:
		c.fault(IdentityFile, err)
		return
	}
	for _, d := range id.differing(c.l, votes.l) {
		c.problem(d.Path, "%v", d.Err)
	}
	for _, f := range []struct {
		c    *checker
		name string
	}{{c, formerFile}, {votes, formerFile}, {c, oldIDsFile}} {
		f.c.checkNamed(id, f.name)
	}
}

// checkNamed compares a small file with the checksum that the identity has of it.
func (c *checker) checkNamed(id identity, name string) {
	b, err := c.l.limits.readReplaced(c.l.fs, c.l.prefix, name, maxFormer)
	if err != nil && !isNotExist(err) {
		c.fault(name, err)
		return
	}
	if id[c.l.prefix+name] == "" && err == nil {
		c.harmless(name, "%s does not name it: another version wrote it, or it was damaged", IdentityFile)
		return
	}
	if err := c.l.damagedBySum(id, name, b, err == nil); err != nil {
		c.fault(name, err)
	}
}
