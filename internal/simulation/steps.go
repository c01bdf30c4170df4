package simulation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"prophet/changeset"
	"prophet/internal/crashfs"
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
	if s.meets() && (other == nil || other == m) {
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
		_, err := m.pull(other, psync.Options{Prefer: s.Prefer})
		return err
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
		m.backup = m.fs.Survivor(crashfs.Kill, 0)
	case PutBack:
		return m.putBack()
	}
	return nil
}

// join makes a member that is late: as a clone of another one, of its mirror, or as a copy of its files.
func (w *world) join(from *member) (err error) {
	s := w.step
	switch {
	case s.Do == Clone:
		m := w.newMember(s.Who)
		m.r, _, err = psync.Clone(context.Background(), m.fs, from.r, m.options(), psync.Options{Adopt: true})
	case s.Do == CloneMirror && from.mirror != nil:
		mirror, err := from.openMirror()
		if err != nil {
			return err
		}
		m := w.newMember(s.Who)
		if m.r, _, err = psync.Clone(context.Background(), m.fs, mirror, m.options(), psync.Options{Adopt: true}); err != nil {
			return err
		}
	case s.Do == Copy:
		m := w.newMember(s.Who)
		m.fs = from.fs.Survivor(crashfs.Kill, 0)
		err = m.reopen()
	}
	if m := w.members[s.Who]; err == nil && m != nil {
		return m.scan()
	}
	return err
}

// pull pulls from another member, which is opened as another program finds it.
func (m *member) pull(other *member, opts psync.Options) (*psync.Report, error) {
	from, err := replica.Open(other.fs, replica.Options{Where: other.Name})
	if err != nil {
		return nil, err
	}
	return psync.Pull(context.Background(), m.r, from, opts)
}

// pullPart pulls so many batches.
func (m *member) pullPart(other *member, batches int) error {
	from, err := replica.Open(other.fs, replica.Options{Where: other.Name})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err = psync.Pull(ctx, m.r, from, psync.Options{Progress: func(int, int) {
		if batches--; batches <= 0 {
			cancel()
		}
	}})
	if ctx.Err() != nil {
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
	m.fs.CrashAt(s.Cut)
	_, err := m.pull(other, psync.Options{})
	if err != nil && !m.fs.Failed() {
		return err
	}
	m.fs = m.fs.Survivor(mode, int64(s.N))
	m.scanned = 0
	return m.reopen()
}

// pullVotes integrates the votes that another member has, and no edits.
func (m *member) pullVotes(other *member) error {
	return m.r.Update(context.Background(), func(tx *replica.Tx) error {
		for row, err := range other.r.Resolutions().Rows(1, other.r.Resolutions().Latest()) {
			if err != nil {
				return err
			}
			c, err := other.r.Resolutions().Changeset(row)
			if err != nil {
				return err
			}
			if c.Bookkeeping() {
				continue
			}
			if _, err := tx.IntegrateVote(c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *member) publish() error {
	if m.mirror == nil {
		m.mirror = crashfs.New()
	}
	_, err := psync.Publish(context.Background(), m.r, m.mirror, psync.PublishOptions{Flat: true})
	return err
}

func (m *member) openMirror() (*replica.Replica, error) {
	return replica.Open(m.mirror, replica.Options{Where: "the mirror of " + m.Name, Mirror: true})
}

func (m *member) pullMirror(other *member) error {
	if other.mirror == nil {
		return nil
	}
	from, err := other.openMirror()
	if err != nil {
		return err
	}
	_, err = psync.Pull(context.Background(), m.r, from, psync.Options{})
	return err
}

func (m *member) importLines(s Step) error {
	lines := m.w.h.Lines
	src, err := psync.NewSource(sourceName, strings.NewReader(strings.Join(lines[:min(s.Pick, len(lines))], "")), nil, "")
	if err != nil {
		return err
	}
	_, err = psync.Import(context.Background(), m.r, sourceName, src, psync.ImportOptions{Prefer: s.Prefer})
	return err
}

// putBack replaces all files by those of the backup. What was made since is lost, unless somebody else has it.
func (m *member) putBack() error {
	if m.backup == nil {
		return nil
	}
	m.fs = m.backup.Survivor(crashfs.Kill, 0)
	m.has, m.scanned = nil, 0
	return m.reopen()
}

// name names a record in words.
func name(rec changeset.RecordID) string {
	for n := range 10 {
		switch rec {
		case record(n):
			return fmt.Sprint("ticket ", n)
		case setting(n):
			return fmt.Sprint("setting ", n)
		}
	}
	return rec.String()
}
