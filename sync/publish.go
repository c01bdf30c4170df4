package sync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/replica"
)

// mirrorLock keeps two publishers apart. It lies where v1 never looks.
const mirrorLock = "prophet/lock"

// PublishOptions of a publication. The zero value serves.
type PublishOptions struct {
	Flat     bool                  // the replica at the root itself, and no MirrorFile
	Check    bool                  // look at all that the mirror must have, and write again what is missing or damaged
	Progress func(done, total int) // is told how many of the new changesets were written
	Wait     time.Duration         // how long to wait for another publisher at most; 0: as long as it takes; less: not at all
	Warn     func(string)          // is told that changesets are lost, which the mirror lacks then
	Waiting  func(who string)      // is called once when another publisher makes us wait for more than a second, with who that is
	NoTree   bool                  // no v1 tree, only packs and their head
	NoPacks  bool                  // no packs and no head, only the v1 tree; a head that is there stays as it is
	InHead   int                   // of the newest changesets of a log, how many bytes of frames stand in the head at most; 0: 16 kB, less: none
	Prune    bool                  // remove at once all packs that newer ones have superseded
	Now      func() time.Time      // the clock, for the day since when a pack is superseded; nil: the system's
}

func (o PublishOptions) patience() durable.Patience {
	return durable.Patience{Most: o.Wait, Waiting: o.Waiting}
}

// Published says what a publication wrote.
type Published struct {
	Path        string // of the replica within the mirror: the UUID of the database, or "." if flat
	Changesets  int    // that the mirror had not, bookkeeping included
	Bookkeeping int    // how many of these are bookkeeping, which no pull brings
	Votes       int    // changesets of the resolutions that it had not
	Records     int    // whose present version was written
	Removed     int    // deleted ones that it listed
	Restored    int    // files that it should have had and that were missing or damaged; 0 unless they were looked at
	Cleared     int    // files that were removed because publications that were killed had left them; 0 unless they were looked for
	Latest      uint32 // rows in the log of the mirror
	Wrote       bool   // false: it had everything, and nothing was written
	Withheld    int    // changesets that do not come to who reads there, see [Withheld]; not counted, and 0, where the mirror had everything and was not checked
}

// Publish brings a mirror up to date with the replica: static files that any web server can serve, and that any client of
// the original can read. dest is the directory of the mirror, which need not exist; it may hold the mirrors of other databases, and other files.
// The state is that of the moment, not that at which from was opened.
//
// Only what is new since the mirror's own latest-sequence-no is written, and if nothing is, nothing at all. The order serves readers in the middle,
// who see the old state or the new: objects, record indexes, changesets.idx, the list of representations, the digests,
// resolutions/latest-sequence-no, latest-sequence-no, the number of representations. In a new mirror replica-version comes after these. Then the
// mark, and in a new mirror the MirrorFile last. A publication that was cut off is made good by the next. Objects that no record shows any longer
// stay, for those readers.
//
// Beside the v1 tree are packs and their head, from which a client of ours clones in a few requests: docs/adr/0019-wire.md. The packs are written before everything that refers to what is in them, the
// head after it.
//
// With opts.Check every file that the mirror should have is compared with what it must hold, byte by byte, and written again if it differs; objects that no record shows any longer are
// removed where their bytes are not those that name them. That costs what publishing everything costs, but for the writing.
//
// The record indexes of from are not believed: each must have a version of the last row that touches its record. Where one is missing or damaged, the error
// wraps a [replica.DamageError] of from, and nothing refers to what was written.
//
// Where something is lost, all that came to the log after the first lost edit is read, to tell how many changesets do not come to readers: that costs what the history after it is long, also when nothing waits for what is
// lost any longer. It is read before anything is written: what of it is damaged fails the publication, be it on the mirror already.
//
// A mirror of the replica under a former UUID gets its index anew, and then the new UUID. A mirror of another replica, or one that has edits that are
// not here, is refused; nothing is written to it.
func Publish(ctx context.Context, from *replica.Replica, dest afero.Fs, opts PublishOptions) (*Published, error) {
	p := newPublisher(from, dest, opts)
	if err := p.publish(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return &p.report, nil
}

func newPublisher(from *replica.Replica, dest afero.Fs, opts PublishOptions) *publisher {
	p := &publisher{from: from, dest: dest, tree: dest, opts: opts, report: Published{Path: "."}}
	if !opts.Flat {
		p.report.Path = from.Database().String()
		p.tree = afero.NewBasePathFs(dest, p.report.Path)
	}
	p.disk = p.tree
	return p
}

// warn says something once: the replica may be opened again.
func (p *publisher) warn(s string) {
	if p.opts.Warn != nil && !slices.Contains(p.said, s) {
		p.said = append(p.said, s)
		p.opts.Warn(s)
	}
}

// publisher is a publication under way.
type publisher struct {
	from       *replica.Replica
	dest, disk afero.Fs // the mirror, and where the replica's files are in it
	tree       afero.Fs // what of these is read: with no v1 tree, what the head shows of one
	opts       PublishOptions
	report     Published

	main, votes treeLog
	reps        treeList
	begin, end  []text   // small files that the mirror lacks: those to write before the logs, and after
	lacking     *lacking // the mark, if it is to be another
	digests     []text   // files of digests, and lists of what is lost: between the logs and the numbers that say what of them counts
	back        []backRow
	unlisted    bool // the MirrorFile does not name the database
	fresh       bool // there is nothing yet
	wire        wired
	said        []string

	begun func(ctx context.Context) error // is called when all is written that takes something back, before what is new; nil: by nobody
}

func (p *publisher) publish(ctx context.Context) error {
	if err := p.look(); err != nil || p.upToDate() && !p.opts.Check {
		return err
	}
	if err := makeRoot(p.dest); err != nil {
		return err
	}
	if err := durable.MkdirAll(p.dest, p.report.Path); err != nil {
		return err
	}
	unlock, err := durable.Lock(ctx, p.disk, mirrorLock, p.opts.patience())
	if err != nil {
		return err
	}
	defer unlock()
	if err := p.look(); err != nil || p.upToDate() && !p.opts.Check { // another publisher may have been at work
		return err
	}
	return p.write(ctx)
}

// upToDate reports whether the mirror has everything.
func (p *publisher) upToDate() bool {
	return !p.main.news() && !p.votes.news() && !p.reps.news() && len(p.begin)+len(p.digests)+len(p.end) == 0 && p.lacking == nil && !p.unlisted && !p.wire.news
}

// write brings the mirror up to date, under its lock.
func (p *publisher) write(ctx context.Context) error {
	w, err := newTreeWriter(p.from, p.disk, p.opts.Progress)
	if err != nil {
		return err
	}
	w.check, w.none = p.opts.Check && !p.opts.NoTree, p.opts.NoTree
	p.report.Changesets = int(p.main.Latest() - p.main.have)
	p.report.Votes = int(p.votes.Latest() - p.votes.have)
	w.total = p.report.Changesets + p.report.Votes
	if w.check {
		w.total = int(p.main.Latest() + p.votes.Latest())
	}
	if err := p.countWithheld(); err != nil {
		return err
	}
	if err := p.writeMarks(); err != nil {
		return err
	}
	if err := w.writeTexts(p.begin); err != nil {
		return err
	}
	if p.begun != nil && !p.fresh {
		if err := p.begun(ctx); err != nil {
			return err
		}
	}
	head, err := p.writePacks(ctx)
	if err != nil {
		return err
	}
	for _, l := range []treeLog{p.votes, p.main} {
		if err := w.copyNews(ctx, l); err != nil {
			return err
		}
	}
	if err := p.writeBack(w); err != nil {
		return err
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
	if err := p.writeHead(head, w.texts); err != nil {
		return err
	}
	if err := w.takeDamaged(ctx); err != nil {
		return err
	}
	if err := p.clear(ctx); err != nil {
		return err
	}
	p.report.Records, p.report.Removed, p.report.Bookkeeping = w.records, w.removed, w.books
	p.report.Restored = w.restored + p.mended()
	if p.opts.Check {
		p.report.Restored += p.wire.restored
	}
	p.report.Wrote = !p.upToDate() || p.report.Restored+w.removed > 0
	if p.unlisted {
		return p.list(ctx)
	}
	return nil
}

// list adds the database to the MirrorFile, beside others who add theirs.
func (p *publisher) list(ctx context.Context) error {
	unlock, err := durable.Lock(ctx, p.dest, mirrorLock, p.opts.patience())
	if err != nil {
		return err
	}
	defer unlock()
	index, err := p.readIndexFile()
	if err != nil {
		return err
	}
	if index == nil {
		if index, err = p.listAnew(); err != nil {
			return err
		}
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
