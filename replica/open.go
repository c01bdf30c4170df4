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

	"prophet/changeset"
	"prophet/internal/durable"
)

// Open opens the replica at the root of the file system for reading and, where that can be written, for editing. Nothing is written. Where a log counts
// fewer changesets than it is known to hold, as after a latest-sequence-no was set back, the error wraps [ErrUncounted], unless opts.Uncounted; where the rows are gone too, it warns.
func Open(fsys afero.Fs, opts Options) (*Replica, error) {
	r := unopened(fsys, opts)
	if err := r.reopen(); err != nil {
		return nil, err
	}
	if opts.Mirror || opts.Uncounted {
		return r, nil
	}
	if err := r.refuseTurnedBack(); err != nil {
		return nil, err
	}
	return r, nil
}

// unopened is a replica of which nothing was read.
func unopened(fsys afero.Fs, opts Options) *Replica {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.NewUUID == nil {
		opts.NewUUID = uuid.New
	}
	return &Replica{fs: fsys, opts: opts}
}

// OpenAndEdit is [Open] and [Replica.Edit], for an edit that needs no look at the replica before. The small files are read once, under the lock, where
// there are notes on rows: so this is no copy that nobody edits, to which nothing may be written, not even the lock.
func OpenAndEdit(ctx context.Context, fsys afero.Fs, opts Options, f func(e *Edit) error) (*Replica, Edited, error) {
	r := unopened(fsys, opts)
	if err := r.readFormat(); err != nil {
		return nil, Edited{}, err
	}
	update := r.updateOurs
	if noted, err := exists(fsys, rowsFile); !noted || err != nil {
		if err := r.reopen(); err != nil {
			return nil, Edited{}, err
		}
		update = r.Update
	}
	edited, err := editWith(ctx, update, f)
	if err != nil {
		return nil, Edited{}, err
	}
	return r, edited, nil
}

// reopen shows the state of this moment, whatever was done to the files.
func (r *Replica) reopen() error {
	r.merges.drop()
	return r.catchUp()
}

// catchUp is reopen, after others did no more than transactions: what was merged holds if there were none.
func (r *Replica) catchUp() error {
	if err := r.readFormat(); err != nil {
		return err
	}
	for looks := 0; ; {
		again, err := r.openLogs()
		if errors.Is(err, errMissing) { // it may have been unpacked just now, which ends the lists of parts
			was := r.format
			if formatErr := r.readFormat(); formatErr == nil && r.format != was {
				continue
			}
		}
		switch {
		case err == nil && again:
			continue
		case looks == len(lookAgain) || !r.beingWritten(err):
			return err
		}
		r.sleep(lookAgain[looks])
		looks++
	}
}

// readFormat makes sure that there is a replica, of a format that is known.
func (r *Replica) readFormat() error {
	version, err := readSmall(r.fs, changeset.ReplicaVersionFile)
	switch {
	case isNotExist(err):
		if _, err := r.fs.Stat(changeset.ReplicaUUIDFile); err == nil {
			return fmt.Errorf("open replica %s: %w", r.where(), &DamageError{Path: changeset.ReplicaVersionFile,
				Err: fmt.Errorf("%w, though there is a %s: perhaps it is still being made, and it is written last", fs.ErrNotExist, changeset.ReplicaUUIDFile)})
		}
		return fmt.Errorf("%s is %w", r.where(), ErrNotReplica)
	case err != nil:
		return fmt.Errorf("open replica %s: %w", r.where(), err)
	case !knownFormat(version):
		return &VersionError{r.where(), version}
	}
	r.format = version
	return nil
}

// votesNumber is the file that counts the rows of the resolutions. A commit writes it before that of the log.
const votesNumber = changeset.ResolutionsDir + "/" + changeset.LatestFile

// openLogs opens both logs. A writer at work may have committed in between; then they have to be opened again to be of one moment.
func (r *Replica) openLogs() (again bool, err error) {
	m, err := r.moment()
	if err != nil {
		return false, err
	}
	main, err := openLog(m.root, "", r.opts.Where, &m.limits)
	if err != nil {
		return false, fmt.Errorf("open replica %s: %w", r.where(), err)
	}
	votes, err := openLog(m.root, changeset.ResolutionsDir+"/", r.opts.Where, &m.limits)
	if err != nil {
		return false, fmt.Errorf("open the resolutions of replica %s: %w", r.where(), err)
	}
	r.keepRead(votes, main)
	for _, l := range []*Log{votes, main} {
		l.format = r.format
		if _, err := l.packs(); err != nil { // of the moment of the number
			return false, fmt.Errorf("open replica %s: %w", r.where(), err)
		}
	}
	main.inMirror, votes.inMirror = r.inMirror, r.inMirror
	main.gone.told = r.warnLost // no edit waits for a vote
	if passed, err := m.passed(r.fs, votes); passed || err != nil {
		return passed, err
	}
	if main.reps, err = m.representations(r, main); err != nil {
		return false, fmt.Errorf("open replica %s: %w", r.where(), err)
	}
	r.log, r.votes = main, votes
	r.forget()
	return false, nil
}

// keepRead lets the logs have what was read of the same parts before: a pull of many transactions opens the logs for each.
func (r *Replica) keepRead(votes, main *Log) {
	if r.log != nil {
		main.tier.cache, votes.tier.cache = r.log.tier.kept(), r.votes.tier.kept()
	}
}

// moment says how far the files of a replica count at one commit. It is read before the logs are.
type moment struct {
	root   afero.Fs // where the logs are read: in the replica, or in what the next writer makes of it
	limits limits
	latest string // text of latest-sequence-no, which each commit replaces; of a mirror it is not read
	votes  string // text of that of the resolutions, "" if it cannot be read
	listed string // text of prophet/latest-representation, likewise
}

// moment returns the present one. In a mirror, where nobody edits, nothing is looked at for it.
func (r *Replica) moment() (m *moment, err error) {
	m = &moment{root: r.fs, limits: limits{mirror: r.opts.Mirror, loose: r.format == FormatLoose}}
	if r.opts.Mirror {
		return m, nil
	}
	m.limits.recent = new(recent)
	m.limits.checked = sync.OnceValue(func() bool {
		there, err := exists(r.fs, IdentityFile)
		return there && err == nil
	})
	if m.latest, err = readSmall(r.fs, changeset.LatestFile); err != nil {
		return nil, fmt.Errorf("open replica %s: %w", r.where(), missing(changeset.LatestFile, err))
	}
	m.votes, _ = readSmall(r.fs, votesNumber) // openLog says what is wrong with it
	if m.listed, err = readListed(r.fs, r.opts.Where); err != nil {
		return nil, err
	}
	var foreign *durable.ForeignError
	m.limits.View, err = durable.Uncommitted(r.fs)
	if r.halted = errors.As(err, &foreign); r.halted {
		m.root, m.limits.View, err = r.lookHalted(foreign)
	}
	if err != nil {
		return nil, fmt.Errorf("open replica %s: %w", r.where(), err)
	}
	return m, nil
}

// passed reports whether somebody has committed since, or is about to: the log of the resolutions was opened with a number that is not counted yet.
func (m *moment) passed(fsys afero.Fs, votes *Log) (bool, error) {
	if m.limits.mirror {
		return false, nil
	}
	if _, limited := m.limits.Points[votesNumber]; !limited && votes.rawLatest != m.votes {
		return true, nil
	}
	now, err := readSmall(fsys, changeset.LatestFile)
	return err == nil && now != m.latest, err
}

// representations returns the list of the main log as it was then.
func (m *moment) representations(r *Replica, main *Log) (*representations, error) {
	if m.limits.mirror {
		return &representations{log: main, mark: r.readMark}, nil
	}
	if old, limited := m.limits.Points[LatestRepresentationFile]; limited {
		return newRepresentations(main, old)
	}
	return newRepresentations(main, m.listed)
}
