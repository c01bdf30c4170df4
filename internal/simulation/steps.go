package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// sourceName is that of the foreign source.
const sourceName = "tracker"

// play does the step.
func (w *world) play() error {
	w.now = beginning.Add(time.Duration(w.step.At) * time.Second)
	s, m := w.step, w.members[w.step.Who]
	if m == nil {
		if from := w.members[s.Whom]; from != nil {
			return w.join(from)
		}
		return nil
	}
	m.given = 0
	if m.old != nil {
		if err := m.doOld(s, w.members[s.Whom]); err != nil {
			return err
		}
		return m.scan()
	}
	if s.N%3 == 0 { // else it goes on in the process of its last command
		if err := m.reopen(); err != nil {
			return err
		}
	}
	if err := m.do(s, w.members[s.Whom]); err != nil {
		return err
	}
	return m.scan()
}

// do does what the step says. other is nil if that member is not there.
func (m *member) do(s Step, other *member) error {
	if s.meets() && (other == nil || other == m || other.Aside || m.closed(other)) {
		return nil
	}
	switch s.Do {
	case Create, Update, UpdateTwo, Delete, Restore, Set:
		return m.write(s)
	case Decide:
		return m.decide(s)
	case Vote:
		return m.outsiderVotes(s)
	case Pull:
		return m.pull(other, s)
	case Push:
		return m.push(other, s)
	case PullPart:
		return m.pullPart(other, s.Cut)
	case PullCrash:
		return m.pullCrash(other, s)
	case PullVotes:
		return m.pullVotes(other)
	case Publish:
		return m.publish()
	case PullMirror:
		return m.pullMirror(other)
	case Import:
		return m.importLines(s)
	case Backup:
		m.w.took()
		m.backup = m.fs.Survivor(crashfs.Kill, 0)
	case PutBack:
		return m.putBack()
	case Reidentify:
		m.w.took()
		return m.r.Reidentify(context.Background())
	}
	return nil
}

// join makes a member that is late: as a clone of another one, of its mirror, or as a copy of its files.
func (w *world) join(from *member) error {
	if from.Aside || w.h.Members[w.step.Who].Old {
		return nil
	}
	open := from.open
	switch w.step.Do {
	case Clone:
	case CloneMirror:
		open = from.openMirror
	case Copy:
		return w.copy(from)
	default:
		return nil
	}
	source, err := open()
	if err != nil || source == nil {
		return err
	}
	m := w.newMember(w.step.Who)
	if m.r, _, err = psync.Clone(context.Background(), m.fs, source, m.options(), psync.Options{Adopt: true}); err != nil {
		return err
	}
	w.took()
	return m.scan()
}

// copy makes a member of all files of another.
func (w *world) copy(from *member) error {
	if from.old != nil {
		return nil
	}
	w.twins = true
	w.took()
	m := w.newMember(w.step.Who)
	m.fs = from.fs.Survivor(crashfs.Kill, 0)
	if err := m.reopen(); err != nil {
		return err
	}
	return m.scan()
}

// pull pulls from another member, which is opened as another program finds it.
func (m *member) pull(other *member, s Step) error {
	from, err := other.open()
	if err != nil {
		return err
	}
	return m.pullChecked(from, other, s.Prefer, other.has)
}

// pullChecked pulls from another member, or its mirror, and checks what the pull says that it did, and that it brought the edits that the source has.
func (m *member) pullChecked(from *replica.Replica, other *member, prefer psync.Prefer, all set) error {
	was, err := m.look()
	if err != nil {
		return err
	}
	report, err := m.pullFrom(context.Background(), from, psync.Options{Prefer: prefer})
	if err != nil || report.Known == forked {
		return err
	}
	m.noteReport(report)
	if err := m.checkPulled(was, report, prefer); err != nil {
		return err
	}
	if err := m.checkTold(other); err != nil {
		return err
	}
	return m.checkAll(all)
}

func (m *member) noteReport(report *psync.Report) {
	if replicatest.News(report) {
		m.w.took()
	}
	if report.Represented > 0 {
		m.w.note(joined)
	}
	for _, moved := range report.Moved {
		if moved.Changesets > 0 {
			m.w.note(apart)
		}
	}
}

// push lets another member pull from this one, by the clock of who pushes. It bears a name of its own, so that what it decides is not taken for what that one
// decides at home in the same second.
func (m *member) push(other *member, s Step) (err error) {
	if other.old != nil {
		return nil
	}
	opts := m.options()
	opts.Where, opts.Creator = other.Name, m.Name+" at "+other.Name
	if other.r, err = replica.Open(other.fs, opts); err != nil {
		return err
	}
	if err := other.pullChecked(m.r, m, s.Prefer, m.has); err != nil {
		return err
	}
	if err := other.reopen(); err != nil {
		return err
	}
	return other.scan()
}

// pullFrom pulls from a replica or a mirror.
func (m *member) pullFrom(ctx context.Context, from *replica.Replica, opts psync.Options) (*psync.Report, error) {
	was, err := m.box()
	if err != nil {
		return nil, err
	}
	report, err := psync.Pull(ctx, m.r, from, opts)
	var fork *replica.ForkError
	if m.w.twins && errors.As(err, &fork) { // a person reads the message; whoever has the twin mends it, by pulling from the other
		return &psync.Report{Known: forked}, m.checkFork(fork.ID, from)
	}
	if err == nil {
		err = m.checkCastAgain(was, report)
	}
	return report, err
}

// forked stands in for the number of known changesets in the report of a pull that a fork stopped.
const forked = -1

// pullPart pulls so many batches.
func (m *member) pullPart(other *member, batches int) error {
	from, err := other.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = m.pullFrom(ctx, from, psync.Options{Progress: func(int, int) {
		if batches--; batches <= 0 {
			cancel()
		}
	}})
	if ctx.Err() != nil {
		if err != nil {
			m.w.took()
		}
		return nil
	}
	return err
}

// pullCrash pulls until the power fails, or the program is killed, and opens what is left.
func (m *member) pullCrash(other *member, s Step) error {
	mode := crashfs.Kill
	if s.Pick%2 == 1 {
		mode = crashfs.PowerCut
	}
	from, err := other.open()
	if err != nil {
		return err
	}
	changes, err := m.rehearse(from)
	if err != nil {
		return err
	}
	m.fs.CrashAt(1 + s.Cut%(changes+1))
	_, err = m.pullFrom(context.Background(), from, psync.Options{})
	if err != nil && !m.fs.Failed() {
		return err
	}
	if m.fs.Failed() {
		m.w.took()
	}
	m.fs = m.fs.Survivor(mode, int64(s.N))
	m.scanned = 0
	return m.reopen()
}

// rehearse returns how often a pull changes something on the disk.
func (m *member) rehearse(from *replica.Replica) (changes int, err error) {
	fs, n := m.fs.Survivor(crashfs.Kill, 0), 700
	r, err := replica.Open(fs, replica.Options{Where: m.Name, NewUUID: func() uuid.UUID { n++; return numbered(n) }})
	if err != nil {
		return 0, err
	}
	_, err = psync.Pull(context.Background(), r, from, psync.Options{})
	var fork *replica.ForkError
	if m.w.twins && errors.As(err, &fork) {
		err = nil
	}
	return fs.Changes(), err
}

// pullVotes integrates the votes that another member has, and no edits.
func (m *member) pullVotes(other *member) error {
	from, err := other.open()
	if err != nil {
		return err
	}
	err = m.r.Update(context.Background(), func(tx *replica.Tx) error {
		for row, err := range from.Resolutions().Rows(1, from.Resolutions().Latest()) {
			if err != nil {
				return err
			}
			c, err := from.Resolutions().Changeset(row)
			if err != nil {
				return err
			}
			if c.Bookkeeping() {
				continue
			}
			added, err := tx.IntegrateVote(c)
			if err != nil {
				return err
			}
			if added {
				m.w.took()
			}
		}
		return nil
	})
	var fork *replica.ForkError
	if m.w.twins && errors.As(err, &fork) { // no pull, which would take the twins apart
		return nil
	}
	return err
}

// publish brings the member's mirror up to date.
func (m *member) publish() error {
	if m.mirror == nil {
		m.mirror = crashfs.New()
	}
	published, err := psync.Publish(context.Background(), m.r, m.mirror, psync.PublishOptions{Flat: true})
	if err == nil && published.Wrote {
		m.w.took()
	}
	m.published = slices.Clone(m.has)
	return err
}

// openMirror opens the mirror that the member published; nil if it did not.
func (m *member) openMirror() (*replica.Replica, error) {
	if m.mirror == nil {
		return nil, nil
	}
	return replica.Open(m.mirror, replica.Options{Where: "the mirror of " + m.Name, Mirror: true})
}

func (m *member) pullMirror(other *member) error {
	from, err := other.openMirror()
	if err != nil || from == nil {
		return err
	}
	return m.pullChecked(from, other, psync.PreferNone, other.published)
}

func (m *member) importLines(s Step) error {
	lines := m.w.h.Lines
	src, err := psync.NewSource(sourceName, strings.NewReader(strings.Join(lines[:min(s.Pick, len(lines))], "")), nil, "")
	if err != nil {
		return err
	}
	report, err := psync.Import(context.Background(), m.r, sourceName, src, psync.ImportOptions{Prefer: s.Prefer})
	if err == nil && report.Integrated > 0 {
		m.w.took()
	}
	return err
}

// putBack replaces all files by those of the backup. What was made since is lost, unless somebody else has it.
func (m *member) putBack() error {
	if m.backup == nil {
		return nil
	}
	m.w.twins = true
	m.w.took()
	m.fs, m.mirror = m.backup.Survivor(crashfs.Kill, 0), nil
	m.has, m.scanned = nil, 0
	return m.reopen()
}

// name names a record in words.
func name(rec changeset.RecordID) string {
	for n := range 10 {
		if rec == record(n) {
			return fmt.Sprint("ticket ", n)
		}
	}
	for i, label := range labels {
		if rec == setting(i+1) {
			return "setting " + label
		}
	}
	return rec.String()
}
