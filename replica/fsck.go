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
	Path     string `json:"path"` // within the replica
	Text     string `json:"text"`
	Harmless bool   `json:"harmless"` // the next writer mends it, or it is only there for nothing
}

// Check reads all of a replica and reports what is wrong: every hash, row, length and reference, the state that replaying the log gives, the merged state,
// and our own notes. It changes nothing. The error is for what kept it from looking.
// progress is told how many rows of the logs were checked; it may be nil.
func Check(ctx context.Context, fsys afero.Fs, opts Options, report func(Problem), progress func(done, total int)) error {
	sound, err := checkSmallFiles(fsys, report)
	if err != nil || !sound {
		return err
	}
	r, err := Open(fsys, opts)
	var damage *DamageError
	if errors.As(err, &damage) {
		report(Problem{Path: damage.Path, Text: damage.Err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	c, err := newCheck(ctx, r, report, progress)
	if err != nil {
		return err
	}
	if r.halted {
		report(Problem{Path: durable.Journal, Harmless: true,
			Text: "a commit was cut off, and another program wrote since; the next edit finishes it or takes it back, and keeps what that wrote"})
	}
	return c.run()
}

// check is a look at both logs of a replica.
type check struct {
	main, votes *checker
	report      func(Problem)
	progress    func(done, total int)
	seen        map[Problem]bool // what was reported
	done        int              // rows
}

func newCheck(ctx context.Context, r *Replica, report func(Problem), progress func(done, total int)) (*check, error) {
	exported, err := r.looksExported()
	if err != nil {
		return nil, err
	}
	ours, err := r.log.takenOver()
	c := &check{report: report, progress: progress, seen: map[Problem]bool{}}
	c.main = newChecker(ctx, r, r.log, exported, c.once, c.step)
	c.votes = newChecker(ctx, r, r.votes, exported, c.once, c.step)
	c.main.ours, c.votes.ours = ours, ours
	return c, err
}

// run checks the decisions first: the merge counts them.
func (c *check) run() error {
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
	c.main.checkLastPeer()
	c.main.checkAtRest()
	c.main.checkOldIDs()
	c.main.checkMirrorMark()
	for _, log := range []*checker{c.votes, c.main} {
		log.checkRowsThere()
		log.checkPeers()
		log.checkV1Marks()
	}
	_, failed := c.main.r.ours() // the merge needs notes on every row, those that another program wrote too
	settled := !c.main.ours || c.votes.noted >= c.votes.l.latest && c.main.settingsNoted()
	for _, log := range []*checker{c.votes, c.main} {
		log.mergeable, log.settled = failed == nil, settled
		if err := log.checkRecordsAndObjects(); err != nil {
			return err
		}
	}
	if failed != nil && len(c.seen) == 0 {
		c.report(Problem{Path: rowsFile, Text: failed.Error()})
	}
	return nil
}

// step tells how many rows were checked.
func (c *check) step() {
	if c.done++; c.progress != nil {
		c.progress(c.done, int(c.main.l.latest)+int(c.votes.l.latest))
	}
}

// once leaves out what was reported before, such as an object that is met both by its row and in its directory.
func (c *check) once(p Problem) {
	if !c.seen[p] {
		c.seen[p] = true
		c.report(p)
	}
}

// looksExported reports whether the replica is an exported or published copy, of whose record indexes no row bears a number. If it has no index at all, all its
// records may be deleted.
func (r *Replica) looksExported() (bool, error) {
	if taken, err := r.log.takenOver(); taken || err != nil {
		return false, err
	}
	types, err := r.log.Types()
	if err != nil {
		return false, err
	}
	for _, typ := range types {
		for rec, err := range r.log.Records(typ) {
			if err != nil {
				return false, err
			}
			first, ok, err := r.log.first(rec)
			if ok && err == nil { // others are reported with the records
				return first.Seq == 0, nil
			}
		}
	}
	return true, nil
}

// checker checks one log.
type checker struct {
	ctx    context.Context
	r      *Replica
	l      *Log
	report func(Problem)
	step   func()

	ids      map[changeset.ID]bool
	touching map[changeset.RecordID][]uint32 // which rows touch the record
	flags    map[uint32]flags                // of the rows whose changeset can be read, without flagSettled
	broken   map[uint32]bool                 // the other rows
	highest  map[uuid.UUID]uint32            // number of each origin, of ordinary changesets
	lost     map[changeset.ID]bool           // of which only that counts which is left
	exported bool                            // the replica is an exported or published copy

	id    identity // nil if there is none that can be believed
	ours  bool     // there are notes of ours on the log, on disk:
	noted uint32   // of so many rows
	open  openSet  // and these have something open

	sums   sums // the digests, as replaying the log gives them
	summed int  // of so many records

	mergeable bool // the merged state can be computed
	settled   bool // by all votes and settings: none was written by another program since
}

func newChecker(ctx context.Context, r *Replica, l *Log, exported bool, report func(Problem), step func()) *checker {
	return &checker{ctx: ctx, r: r, l: l, report: report, step: step, exported: exported,
		ids: map[changeset.ID]bool{}, touching: map[changeset.RecordID][]uint32{}, flags: map[uint32]flags{}, broken: map[uint32]bool{}, highest: map[uuid.UUID]uint32{},
		lost: map[changeset.ID]bool{}}
}

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
	case errors.As(err, &missing):
		c.problem(within(missing.Path), "the file is missing%s", namedBy)
	case isNotExist(err):
		c.problem(file, "the file is missing")
	default:
		c.problem(file, "%v", err)
	}
}

func (c *checker) checkRecordsAndObjects() error {
	if err := c.checkRecords(); err != nil {
		return err
	}
	c.checkDigests()
	if err := c.checkStrays(changeset.RecordsDir, 0, ""); err != nil {
		return err
	}
	for _, store := range []*cas.Store{c.l.objects, c.l.versions} {
		if err := c.checkObjects(store); err != nil {
			return err
		}
	}
	return nil
}

// checkObjects reads every object, referred to or not, and reports stray files.
func (c *checker) checkObjects(store *cas.Store) error {
	return store.Walk(func(key cas.Key, file string) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if key.IsZero() {
			c.report(Problem{Path: file, Text: "a stray file: its name is not that of an object", Harmless: true})
			return nil
		}
		if _, err := store.Get(key); err != nil {
			c.fault(strings.TrimPrefix(file, c.l.prefix), err)
		}
		return nil
	})
}
