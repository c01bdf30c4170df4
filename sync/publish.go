package sync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
)

// mirrorLock keeps two publishers apart. It lies where v1 never looks.
const mirrorLock = "prophet/lock"

// PublishOptions of a publication. The zero value serves.
type PublishOptions struct {
	Flat     bool                  // the replica at the root itself, and no MirrorFile
	Progress func(done, total int) // is told how many of the new changesets were written
	Waiting  func()                // is called once when another publisher makes us wait for more than a second
}

// Published says what a publication wrote.
type Published struct {
	Path       string // of the replica within the mirror: the UUID of the database, or "." if flat
	Changesets int    // that the mirror had not
	Votes      int    // changesets of the resolutions that it had not
	Records    int    // whose present version was written
	Removed    int    // deleted ones that it listed
	Latest     uint32 // rows in the log of the mirror
	Wrote      bool   // false: it had everything, and nothing was written
}

// Publish brings a mirror up to date with the replica: static files that any web server can serve, and that any client of
// the original can read. dest is the directory of the mirror, which need not exist; it may hold the mirrors of other databases, and other files.
// The state is that of the moment, not that at which from was opened.
//
// Only what is new since the mirror's own latest-sequence-no is written, and if nothing is, nothing at all. The order serves readers in the middle, who see the old state or the new:
// objects, record indexes, changesets.idx, the list of representations, the digests, resolutions/latest-sequence-no, latest-sequence-no, the number of
// representations. In a new mirror replica-version comes after these, and the
// MirrorFile last. A publication that was cut off is made good by the next. Objects that no record shows any longer stay, for those readers.
//
// A mirror of the replica under a former UUID gets its index anew, and then the new UUID. A mirror of another replica, or one whose last row is not ours, is refused; nothing is written to it.
func Publish(ctx context.Context, from *replica.Replica, dest afero.Fs, opts PublishOptions) (*Published, error) {
	p := &publisher{from: from, dest: dest, tree: dest, opts: opts, report: Published{Path: "."}}
	if !opts.Flat {
		p.report.Path = from.Database().String()
		p.tree = afero.NewBasePathFs(dest, p.report.Path)
	}
	if err := p.publish(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return &p.report, nil
}

// publisher is a publication under way.
type publisher struct {
	from       *replica.Replica
	dest, tree afero.Fs // the mirror, and where the replica's files are in it
	opts       PublishOptions
	report     Published

	main, votes treeLog
	reps        treeList
	begin, end  []text // small files that the mirror lacks: those to write before the logs, and after
	digests     []text // files of digests: between the logs and the numbers that say what of them counts
	unlisted    bool   // the MirrorFile does not name the database
}

func (p *publisher) publish(ctx context.Context) error {
	if err := p.look(); err != nil || p.upToDate() {
		return err
	}
	if err := makeRoot(p.dest); err != nil {
		return err
	}
	if err := durable.MkdirAll(p.dest, p.report.Path); err != nil {
		return err
	}
	unlock, err := durable.Lock(ctx, p.tree, mirrorLock, p.opts.Waiting)
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.look(); err != nil || p.upToDate() { // another publisher may have been at work
		return err
	}
	return p.write(ctx)
}

// upToDate reports whether the mirror has everything.
func (p *publisher) upToDate() bool {
	return !p.main.news() && !p.votes.news() && !p.reps.news() && len(p.begin)+len(p.digests)+len(p.end) == 0 && !p.unlisted
}

// look finds out what the mirror has and what it lacks, and whether it is one to write to.
func (p *publisher) look() error {
	if err := p.checkPlace(); err != nil {
		return err
	}
	state := map[string]mirrored{}
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		m, err := readMirrored(p.tree, prefix)
		if err != nil {
			return err
		}
		state[prefix] = m
	}
	// The replica is read after the mirror, so that it is never behind one that another publisher writes at this moment.
	from, err := replica.Open(p.from.FS(), replica.Options{Where: p.from.Where()})
	if err != nil {
		return err
	}
	p.from, p.begin, p.digests, p.end = from, nil, nil, nil
	p.report.Latest = from.Latest()
	p.main, p.votes = logs(from)
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
		if err := p.lackDigest(l); err != nil {
			return err
		}
	}
	return p.lookForMarks()
}

// lookAtList finds out how much of the list of representations the mirror has, and refuses what is not an earlier state of it.
func (p *publisher) lookAtList() error {
	list, err := p.from.Representations()
	if err != nil {
		return err
	}
	p.reps = treeList{Log: list}
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
		return &replica.DamageError{Path: replica.LatestRepresentationFile, Err: err}
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
	return fmt.Errorf("row %d of %s in the mirror is not one of this replica: one of the two was restored or copied; publish to another directory",
		p.reps.have, replica.RepresentationsFile)
}

// checkPlace refuses a directory where readers would not find the mirror, and a replica that people work in.
func (p *publisher) checkPlace() error {
	above := changeset.ReplicaVersionFile
	fault := "the directory is itself a replica or a flat mirror; readers would find that and not a mirror below it"
	if p.opts.Flat {
		above, fault = MirrorFile, "the directory is a mirror of databases, each in a directory of its own; a flat one would hide them"
	}
	if ok, err := exists(p.dest, above); err != nil {
		return err
	} else if ok {
		return errors.New(fault)
	}
	for _, name := range []string{"prophet/rows", "local_metadata", "userdata/local-id-cache"} {
		if ok, err := exists(p.tree, name); err != nil {
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
		return &replica.VersionError{Where: "the mirror", Version: version}
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
	return same(there, l.UUID(), errOtherReplica)
}

// follows refuses what is not an earlier state of the log, and notes how much of it is there.
func (p *publisher) follows(l *treeLog, m mirrored) error {
	index := l.prefix + changeset.IndexFile
	if m.have > l.Latest() {
		return fmt.Errorf("the mirror has %d rows in %s, this replica %d: it was made from a later state; publish to another directory",
			m.have, index, l.Latest())
	}
	l.have = m.have
	if m.have == 0 {
		return nil
	}
	mine, err := l.Row(m.have)
	if err != nil {
		return err
	}
	if l.anew {
		same, err := p.sameButName(l, m, mine)
		if same || err != nil {
			l.have = 0
			return err
		}
	}
	if mine.ID == m.last.ID && mine != m.last {
		return fmt.Errorf("row %d of %s is changeset %s in the mirror too, but with other bytes: another program exported it; publish to another directory",
			m.have, index, mine.ID)
	}
	if mine != m.last {
		return fmt.Errorf("row %d of %s is changeset %s in the mirror and %s here: one of the two was restored or copied; publish to another directory",
			m.have, index, m.last.ID, mine.ID)
	}
	return nil
}

// same refuses the mirror of another; an empty text is that of a new one.
func same(text string, want uuid.UUID, other error) error {
	if text == "" || strings.EqualFold(text, want.String()) {
		return nil
	}
	return fmt.Errorf("there is a mirror of %w already: %.50q, not %s; publish to another directory", other, text, want)
}

var errOtherReplica = errors.New("another replica")

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
	if l.prefix == "" && p.reps.news() {
		p.end = append(p.end, p.reps.numberFile())
	}
	if m.texts[l.versionFile().name] == "" {
		p.end = append(p.end, l.versionFile())
	}
}

// lookForMarks notes whether the mirror says that it is one of ours, and whether the MirrorFile names it.
func (p *publisher) lookForMarks() error {
	marked, err := exists(p.tree, replica.MirrorMark)
	if err != nil {
		return err
	}
	if !marked && p.from.Ours() {
		p.begin = append(p.begin, text{replica.MirrorMark, ""})
	}
	if p.opts.Flat {
		return nil
	}
	index, err := readMirrorIndex(p.dest)
	p.unlisted = index == nil || !index.has(p.from.Database())
	return err
}

// write brings the mirror up to date, under its lock.
func (p *publisher) write(ctx context.Context) error {
	w := newTreeWriter(p.tree, p.opts.Progress)
	p.report.Changesets = int(p.main.Latest() - p.main.have)
	p.report.Votes = int(p.votes.Latest() - p.votes.have)
	w.total = p.report.Changesets + p.report.Votes
	if err := w.writeTexts(p.begin); err != nil {
		return err
	}
	for _, l := range []treeLog{p.votes, p.main} {
		if err := w.copyNews(ctx, l); err != nil {
			return err
		}
	}
	for _, l := range []treeLog{p.votes, p.main} {
		if err := w.writeIndex(l, p.from); err != nil {
			return err
		}
	}
	if err := w.copyList(ctx, p.reps); err != nil {
		return err
	}
	if err := w.writeTexts(append(p.digests, p.end...)); err != nil {
		return err
	}
	p.report.Records, p.report.Removed = w.records, w.removed
	p.report.Wrote = true
	if p.unlisted {
		return p.list(ctx)
	}
	return nil
}

// list adds the database to the MirrorFile, beside others who add theirs.
func (p *publisher) list(ctx context.Context) error {
	unlock, err := durable.Lock(ctx, p.dest, mirrorLock, p.opts.Waiting)
	if err != nil {
		return err
	}
	defer unlock()
	index, err := readMirrorIndex(p.dest)
	if err != nil {
		return err
	}
	if index == nil {
		index = &mirrorIndex{}
	}
	if !index.has(p.from.Database()) {
		index.add(p.from.Database())
	}
	return durable.WriteFile(p.dest, MirrorFile, index.encode())
}

func exists(fsys afero.Fs, name string) (bool, error) {
	_, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
