package sync

import (
	"prophet/changeset"
	"prophet/replica"
)

// lackMark notes what the mark of the mirror, if it is to have one, has to be made to say. It is there before replica-version, if only empty, and
// names the last rows once all numbers are written. While an index is written anew it names none: readers look at the rows themselves.
func (p *publisher) lackMark() error {
	b, err := p.readOurs(replica.MirrorMark, 4096)
	if err != nil {
		return err
	}
	if b == nil {
		if ours, err := p.from.Ours(); !ours || err != nil {
			return err
		}
	}
	mark, err := p.mark()
	if err != nil {
		return err
	}
	if err := p.lackIdentity(); err != nil {
		return err
	}
	if b == nil || len(b) > 0 && (p.main.anew || p.votes.anew) {
		p.begin = append([]text{{replica.MirrorMark, ""}}, p.begin...)
	}
	if string(b) != mark.String() || p.main.anew || p.votes.anew {
		p.end = append(p.end, text{replica.MirrorMark, mark.String()})
	}
	return nil
}

// lackIdentity notes that the mirror lacks the identity of the replica that it is of.
func (p *publisher) lackIdentity() error {
	is := p.from.IdentityOfMirror()
	b, err := p.readOurs(replica.IdentityFile, 4096)
	if err == nil && string(b) != is {
		p.end = append(p.end, text{replica.IdentityFile, is})
	}
	return err
}

// mark returns the mark of a mirror that has all that the replica has.
func (p *publisher) mark() (m replica.Mark, err error) {
	for _, l := range []struct {
		log *replica.Log
		row *changeset.Row
	}{{p.main.Log, &m.Changesets}, {p.reps.Log, &m.Representations}, {p.votes.Log, &m.Resolutions}} {
		if l.log.Latest() == 0 {
			continue
		}
		if *l.row, err = l.log.Row(l.log.Latest()); err != nil {
			return m, err
		}
	}
	return m, nil
}
