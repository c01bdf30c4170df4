package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/durable"
)

// ErrNotReplica is wrapped by errors that say that there is no replica where one was expected.
var ErrNotReplica = errors.New("not a replica")

// ErrExists is wrapped by the error of [Init] when there is a replica already.
var ErrExists = errors.New("there is a replica already")

// ErrUncounted is wrapped by errors that say that a log counts fewer changesets than it holds, so that it would show an older state.
var ErrUncounted = errors.New("it was turned back, or another program died while it wrote")

// DamageError says that a file of a replica, or of a mirror, does not hold what it must.
type DamageError struct {
	Where string // path or URL of the replica or mirror, for messages; may be empty
	Path  string // of the file within it, slash-separated
	Err   error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged: %v", join(e.Where, e.Path), e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }

// VersionError says that a replica has a format that this program does not know.
type VersionError struct{ Where, Version string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has replica format %.20q; this program reads formats %s and %s", e.Where, e.Version, FormatLoose, FormatParts)
}

// Formats of a replica, as replica-version has them.
const (
	FormatLoose = "1" // loose files alone: that of the original
	FormatParts = "2" // with parts, see docs/adr/0015-parts.md
)

func knownFormat(text string) bool { return text == FormatLoose || text == FormatParts }

// Options are what a replica gets from outside. The zero value serves.
type Options struct {
	Where   string              // path or URL of the replica, for messages
	Mirror  bool                // nobody edits there: it is not looked for a commit in progress
	Creator string              // who makes the changesets of this process, usually an e-mail address; may be empty
	Now     func() time.Time    // the clock
	NewUUID func() uuid.UUID    // the source of UUIDs
	Warn    func(string)        // is told what does not stop the work, but a person should know
	Sleep   func(time.Duration) // waits for a program of the original at work; time.Sleep if nil
	Wait    time.Duration       // how long to wait for another writer at most, each time; 0: as long as it takes; less: not at all
	Scratch afero.Fs            // where [Check] puts what memory should not hold, such as a directory of the system's for temporary files; nil: all stays in memory
	// PackFrom is from how many changesets a transaction writes a part, in a replica of format 2; fewer stay loose. 0: 64.
	PackFrom  int
	Uncounted bool             // open it even if a log counts fewer changesets than it holds: for who looks what is wrong with it
	Waiting   func(who string) // is called once when another writer makes us wait for more than a second, with who that is, as far as it is known
}

// BusyError says that another writer had the replica for longer than [Options.Wait]; nothing was done.
type BusyError = durable.BusyError

func (o Options) patience() durable.Patience {
	return durable.Patience{Most: o.Wait, Waiting: o.Waiting}
}

// Replica is one copy of a database. It shows the state of the moment at which it was opened, or of its
// last transaction. Reading is safe for concurrent use, but not beside a transaction of the same Replica.
type Replica struct {
	fs                afero.Fs
	opts              Options
	format            string
	log, votes        *Log
	known, knownVotes knownIDs

	mu    sync.Mutex // guards what is loaded when it is first asked for
	noted bool       // there are notes on every row of both logs
	older bool       // that it shows an older state was said
	old   *oldIDs
	open  openSet // as the log says, where the list of it cannot be believed

	merges merges // that transactions made last

	markMu sync.Mutex
	mark   *mark // of a mirror; nil: it was not read yet

	loss lossTold

	identity identity // as the last writer found it; nil if there was none that could be believed

	released time.Time // when the lock was let go last, if it had been held for long

	rehearsal bool // what is written stays in memory, and loose: the lists of parts are those of the replica itself, which others write

	at *Published // the state of a mirror that is shown; nil: what its files say

	halted bool // what is shown is what the next writer makes of a commit that was cut off before another program wrote
}

func (r *Replica) where() string {
	if r.opts.Where == "" {
		return "here"
	}
	return r.opts.Where
}

// Where is the path or URL of the replica, for messages.
func (r *Replica) Where() string { return r.opts.Where }

// Mirror reports whether the replica is read where nobody edits: on a web server.
func (r *Replica) Mirror() bool { return r.opts.Mirror }

// FS is the file system at whose root the replica lies.
func (r *Replica) FS() afero.Fs { return r.fs }

// Format is the format of the replica: FormatLoose or FormatParts.
func (r *Replica) Format() string { return r.format }

// UUID identifies the replica: it is the origin of the changesets that are made in it.
func (r *Replica) UUID() uuid.UUID { return r.log.uuid }

// NewUUID returns a UUID that nobody has, from the source of UUIDs in the options.
func (r *Replica) NewUUID() uuid.UUID { return r.opts.NewUUID() }

// Database identifies the database; all its replicas share it.
func (r *Replica) Database() uuid.UUID { return r.log.database }

// Latest is the number of rows in the log.
func (r *Replica) Latest() uint32 { return r.log.latest }

// Log is the log of the replica's changesets.
func (r *Replica) Log() *Log { return r.log }

// Resolutions is the log of the people's decisions.
func (r *Replica) Resolutions() *Log { return r.votes }

func (r *Replica) now() time.Time { return r.opts.Now() }

func (r *Replica) warn(s string) {
	if r.opts.Warn != nil {
		r.opts.Warn(s)
	}
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// ErrUncertain is wrapped by the error of a transaction of which nobody can tell whether it was made, and would survive a power cut: the disk failed
// in the last moment, and went on failing. Whoever looks sees it or does not; the next transaction settles it.
var ErrUncertain = durable.ErrUncertain

// Update runs one transaction: what f does becomes durable and visible together when Update returns nil. If f returns an error, or panics, or
// ctx is done before the commit, nothing is changed. Other writers wait meanwhile; readers do not. After another error nothing is changed either, unless it
// wraps [ErrUncertain].
func (r *Replica) Update(ctx context.Context, f func(tx *Tx) error) error {
	if err := r.refuseExported(); err != nil {
		return err
	}
	return r.updateOurs(ctx, f)
}

// updateOurs is Update where something of ours was written before. Nothing of the replica need have been read.
func (r *Replica) updateOurs(ctx context.Context, f func(tx *Tx) error) error {
	if err := r.underLock(ctx, f); err != nil {
		return err
	}
	r.tidy(ctx)
	return nil
}

// underLock is updateOurs, but for the gc that may follow.
func (r *Replica) underLock(ctx context.Context, f func(tx *Tx) error) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.holdLoss()()
	return r.updateLocked(ctx, f)
}

// updateLocked is Update under the lock, when what was cut off has been finished or taken back.
func (r *Replica) updateLocked(ctx context.Context, f func(tx *Tx) error) error {
	r.dropAfterRepair()
	if err := r.catchUp(); err != nil {
		return err
	}
	defer func(release func()) { release() }(r.holdLists())
	if err := r.checkIdentity(); err != nil {
		return err
	}
	if err := r.refuseUnlisted(); err != nil {
		return err
	}
	for _, l := range []*Log{r.log, r.votes} {
		if err := errors.Join(l.refuseUncounted(), l.refusePacked()); err != nil {
			return err
		}
		if err := r.mendBuiltOn(l); err != nil {
			return err
		}
	}
	if err := r.takeOver(ctx); err != nil {
		return fmt.Errorf("prepare replica %s: %w", r.where(), err)
	}
	return r.transact(ctx, f)
}

// lock waits until nobody else writes, and finishes or takes back what a writer was cut off in.
func (r *Replica) lock(ctx context.Context) (unlock func() error, err error) {
	if !r.released.IsZero() && time.Since(r.released) < mostGap {
		durable.GiveWay(ctx)
	}
	unlock, err = durable.Lock(ctx, r.fs, lockFile, r.opts.patience())
	if err != nil {
		return nil, fmt.Errorf("write to replica %s: %w", r.where(), err)
	}
	unlock = r.timed(unlock)
	if err := r.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("take back what was not finished in replica %s: %w", r.where(), err), unlock())
	}
	return unlock, nil
}

// How long a transaction takes after which the next one of the same Replica gives way to others, if it follows at once.
const (
	longHeld = 50 * time.Millisecond
	mostGap  = 5 * time.Millisecond
)

// timed notes when the lock is let go, if it was held for long.
func (r *Replica) timed(unlock func() error) func() error {
	since := time.Now()
	return func() error {
		err := unlock()
		r.released = time.Time{}
		if now := time.Now(); now.Sub(since) >= longHeld {
			r.released = now
		}
		return err
	}
}

// transact runs f under the lock.
func (r *Replica) transact(ctx context.Context, f func(tx *Tx) error) error {
	tx := newTx(r, durable.Begin(r.fs))
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Settle(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := tx.commit(ctx)
	unfinished := errors.Is(err, durable.ErrCommitted)
	switch {
	case errors.Is(err, ErrUncertain):
		_ = r.reopen() // whatever can be seen of it now
		return fmt.Errorf("write to replica %s: %w", r.where(), err)
	case unfinished:
		r.warn(fmt.Sprintf("it is done, but not all notes beside it could be written to %s; the next edit does that: %v", r.where(), err))
	case err != nil:
		return fmt.Errorf("write to replica %s: %w", r.where(), err)
	}
	before := r.stateOf()
	r.log, r.votes = tx.main.after(), tx.res.after()
	r.merges.follow(tx, before, r.stateOf())
	if tx.newIdentity != nil {
		r.identity = tx.newIdentity
	}
	r.forget()
	if !tx.copied.IsZero() {
		r.warnCopied(tx.copied)
	}
	if unfinished {
		_ = r.reopen() // so that the small files are read as the journal has them; the edit is done, whatever that comes to
	}
	return nil
}

// Renamed reports whether the replica or its resolutions replica has got another UUID since it was opened, and with it other names in its log. Whoever
// reads a log in more than one go asks afterwards.
func (r *Replica) Renamed() (bool, error) {
	if r.opts.Mirror {
		return false, nil
	}
	now, err := Open(r.fs, Options{Where: r.opts.Where, Sleep: r.opts.Sleep})
	if err != nil {
		return false, err
	}
	return now.UUID() != r.UUID() || now.votes.uuid != r.votes.uuid, nil
}

// Reidentify gives the replica a new UUID, and another one to its resolutions replica, before anything is edited: it is for a fresh copy of another
// replica. The old ones become former UUIDs.
func (r *Replica) Reidentify(ctx context.Context) error {
	return r.Update(ctx, func(tx *Tx) error {
		tx.RenewVoter()
		tx.Renew()
		return nil
	})
}

// forget drops what was loaded of an earlier state.
func (r *Replica) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noted, r.old, r.open = false, nil, nil
}

// Try runs a transaction that is never made: f sees what it would come to, and nothing is written. Where none could be made, it fails as that would.
func (r *Replica) Try(f func(tx *Tx) error) error {
	if err := r.refuseExported(); err != nil {
		return err
	}
	if err := r.checkIdentity(); err != nil {
		return err
	}
	if _, err := r.ours(); err != nil {
		return err
	}
	return f(newTx(r, durable.Begin(r.fs)))
}
