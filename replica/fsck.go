package replica

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
)

// Problem is something that fsck found.
type Problem struct {
	Path     string // within the replica
	Text     string
	Alike    string // of what there may be much of: the same of several, with a %d for how many; else ""
	Harmless bool   // the next writer mends it, or it is only there for nothing
	ByHand   bool   // a repair leaves it, and somebody has to do what the text says: something lies in the place of a file or a directory that a writer needs, or it wraps [ErrCutOff]
	Votes    bool   // all votes are lost, and nothing says how many there were; Path ends with LostFile
	Part     bool   // a part is damaged or missing, so that nothing was checked but the parts and what follows from no part
	Unread   bool   // somebody may not read the file, the disk fails, too many files are open, or a web server does not send it: nothing is known to be damaged, and there is nothing to repair
	Why      error  // of one that is Unread: what kept it from being read; of a mirror that nothing names: what opening it fails with; else nil
	Loss     *Loss  // what is lost, and what waits for it, where this is about that; else nil
}

// Check reads all of a replica and reports what is wrong: every hash, row, length and reference, the state that replaying the log gives, the merged state,
// and our own notes. It changes nothing. The error is for what kept it from looking.
// progress is told how many rows of the logs were checked; it may be nil.
func Check(ctx context.Context, fsys afero.Fs, opts Options, report func(Problem), progress func(done, total int)) error {
	if opts.Mirror { // it lists no directories
		return checkAll(ctx, fsys, opts, report, progress)
	}
	rest, report, end := WithoutMisplaced(fsys, nil, report)
	err := checkAll(ctx, rest, opts, report, progress)
	end()
	return err
}

// checkAll is Check of files that lie where they belong.
func checkAll(ctx context.Context, fsys afero.Fs, opts Options, report func(Problem), progress func(done, total int)) error {
	if !opts.Mirror && !checkReadable(fsys, report) {
		return nil
	}
	sound, err := checkSmallFiles(fsys, report)
	if err != nil || !sound {
		return err
	}
	opts.Uncounted = true
	r, err := Open(fsys, opts)
	var damage *DamageError
	if errors.As(err, &damage) {
		report(Problem{Path: damage.Path, Text: damage.Err.Error(), ByHand: errors.Is(damage, ErrCutOff)})
		return nil
	}
	if err != nil {
		return err
	}
	sound, err = r.checkParts(ctx, report)
	if err != nil {
		return err
	}
	c, err := newCheck(ctx, r, report, progress)
	if err != nil {
		return err
	}
	if !sound {
		return c.beside()
	}
	if r.halted {
		report(Problem{Path: durable.Journal, Harmless: true,
			Text: "a commit was cut off, and another program wrote since; the next edit finishes it or takes it back, and keeps what that wrote"})
	}
	err = c.run()
	if err == nil && len(c.seen) == 0 || ctx.Err() != nil {
		return err
	}
	if renamed, lookErr := r.Renamed(); renamed && lookErr == nil { // what was found is of two states
		return fmt.Errorf("%s got another UUID while it was checked: check it again", r.where())
	}
	return err
}

// check is a look at both logs of a replica.
type check struct {
	main, votes *checker
	report      func(Problem)
	progress    func(done, total int)
	seen        map[Problem]bool // what was reported
	done        int              // rows, of all rounds
	round       int              // of the present one
}

func newCheck(ctx context.Context, r *Replica, report func(Problem), progress func(done, total int)) (*check, error) {
	exported, err := r.looksExported()
	if err != nil {
		return nil, err
	}
	ours := false
	if !r.opts.Mirror {
		ours, err = r.log.takenOver()
	}
	c := &check{report: report, progress: progress, seen: map[Problem]bool{}}
	c.main = newChecker(ctx, r, r.log, exported, c.once)
	c.votes = newChecker(ctx, r, r.votes, exported, c.once)
	for _, log := range []*checker{c.main, c.votes} {
		log.step, log.advance = c.step, func(part, of int) { c.advance(log.l.latest, part, of) }
	}
	c.main.ours, c.votes.ours = ours, ours
	return c, err
}

// run checks the decisions first: the merge counts them.
func (c *check) run() error {
	if votes, main := c.votes.checkShort(), c.main.checkShort(); votes || main {
		return nil
	}
	for _, log := range []*checker{c.votes, c.main} {
		if err := log.checkRowsAndNotes(); err != nil {
			return err
		}
	}
	c.checkIdentity()
	if err := c.main.checkRepresentations(); err != nil {
		return err
	}
	c.main.checkMark()
	c.main.checkMirrorMark()
	if !c.main.r.opts.Mirror {
		c.checkPlaces()
		c.checkBeside()
	}
	failed := c.noteInMemory()
	c.votes.tellLost()
	c.main.tellLost()
	settled := !c.main.ours || c.votes.noted >= c.votes.l.latest && !c.main.settingsNew
	for _, log := range []*checker{c.votes, c.main} {
		log.mergeable, log.settled = failed == nil, settled
		if err := log.checkRecordsAndObjects(); err != nil {
			return err
		}
	}
	for _, log := range []*checker{c.votes, c.main} {
		if log.torn && !log.ours {
			log.problem(changeset.LatestFile, "the files are of different moments, as when a tree is copied while somebody writes there; if it is a copy, make it again")
		}
	}
	if failed != nil && len(c.seen) == 0 {
		c.report(Problem{Path: rowsFile, Text: failed.Error()})
	}
	return nil
}

// beside checks, where parts are damaged, what follows from no part: the small files, and the bytes of the loose objects.
func (c *check) beside() error {
	c.checkIdentity()
	if c.main.r.opts.Mirror {
		return nil
	}
	c.checkPlaces()
	c.main.checkLastPeer()
	for _, log := range []*checker{c.votes, c.main} {
		log.checkTempsAndLinks()
		log.checkPeers()
		for i, store := range []*cas.Store{log.l.objects, log.l.versions} {
			if err := log.checkObjects(store, log.good[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBeside checks the files that a web server does not show, or that nobody asks it for.
func (c *check) checkBeside() {
	c.main.checkLastPeer()
	c.main.checkAtRest()
	c.main.checkOldIDs()
	for _, log := range []*checker{c.votes, c.main} {
		log.checkTempsAndLinks()
		log.checkRowsThere()
		log.checkPeers()
		log.checkV1Marks()
	}
}

// noteInMemory makes notes, in memory, on rows that another program wrote into a replica of ours: the merge needs them.
func (c *check) noteInMemory() error {
	if !c.main.ours {
		return nil
	}
	_, err := c.main.r.ours()
	return err
}

// rounds is how often a check goes over a log: its rows, the records that they touch, the objects of changesets and those of records.
const rounds = 4

// step tells that a row was checked.
func (c *check) step() {
	c.done++
	c.tell()
}

// advance tells how far a round over a log of so many rows came.
func (c *check) advance(rows uint32, part, of int) {
	share := int(int64(rows) * int64(part) / int64(of))
	if share < c.round {
		c.round = 0 // another one began
	}
	c.done += share - c.round
	c.round = share
	c.tell()
}

func (c *check) tell() {
	total := rounds * (int(c.main.l.latest) + int(c.votes.l.latest))
	if c.progress != nil && total > 0 {
		c.progress(min(c.done, total), total)
	}
}

// mostSeen bounds what is kept of the problems: of more, some may be told twice.
const mostSeen = 10_000

// once leaves out what was reported before, such as an object that is met both by its row and in its directory.
func (c *check) once(p Problem) {
	same := p
	same.Why = nil // it says also on what occasion the file was read
	if c.seen[same] {
		return
	}
	if len(c.seen) < mostSeen {
		c.seen[same] = true
	}
	c.report(p)
}

// checker checks one log.
type checker struct {
	ctx     context.Context
	r       *Replica
	l       *Log
	report  func(Problem)
	step    func()
	advance func(part, of int) // tells how far a round over what the rows brought came

	named       *parcels              // which changesets the rows name
	touches     *parcels              // what they do to which records
	good        [2]*parcels           // the keys of changesets and of versions whose bytes are right, a part for each first byte
	entry       []byte                // of one of these
	broken      brokenRows            // nil if there is none
	lost        map[changeset.ID]bool // of which only that counts which is left
	types       map[string]bool       // of the records that are touched
	lostFound   []LostChangeset       // the same, to be told of
	wanted      listedRows            // what the list of representations names
	anyListed   bool                  // there is such a list
	recs        int                   // records that the log touches
	settingsNew bool                  // a row that is not noted changes the settings
	notesRead   bool                  // what is noted of the rows could be followed to the end
	idsRead     bool                  // and so could the local ids
	torn        bool                  // files are of different moments
	setBack     bool                  // the number counts fewer changesets than were committed, which was told
	failed      error                 // of keeping something
	highest     map[uuid.UUID]uint32  // number of each origin, of ordinary changesets
	exported    bool                  // the replica is an exported or published copy

	id    identity // nil if there is none that can be believed
	ours  bool     // there are notes of ours on the log, on disk:
	noted uint32   // of so many rows
	open  openSet  // and these have something open
	unmet openSet  // of which no index was met yet

	sums   sums // the digests, as replaying the log gives them
	summed int  // of so many records

	mergeable bool // the merged state can be computed
	settled   bool // by all votes and settings: none was written by another program since
}

func newChecker(ctx context.Context, r *Replica, l *Log, exported bool, report func(Problem)) *checker {
	c := &checker{ctx: ctx, r: r, l: l, report: report, exported: exported, highest: map[uuid.UUID]uint32{}, lost: map[changeset.ID]bool{}, types: map[string]bool{}}
	file := c.scratchName
	scratch := r.opts.Scratch
	c.named = newParcels(scratch, file("ids"), int64(l.latest)*24)
	c.touches = newParcels(scratch, file("touches"), int64(l.latest)*touchSize)
	for i, name := range []string{"changesets", "versions"} {
		c.good[i] = newParcels(scratch, file(name), keyParts*parcelPart)
	}
	c.anyListed = l.reps != nil && l.reps.rows != nil && l.reps.rows.latest > 0
	return c
}

const (
	touchSize = 1024 // bytes that a row is expected to bring
	keyParts  = 256  // of the keys: one for each first byte
)

// scratchName is the name of a file of what is kept meanwhile.
func (c *checker) scratchName(of string) string { return strings.Trim(c.l.prefix, "/") + of }

func (c *checker) problem(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...)})
}

func (c *checker) harmless(file, format string, args ...any) {
	c.report(Problem{Path: path.Join(c.l.prefix, file), Text: fmt.Sprintf(format, args...), Harmless: true})
}

// reason is why a file is damaged, for whom names the file beside it.
func reason(err error) error {
	var damage *DamageError
	if errors.As(err, &damage) {
		return damage.Err
	}
	return err
}

// fault reports an error of reading as a problem, of the file that the error names, or else of this one.
func (c *checker) fault(file string, err error) { c.faultOf(file, err, "") }

// faultOf is fault for a file that another one names, in words; "" if it is known by its name.
func (c *checker) faultOf(file string, err error, namedBy string) {
	var damage *DamageError
	var corrupt *cas.CorruptError
	var large *cas.LargeError
	var missing *cas.MissingError
	if namedBy != "" {
		namedBy = ", though " + namedBy + " names it"
	}
	within := func(name string) string { return strings.TrimPrefix(name, c.l.prefix) }
	switch {
	case errors.As(err, &damage) && damage.Path != "":
		c.problem(within(damage.Path), "%v", damage.Err)
	case errors.As(err, &damage):
		c.problem(file, "%v", damage.Err)
	case errors.As(err, &corrupt):
		c.problem(within(corrupt.Path), "the bytes do not have the SHA-1 that names them but %s", corrupt.Got)
	case errors.As(err, &large):
		c.problem(within(large.Path), "it has more than the %d bytes that an object may have", cas.MaxSize)
	case errors.As(err, &missing):
		c.problem(within(missing.Path), "the file is missing%s", namedBy)
	case isNotExist(err):
		c.problem(file, "the file is missing")
	case IsUnread(err):
		c.report(Unread(path.Join(c.l.prefix, file), err))
	default:
		c.problem(file, "%v", err)
	}
}

func (c *checker) checkRecordsAndObjects() error {
	if err := c.checkKept(); err != nil {
		return err
	}
	if err := c.checkRecords(); err != nil {
		return err
	}
	c.checkDigests()
	if c.r.opts.Mirror {
		return nil // it lists no directories
	}
	if err := c.checkStrays(changeset.RecordsDir, 0, ""); err != nil {
		return err
	}
	for i, store := range []*cas.Store{c.l.objects, c.l.versions} {
		if err := c.checkObjects(store, c.good[i]); err != nil {
			return err
		}
	}
	return nil
}
