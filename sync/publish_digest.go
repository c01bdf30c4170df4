package sync

import (
	"bytes"

	"prophet/replica"
)

// mostDigests bounds what is read of a mirror's file of digests, in bytes; it has one entry.
const mostDigests = 4096

// lackDigest notes that the mirror lacks the digest of what is published, where the replica has it noted: to compute it would take reading every record.
// A reader in the middle of a publication finds an entry that is not of what it sees, which is none.
func (p *publisher) lackDigest(l *treeLog) error {
	entry, err := l.DigestEntry()
	if err != nil {
		return err
	}
	name := l.prefix + replica.DigestsFile
	old, err := p.readOurs(name, mostDigests)
	if err != nil {
		return err
	}
	if entry != nil && !bytes.Equal(old, entry) {
		p.digests = append(p.digests, text{name, string(entry)})
	}
	return nil
}
