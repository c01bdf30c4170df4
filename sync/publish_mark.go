package sync

import (
	"prophet/changeset"
	"prophet/replica"
)

// lackMark notes what the mark of the mirror, if it is to have one, has to be made to say. It is there before replica-version, if only empty, and
// names the last rows once all numbers are written. While an index is written anew it names none, and the state that comes as the first.
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
	old, _ := replica.ParseMark(string(b))
	mark, err := p.mark()
	if err != nil {
		return err
	}
	if err := p.lackIdentity(); err != nil {
		return err
	}
	mark.States = old.States
	anew := p.main.anew || p.votes.anew
	if string(b) != mark.String() || anew || p.opts.Check {
		p.lacking = &lacking{mark: mark, old: string(b), fresh: b == nil, anew: anew}
	}
	return nil
}

// lacking is a mark that the mirror has to get.
type lacking struct {
	mark  replica.Mark // with the states that were published before
	old   string       // its text now
	fresh bool         // there is none
	anew  bool         // an index is written anew
}

// writeMarks adds the mark to what is written before the logs and after. It costs a look at all rows, so it is done once it is known that there is something to
// write.
func (p *publisher) writeMarks() error {
	l := p.lacking
	if l == nil {
		return nil
	}
	p.lacking = nil
	before := l.mark.States[0]
	now, err := p.published(before)
	if err != nil {
		return err
	}
	if before != now {
		copy(l.mark.States[1:], l.mark.States[:replica.MostStates-1])
		l.mark.States[0] = now
	}
	switch {
	case l.fresh:
		p.begin = append([]text{{replica.MirrorMark, ""}}, p.begin...)
	case l.anew && before.IsZero(): // an older version published it: its files are read as they are
		p.begin = append([]text{{replica.MirrorMark, ""}}, p.begin...)
	case l.anew:
		p.begin = append([]text{{replica.MirrorMark, replica.Mark{States: l.mark.States}.String()}}, p.begin...)
	}
	if l.old != l.mark.String() || l.anew {
		p.end = append(p.end, text{replica.MirrorMark, l.mark.String()})
	}
	return nil
}

// published is the state that a mirror has with all that the replica has. What is as it was in the state before needs no look at the rows.
func (p *publisher) published(before replica.Published) (replica.Published, error) {
	s := replica.Published{UUID: p.main.UUID(), Votes: p.votes.UUID()}
	same := before.UUID == s.UUID && before.Votes == s.Votes && !p.opts.Check
	for i, l := range []*replica.Log{replica.PublishedLog: p.main.Log, replica.PublishedList: p.reps.Log, replica.PublishedVotes: p.votes.Log} {
		s.Rows[i] = l.Latest()
		if same && before.Rows[i] == s.Rows[i] {
			s.Sums[i] = before.Sums[i]
			continue
		}
		var err error
		if s.Sums[i], err = replica.RowsSum(l, l.Latest()); err != nil {
			return s, err
		}
	}
	return s, nil
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
