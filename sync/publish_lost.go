package sync

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/wire"
	"prophet/replica"
)

// A replica that has lost changesets can be published and exported all the same: the rows stand in the log there, their objects are missing, and a list says so, as it does in the replica. Readers that know the list pass over
// those rows; programs of the original fail at them.

// backRow is a row that a mirror was published without, and that came back.
type backRow struct {
	log treeLog
	row changeset.Row
}

// loadLost finds out which changesets are lost.
func (l *treeLog) loadLost() error {
	rows, err := l.Lost()
	for _, row := range rows {
		if l.lost == nil {
			l.lost = map[uint32]bool{}
		}
		l.lost[row.Seq] = true
	}
	return err
}

// Withheld returns how many changesets of a replica do not come to who reads a mirror or a copy of it, because of what it has lost, and a warning that says so; that is empty if all come.
// It reads all that came to the log after the first lost edit; nothing if none is lost.
func Withheld(from *replica.Replica) (n int, warning string, err error) {
	defer from.LossIsTold()() // by the warning
	n, _, err = from.Log().Withheld()
	switch {
	case n == 0 || err != nil:
		return n, "", err
	case n == 1:
		return n, fmt.Sprintf("%s has lost a changeset, which does not come to whoever reads there; "+replica.LossRemedies, from.Where(), "it"), nil
	}
	return n, fmt.Sprintf("%s has lost changesets: %d do not come to whoever reads there, those and what builds on them; "+replica.LossRemedies, from.Where(), n, "them"), nil
}

// countWithheld notes how many changesets do not come to who reads the mirror, and says so.
func (p *publisher) countWithheld() error {
	n, warning, err := Withheld(p.from)
	if p.report.Withheld = n; n > 0 {
		p.warn(warning)
	}
	return err
}

// read returns the changeset of a row and its bytes; nil of one that is lost, with what is left of it.
func (l treeLog) read(row changeset.Row) ([]byte, *changeset.Changeset, error) {
	if l.lost[row.Seq] {
		c, err := l.Changeset(row)
		return nil, c, err
	}
	return readOrLeft(l.Log, row)
}

// readOrLeft is read for a row of any log: the list of representations may name an object that the log has lost.
func readOrLeft(l *replica.Log, row changeset.Row) ([]byte, *changeset.Changeset, error) {
	raw, c, err := l.RawChangeset(row)
	if err == nil {
		return raw, c, nil
	}
	if left, lerr := l.Changeset(row); lerr == nil && left.Lost {
		return nil, left, nil
	}
	return nil, nil, err
}

// lostFile is the list of what is lost.
func (l treeLog) lostFile() (text, error) {
	var b []byte
	for _, seq := range slices.Sorted(maps.Keys(l.lost)) {
		row, _, err := l.Left(seq)
		if err != nil {
			return text{}, err
		}
		b = changeset.AppendRow(b, row)
	}
	return text{l.prefix + replica.LostFile, string(b)}, nil
}

// writeLeft writes what is left of the lost changesets.
func (w *treeWriter) writeLeft(l treeLog) error {
	for seq := range l.lost {
		row, raw, err := l.Left(seq)
		if err != nil {
			return err
		}
		if raw == nil {
			continue
		}
		if err := w.put(l.prefix+replica.LeftPath(row.Key), raw); err != nil {
			return err
		}
	}
	return w.flush()
}

// lostThere returns the list of what is lost that the mirror has, and the rows that it names.
func (p *publisher) lostThere(l *treeLog) (list []byte, there map[uint32]bool, err error) {
	list, err = p.readOurs(l.prefix+replica.LostFile, int64(l.Latest())*changeset.RowSize)
	there = map[uint32]bool{}
	for b := list; len(b) >= changeset.RowSize; b = b[changeset.RowSize:] {
		if row, err := changeset.ParseRow(b[:changeset.RowSize]); err == nil {
			there[row.Seq] = true
		}
	}
	return list, there, err
}

// ErrMirrorHas is wrapped by the error of a publication over a mirror that has a changeset which this replica has lost: what is left of it here would take its place there, for readers who have it no more
// than we do. A repair that asks the mirror brings it back.
var ErrMirrorHas = errors.New("is lost here, and the mirror has it")

// refuseHad returns an error where the mirror has a changeset that is lost, in its tree or in its packs.
func (p *publisher) refuseHad(l *treeLog) error {
	if len(l.lost) == 0 {
		return nil
	}
	objects := cas.New(p.tree, l.prefix+"cas/"+changeset.ChangesetObjects)
	packed := p.packedLog(l)
	for _, seq := range slices.Sorted(maps.Keys(l.lost)) {
		row, err := l.Row(seq)
		if err != nil {
			return err
		}
		_, err = objects.Get(row.Key)
		if err != nil && packed != nil && seq <= packed.Latest() {
			if there, rowErr := packed.Row(seq); rowErr == nil && there == row {
				_, _, err = packed.RawChangeset(row)
			}
		}
		if err == nil { // else it has no more of it than we have, whatever is the matter there
			return fmt.Errorf("changeset %s %w", row.ID, ErrMirrorHas)
		}
	}
	return nil
}

// packedLog is a log as the mirror's packs have it; nil if they cannot be read.
func (p *publisher) packedLog(l *treeLog) *replica.Log {
	shown, err := wire.Open(p.disk)
	if err != nil {
		return nil
	}
	packs, err := replica.Open(shown, replica.Options{Mirror: true})
	switch {
	case err != nil:
		return nil
	case l.prefix == "":
		return packs.Log()
	}
	return packs.Resolutions()
}

// lackLost notes what the mirror's list of what is lost has to be made to say, and which changesets it lacks no longer.
func (p *publisher) lackLost(l *treeLog) error {
	old, there, err := p.lostThere(l)
	if err != nil {
		return err
	}
	is, err := l.lostFile()
	if err != nil || string(old) == is.text {
		return err
	}
	p.digests = append(p.digests, is)
	for row, err := range l.Rows(1, l.have) {
		if err != nil {
			return err
		}
		if there[row.Seq] && !l.lost[row.Seq] {
			p.back = append(p.back, backRow{*l, row})
		}
	}
	return nil
}

// writeBack writes the changesets that the mirror lacks no longer.
func (p *publisher) writeBack(w *treeWriter) error {
	w.old, w.awaited = false, nil // later rows of their records went by, or were published before
	for _, l := range []treeLog{p.votes, p.main} {
		if err := w.writeLeft(l); err != nil {
			return err
		}
	}
	for _, b := range p.back {
		if w.none {
			break // its pack was made anew
		}
		if err := w.copyRow(b.log, b.row); err != nil {
			return err
		}
	}
	return w.flush()
}
