package sync

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
)

// look finds out what the mirror has and what it lacks, and whether it is one to write to.
func (p *publisher) look() error {
	if err := p.checkPlace(); err != nil {
		return err
	}
	if err := p.lookForTree(); err != nil {
		return err
	}
	state := map[string]mirrored{}
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		m, err := p.readMirrored(prefix)
		if err != nil {
			return err
		}
		state[prefix] = m
	}
	if err := p.readHead(); err != nil {
		return err
	}
	// The replica is read after the mirror, so that it is never behind one that another publisher writes at this moment.
	from, err := replica.Open(p.from.FS(), replica.Options{Where: p.from.Where(), Warn: p.warn})
	if err != nil {
		return err
	}
	from.LossIsTold() // by the report, for as long as the publication has it open
	p.from, p.begin, p.lacking, p.digests, p.end = from, nil, nil, nil, nil
	p.report.Latest = from.Latest()
	p.fresh = state[""].empty()
	if p.main, p.votes, err = logs(from); err != nil {
		return err
	}
	p.back = nil
	for _, l := range []*treeLog{&p.main, &p.votes} {
		if err := l.isOf(state[l.prefix]); err != nil {
			return err
		}
	}
	if err := p.lookAtList(); err != nil {
		return err
	}
	for _, l := range []*treeLog{&p.votes, &p.main} {
		if err := p.follows(l, state[l.prefix]); err != nil {
			return err
		}
		p.lack(l, state[l.prefix])
		if err := p.refuseHad(l); err != nil {
			return err
		}
		if err := p.lackLost(l); err != nil {
			return err
		}
		if err := p.lackDigest(l); err != nil {
			return err
		}
	}
	if err := p.lookForMarks(); err != nil {
		return err
	}
	return p.lookAtHead()
}

// lookAtList finds out how much of the list of representations the mirror has, and refuses what is not an earlier state of it.
func (p *publisher) lookAtList() error {
	list, err := p.from.Representations()
	if err != nil {
		return err
	}
	p.reps = treeList{Log: list}
	if p.opts.Check {
		return p.lookAtUnsureList()
	}
	b, err := readAtMost(p.tree, replica.LatestRepresentationFile, 4096)
	if err != nil || b == nil {
		return err
	}
	if p.main.anew { // the names in it are the old ones: nobody shall read them beside the new log
		p.begin = append(p.begin, text{replica.LatestRepresentationFile, "0"})
	}
	if p.main.anew || strings.TrimSpace(string(b)) == "0" {
		return nil
	}
	if p.reps.have, err = changeset.ParseSeq(strings.TrimSpace(string(b))); err != nil {
		return inMirror(&replica.DamageError{Path: replica.LatestRepresentationFile, Err: err})
	}
	theirs, err := readRow(p.tree, replica.RepresentationsFile, p.reps.have)
	if err != nil {
		return err
	}
	if p.reps.have <= list.Latest() {
		mine, err := list.Row(p.reps.have)
		if err != nil || mine == theirs {
			return err
		}
	}
	return p.otherList(p.reps.have)
}

// otherList is why a list of representations is refused.
func (p *publisher) otherList(row uint32) error {
	return fmt.Errorf("row %d of %s in the mirror is not one of this replica: one of the two was restored or copied; publish to another directory",
		row, replica.RepresentationsFile)
}

// ErrFlatThere is wrapped by the error of a publication of a mirror of databases to where a replica, an exported copy or a flat mirror lies.
var ErrFlatThere = errors.New("the directory is itself a replica or a flat mirror")

// checkPlace refuses a directory where readers would not find the mirror, and a replica that people work in.
func (p *publisher) checkPlace() error {
	above := changeset.ReplicaVersionFile
	err := fmt.Errorf("%w; readers would find that and not a mirror below it", ErrFlatThere)
	if p.opts.Flat {
		above, err = MirrorFile, errors.New("the directory is a mirror of databases, each in a directory of its own; a flat one would hide them")
	}
	ok, lookErr := exists(p.dest, above)
	if !ok && lookErr == nil && !p.opts.Flat {
		ok, lookErr = flatHead(p.dest)
	}
	if ok || lookErr != nil {
		return cmp.Or(lookErr, err)
	}
	for _, name := range []string{"prophet/rows", "local_metadata", "userdata/local-id-cache"} {
		if ok, err := exists(p.disk, name); err != nil {
			return err
		} else if ok {
			return fmt.Errorf("the directory holds %s: it is a replica that is worked in, not a mirror", name)
		}
	}
	return nil
}

// mirrored is what a mirror has of one log.
type mirrored struct {
	texts map[string]string // small files by name; missing ones are ""
	have  uint32
	last  changeset.Row // row have

	unsure bool            // it may be damaged: last is not read, but
	rows   []changeset.Row // all that are sound
}

// empty reports whether nothing is there.
func (m mirrored) empty() bool {
	for _, text := range m.texts {
		if text != "" {
			return false
		}
	}
	return m.have == 0
}

func (p *publisher) readMirrored(prefix string) (mirrored, error) {
	if p.opts.Check {
		return readUnsure(p.tree, prefix)
	}
	m, err := readMirrored(p.tree, prefix)
	return m, inMirror(err)
}

func readMirrored(tree afero.Fs, prefix string) (mirrored, error) {
	m := mirrored{texts: map[string]string{}}
	for _, name := range []string{changeset.ReplicaUUIDFile, changeset.DatabaseUUIDFile, changeset.ReplicaVersionFile, changeset.LatestFile} {
		b, err := readAtMost(tree, prefix+name, 4096)
		if err != nil {
			return m, err
		}
		m.texts[prefix+name] = strings.TrimSpace(string(b))
	}
	if text := m.texts[prefix+changeset.LatestFile]; text != "" && text != "0" {
		var err error
		if m.have, err = changeset.ParseSeq(text); err != nil {
			return m, &replica.DamageError{Path: prefix + changeset.LatestFile, Err: err}
		}
		m.last, err = readRow(tree, prefix+changeset.IndexFile, m.have)
		return m, err
	}
	return m, nil
}

// readRow reads one row of an index.
func readRow(fsys afero.Fs, name string, seq uint32) (changeset.Row, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return changeset.Row{}, err
	}
	defer f.Close()
	b := make([]byte, changeset.RowSize)
	if n, err := f.ReadAt(b, int64(seq-1)*changeset.RowSize); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("it ends before row %d", seq)
		}
		return changeset.Row{}, &replica.DamageError{Path: name, Err: err}
	}
	row, err := changeset.ParseRow(b)
	if err != nil {
		err = &replica.DamageError{Path: name, Err: err}
	}
	return row, err
}

// isOf refuses what is not of the same replica, under whichever of its names.
func (l *treeLog) isOf(m mirrored) error {
	if version := m.texts[l.versionFile().name]; version != "" && version != formatVersion {
		return fmt.Errorf("the mirror has replica format %.20q; this program writes mirrors of format %s", version, formatVersion)
	}
	if err := same(m.texts[l.prefix+changeset.DatabaseUUIDFile], l.Database(), ErrOtherDatabase); err != nil {
		return err
	}
	there := m.texts[l.prefix+changeset.ReplicaUUIDFile]
	former, err := l.Former()
	if err != nil {
		return err
	}
	l.anew = slices.ContainsFunc(former, func(u uuid.UUID) bool { return strings.EqualFold(there, u.String()) })
	if l.anew {
		return nil
	}
	return same(there, l.UUID(), ErrOtherReplica)
}

// follows refuses what is not an earlier state of the log, and notes how much of it is there.
func (p *publisher) follows(l *treeLog, m mirrored) error {
	index := l.prefix + changeset.IndexFile
	if l.anew && m.have > 0 {
		return p.followsAnew(l, m)
	}
	if m.unsure {
		return p.followsUnsure(l, m)
	}
	if m.have > l.Latest() {
		return fmt.Errorf("the mirror has %d rows in %s, this replica %d: %w", m.have, index, l.Latest(), ErrMirrorAhead)
	}
	l.have = m.have
	mine, theirs, err := p.firstOther(l, m)
	if err != nil {
		return err
	}
	if mine == theirs {
		return p.lastIsThere(l, m)
	}
	if mine.ID != theirs.ID {
		return fmt.Errorf("row %d of %s is changeset %s in the mirror and %s here: %w", mine.Seq, index, theirs.ID, mine.ID, ErrMirrorAhead)
	}
	same, err := p.sameEdit(l, theirs, mine)
	switch {
	case err != nil:
		return err
	case same:
		return fmt.Errorf("row %d of %s is changeset %s in the mirror too, but with other bytes: another program exported it; publish to another directory",
			mine.Seq, index, mine.ID)
	}
	return fmt.Errorf("row %d of %s, changeset %s, is one edit in the mirror and another one here: %w", mine.Seq, index, mine.ID, ErrMirrorAhead)
}

// lastIsThere refuses a mirror that lacks the changeset of its last row. More is not looked at, because that is to cost nothing.
func (p *publisher) lastIsThere(l *treeLog, m mirrored) error {
	if m.have == 0 || l.lost[m.have] || p.opts.NoTree {
		return nil
	}
	if _, there, err := p.lostThere(l); err != nil || there[m.last.Seq] {
		return err
	}
	name := l.prefix + changeset.ObjectPath(changeset.ChangesetObjects, m.last.Key)
	ok, err := exists(p.tree, name)
	if err == nil && !ok {
		err = &MirrorError{fmt.Errorf("the mirror lacks %s, and perhaps more", name)}
	}
	return err
}

// firstOther returns the first row in which a mirror differs from the log, as it is here and there; equal ones if there is none. With nothing new,
// which is to cost nothing, or no tree, only the last row is looked at; else the index is written as a whole anyway.
func (p *publisher) firstOther(l *treeLog, m mirrored) (mine, theirs changeset.Row, err error) {
	if m.have == 0 {
		return mine, theirs, nil
	}
	if mine, err = l.Row(m.have); err != nil || !l.news() || p.opts.NoTree || mine.ID != m.last.ID {
		return mine, m.last, err
	}
	there, err := p.mirroredRows(l, m)
	if err != nil {
		return mine, theirs, err
	}
	for row, err := range l.Rows(1, m.have) {
		if err != nil {
			return row, theirs, err
		}
		if theirs = there[row.Seq-1]; theirs != row {
			return row, theirs, nil
		}
	}
	return mine, m.last, nil
}

// ErrMirrorAhead is wrapped by the error of a publication over a mirror that has this replica's UUID, or a former one, and changesets that are not here. Pull
// from it and publish again, or publish to another directory.
var ErrMirrorAhead = errors.New("this replica was copied or restored from a backup, and the mirror has changesets that are not here")

// same refuses the mirror of another; an empty text is that of a new one.
func same(text string, want uuid.UUID, other error) error {
	if text == "" || strings.EqualFold(text, want.String()) {
		return nil
	}
	return fmt.Errorf("there is a mirror of %w already: %.50q, not %s", other, text, want)
}

// ErrOtherReplica is wrapped by the error of a publication over the mirror of another replica of the database: publish to another directory.
var ErrOtherReplica = errors.New("another replica")

// lack notes which small files a mirror lacks. A file that readers look at first is written last.
func (p *publisher) lack(l *treeLog, m mirrored) {
	for _, f := range l.identity() {
		if m.texts[f.name] == "" {
			p.begin = append(p.begin, f)
		}
	}
	if l.anew { // once the index has the new names
		p.end = append(p.end, l.identity()[0])
	}
	if l.news() || m.texts[l.latestFile().name] == "" {
		p.end = append(p.end, l.latestFile())
	}
	if l.prefix == "" && (p.reps.news() || p.reps.misnumbered) {
		p.end = append(p.end, p.reps.numberFile())
	}
	if m.texts[l.versionFile().name] == "" {
		p.end = append(p.end, l.versionFile())
	}
}

// lookForMarks notes whether the mirror says that it is one of ours, and whether the MirrorFile names it.
func (p *publisher) lookForMarks() error {
	if err := p.lackMark(); err != nil || p.opts.Flat {
		return err
	}
	index, err := p.readIndexFile()
	p.unlisted = index == nil || !index.has(p.from.Database())
	return err
}
