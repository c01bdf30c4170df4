package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// Outcome is what a repair did about a file.
type Outcome string

const (
	IsRebuilt  Outcome = "rebuilt"   // it was made again from what else is there
	IsFetched  Outcome = "fetched"   // another replica or a mirror had it
	IsSetAside Outcome = "set aside" // it was taken away; nothing needs it
	IsLost     Outcome = "lost"      // nobody who was asked has it; the rest goes on working
	IsLeft     Outcome = "left"      // it is damaged, and what it should be cannot be said
	IsOther    Outcome = "changed"   // nothing is wrong with it, but the record shows something else than before, for what was lost, or came back
	IsReleased Outcome = "released"  // what waited for what is lost was copied, see [Replica.Release]; no repair does that unasked
)

// Mended is a file that a repair did something about.
type Mended struct {
	Path    string  // within the replica
	Outcome Outcome // what was done
	Text    string  // the same in words
	Alike   string  // of what may be done many times: the same of several, with a %d for how many; else ""
}

// RepairOptions are what a repair gets from outside. The zero value serves.
type RepairOptions struct {
	// Sources opens other replicas of the database, and mirrors, in the order in which they are to be asked. It is called once at most, when something is missing that
	// cannot be made from what is there. What they hold is not trusted but checked by its name.
	Sources func(ctx context.Context) []*Replica
	// More opens further ones, which are asked only for objects that none of those has, by their names, and for nothing that has to be believed. It is called once at most; it may be nil.
	More func(ctx context.Context) []*Replica
	// Unread, if it is there, is told of one that could not read all that it was asked for, each time: what is lost may be there. It may be called by several goroutines, one after the other.
	Unread   func(*Replica)
	Report   func(Mended)          // is told of each file
	Progress func(done, total int) // is told how many rows of the logs were looked at
}

// ErrMirror is wrapped by the error of a repair of a mirror: whoever publishes there writes its files again.
var ErrMirror = errors.New("a mirror")

// Repair makes the files of the replica at the root of the file system what they must be: from the log what follows from it, from elsewhere what does not. It goes
// from what is surest to what follows from that, and replaces each file by one rename; what it replaces or takes away is kept below [SetAsideDir]. A repair that was cut off can
// be run again. It waits for other writers. What it could not do is told to Report; [Check] says how it stands afterwards. The error is for what kept it from going on.
func Repair(ctx context.Context, fsys afero.Fs, opts Options, how RepairOptions) error {
	_, err := runRepair(ctx, fsys, opts, how, nil)
	return err
}

// runRepair is [Repair], and returns what came up as records were merged anew, given what was undecided before.
func runRepair(ctx context.Context, fsys afero.Fs, opts Options, how RepairOptions, before openSet) (OpenedConflicts, error) {
	if err := refuseInTheWay(fsys); err != nil {
		return nil, fmt.Errorf("repair %s: %w", opts.Where, err)
	}
	switch ok, err := exists(fsys, MirrorMark); {
	case err != nil:
		return nil, fmt.Errorf("repair %s: %w", opts.Where, err)
	case ok:
		return nil, fmt.Errorf("repair %s: it is %w", opts.Where, ErrMirror)
	}
	if err := looksLikeReplica(fsys, opts.Where); err != nil {
		return nil, err
	}
	unlock, err := durable.Lock(ctx, fsys, lockFile, opts.patience())
	if err != nil {
		return nil, fmt.Errorf("repair %s: %w", opts.Where, err)
	}
	defer unlock()
	p := newRepair(ctx, fsys, opts, how, before)
	if err = p.run(); err == nil {
		err = p.disturbed()
	}
	if err != nil {
		return nil, fmt.Errorf("repair %s: %w", opts.Where, err)
	}
	return p.conflicts, nil
}

// looksLikeReplica returns an error that wraps [ErrNotReplica] where none of the files is that a replica has.
func looksLikeReplica(fsys afero.Fs, where string) error {
	for _, name := range []string{changeset.ReplicaVersionFile, changeset.ReplicaUUIDFile, changeset.DatabaseUUIDFile, changeset.IndexFile, IdentityFile} {
		if ok, err := exists(fsys, name); ok || err != nil {
			return err
		}
	}
	if ok, err := Remains(fsys); ok || err != nil {
		return err
	}
	return fmt.Errorf("%s is %w", where, ErrNotReplica)
}

// repair is a repair under way, under the lock.
type repair struct {
	ctx       context.Context
	fs        afero.Fs
	opts      Options
	how       RepairOptions
	r         *Replica // once it can be opened
	sources   []*Replica
	asked     bool
	further   []*Replica
	opened    bool                                     // further ones were
	anybody   bool                                     // somebody was asked, or could be
	ours      bool                                     // there are notes of ours
	copied    bool                                     // it is an exported copy
	of        map[string]*logRepair                    // what is found out of each log, by its prefix
	showed    map[changeset.RecordID]changeset.Version // what those of edits showed before
	regained  *regained                                // what came back
	conflicts OpenedConflicts                          // that opened, or got a new rival, as records were merged anew
	lists     []func() error                           // that write lists of parts, once the indexes are whole
	done      int                                      // rows
	recount   bool                                     // what is undecided is to be settled anew
	said      map[string]bool                          // what was warned of once
	noVotes   bool                                     // nothing is left of the resolutions, not even their number

	mu       sync.Mutex
	failed   error            // the first of reading here that says nothing of the file
	failures map[*Replica]int // of reading there, in a row
}

// logRepair is what a repair finds out of a log, and does later.
type logRepair struct {
	onlyOurs    bool                        // it is of format 2: nobody else writes such a log
	listedTo    uint32                      // up to which row the list of parts had rows, as it was found
	surelyTo    uint32                      // the same of a list of which a file is here, so that it is this log's, or of packs that lie there where no list can be read, or of those that follow the log and are taken up
	lostParts   bool                        // there were more, so that the loose indexes of its records may lack what was before
	partless    bool                        // the list names no part
	broken      []string                    // damaged packs that no list of parts names
	besideAhead bool                        // a pack lies there that goes on after the end, or may, and that could not be taken up
	noteTo      uint32                      // up to which row there must be notes of ours
	shifts      []sums                      // by how much each row changes the digests
	anew        map[changeset.RecordID]bool // records to merge anew
}

func newRepair(ctx context.Context, fsys afero.Fs, opts Options, how RepairOptions, before openSet) *repair {
	p := &repair{ctx: ctx, fs: fsys, opts: opts, how: how, of: map[string]*logRepair{}, failures: map[*Replica]int{}, said: map[string]bool{},
		showed: map[changeset.RecordID]changeset.Version{}, regained: &regained{before: before, by: map[changeset.RecordID]map[string][]changeset.ID{}}}
	for _, prefix := range logPrefixes {
		p.of[prefix] = &logRepair{anew: map[changeset.RecordID]bool{}}
	}
	return p
}

func (p *repair) run() error {
	if err := p.takeMisplaced(); err != nil {
		return err
	}
	if err := p.recover(); err != nil {
		return err
	}
	p.noVotes = p.votesGone()
	if sound, err := p.mendSmallFiles(); !sound || err != nil {
		return err
	}
	if err := p.mendParts(); err != nil {
		return err
	}
	for _, prefix := range votesFirst {
		if sound, err := p.mendIndex(prefix); !sound || err != nil {
			return err
		}
	}
	for _, write := range p.lists {
		if err := write(); err != nil {
			return err
		}
	}
	if opened, err := p.open(); !opened || err != nil {
		return err
	}
	for _, do := range []func() error{p.takeBlocking, p.mendNamed, p.mendChangesets, p.mendRecords, p.mendDigests, p.mendNotes, p.mendMarks, p.mendPeers, p.takeStrays, p.mendBeside, p.takeTemps, p.mendIdentity, p.mergeAnew, p.tellShown} {
		if err := p.disturbed(); err != nil {
			return err
		}
		if err := p.orLeft(do()); err != nil {
			return err
		}
	}
	return nil
}

// orLeft tells of damage that nothing could be done about, and returns any other error.
func (p *repair) orLeft(err error) error {
	var damage *DamageError
	if !errors.As(err, &damage) {
		return err
	}
	p.tell(damage.Path, IsLeft, "%v", damage.Err)
	return nil
}

// recover finishes or takes back what a writer was cut off in.
func (p *repair) recover() error {
	r := &Replica{fs: p.fs, opts: p.opts}
	if err := r.recover(); err != nil {
		return err
	}
	return durable.ResetJournal(p.fs, func(was []byte) error {
		if len(was) == 0 {
			return nil
		}
		p.tell(durable.Journal, IsRebuilt, "it held no commit")
		return p.setAside(durable.Journal)
	})
}

// open opens the replica, and reports whether it can be.
func (p *repair) open() (bool, error) {
	opts := p.opts
	opts.Warn = nil // what is wrong is told as such
	r, err := Open(p.fs, opts)
	var damage *DamageError
	switch {
	case errors.As(err, &damage):
		p.tell(damage.Path, IsLeft, "%v", damage.Err)
		return false, nil
	case err != nil:
		return false, err
	}
	p.r = r
	if p.ours, err = p.hasNotes(); err != nil || p.ours {
		return true, errors.Join(err, p.findNoted())
	}
	p.copied, err = r.looksExported()
	p.copied = p.copied && r.Latest() > 0
	return true, err
}

// hasNotes reports whether the replica has notes of ours, if only some of them.
func (p *repair) hasNotes() (bool, error) {
	for _, name := range []string{rowsFile, idsFile, conflictsFile, DigestsFile, durable.Journal} {
		if ok, err := exists(p.fs, name); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// findNoted finds out up to which rows there must be notes of ours: those beyond were written by another program, and the next edit takes them over.
func (p *repair) findNoted() error {
	for _, l := range p.logs() {
		counts, err := p.otherCounts(l)
		if err != nil {
			return err
		}
		for _, n := range counts {
			p.of[l.prefix].noteTo = max(p.of[l.prefix].noteTo, min(n, l.latest))
		}
		row, err := p.lastGiven(l)
		if err != nil {
			return err
		}
		p.of[l.prefix].noteTo = max(p.of[l.prefix].noteTo, row)
		if p.of[l.prefix].noteTo == 0 && l.latest > 0 { // all that would say so is lost, or another program wrote all of it: what its votes settle is settled with the notes
			p.of[l.prefix].noteTo, p.recount = l.latest, true
		}
		if p.of[l.prefix].onlyOurs {
			p.of[l.prefix].noteTo = l.latest
		}
	}
	return nil
}

// lastGiven returns the last row of which the table of local ids has an entry that the log confirms; 0 if there is none.
func (p *repair) lastGiven(l *Log) (uint32, error) {
	b, err := p.read(l.prefix + idsFile)
	for n := len(b) / localIDSize; n > 0 && err == nil; n-- {
		id := parseLocalID(b[(n-1)*localIDSize:])
		if id.row == 0 || id.row > l.latest {
			continue
		}
		c, err := l.at(id.row)
		p.unread(err)
		if err == nil && slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Record.UUID == id.rec }) {
			return id.row, nil
		}
	}
	return 0, err
}

func (p *repair) logs() []*Log { return []*Log{p.r.votes, p.r.log} }

func (p *repair) tell(file string, outcome Outcome, format string, args ...any) {
	p.report(Mended{Path: file, Outcome: outcome, Text: fmt.Sprintf(format, args...)})
}

func (p *repair) report(m Mended) {
	if p.how.Report != nil {
		p.how.Report(m)
	}
}

// nobodyHas begins a sentence about what is nowhere.
func (p *repair) nobodyHas() string {
	if p.anybody {
		return "nobody who was asked has"
	}
	return "nobody could be asked who may have"
}

// step tells how many rows were looked at.
func (p *repair) step() {
	if p.done++; p.how.Progress != nil {
		p.how.Progress(p.done, int(p.r.log.latest)+int(p.r.votes.latest))
	}
}

// others returns the replicas and mirrors that can be asked, without those that fall silent. Of a repair that is interrupted they are not all: whoever concludes something from what they lack looks at disturbed before.
func (p *repair) others() []*Replica {
	if !p.asked && p.how.Sources != nil {
		p.sources = p.how.Sources(p.ctx)
		p.anybody = p.anybody || len(p.sources) > 0
	}
	p.asked = true
	p.sources = slices.DeleteFunc(slices.Clone(p.sources), p.isGivenUp)
	return p.sources
}

// more returns the replicas that are asked for objects after the others, without those that fall silent.
func (p *repair) more() []*Replica {
	if !p.opened && p.how.More != nil {
		p.further = p.how.More(p.ctx)
		p.anybody = p.anybody || len(p.further) > 0
	}
	p.opened = true
	p.further = slices.DeleteFunc(slices.Clone(p.further), p.isGivenUp)
	return p.further
}
