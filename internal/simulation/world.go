package simulation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/v1peer"
	"prophet/replica"
	psync "prophet/sync"
)

// database is that of all replicas here, votes that of their resolutions.
var (
	database = uuid.MustParse("d0d0d0d0-0000-4000-8000-000000000001")
	votes    = uuid.MustParse("d0d0d0d0-0000-4000-8000-000000000002")
)

// beginning is the moment at which all histories begin.
var beginning = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Failure says which oracle found what wrong.
type Failure struct {
	Oracle string
	Step   int // at which it showed; -1: when all met; 0: of a set of changesets, or before the first step
	Text   string
}

func (f *Failure) Error() string {
	when := ""
	switch {
	case f.Step > 0:
		when = fmt.Sprint(", at step ", f.Step)
	case f.Step == meeting:
		when = ", when all have met"
	}
	return fmt.Sprintf("%s%s: %s", f.Oracle, when, f.Text)
}

func fail(oracle, format string, args ...any) *Failure {
	return &Failure{Oracle: oracle, Text: fmt.Sprintf(format, args...)}
}

// world is a history that is being played.
type world struct {
	h         *History
	members   []*member // nil: not there yet
	account   *account
	step      Step
	now       time.Time
	twins     bool // two replicas may have one identity
	did       Effects
	outsiders map[int]*outsider
}

// member is a replica that takes part.
type member struct {
	Member
	w         *world
	fs        *crashfs.FS
	r         *replica.Replica
	old       *v1peer.Peer // instead of r, where it is a replica of the original
	next      uuid.UUID    // given to the next record that it creates
	given     int          // UUIDs that it drew in this step
	has       set          // edits in its log
	scanned   uint32       // rows of it that were looked at
	backup    *crashfs.FS  // nil: none
	mirror    *crashfs.FS  // nil: none
	published set          // edits in it
}

// Play plays the history and returns what went wrong, nil if nothing did.
func (h *History) Play() *Failure {
	_, failure := h.PlayCounting()
	return failure
}

// PlayCounting is Play, and tells what took effect.
func (h *History) PlayCounting() (did Effects, failure *Failure) {
	w, err := begin(h)
	if err != nil {
		return nil, fail("error", "%v", err)
	}
	return w.did, w.playAll()
}

func (w *world) playAll() (failure *Failure) {
	defer func() {
		if p := recover(); p != nil {
			failure = w.failed(fail("error", "panic: %v\n%s", p, debug.Stack()))
		}
	}()
	for _, w.step = range w.h.Steps {
		if err := w.play(); err != nil {
			return w.failed(err)
		}
	}
	w.step = Step{N: meeting}
	if err := w.meet(); err != nil {
		return w.failed(err)
	}
	return nil
}

// begin makes the replicas of the members that are there from the beginning.
func begin(h *History) (*world, error) {
	w := &world{h: h, members: make([]*member, len(h.Members)), account: newAccount(), now: beginning, did: Effects{}, outsiders: map[int]*outsider{}}
	for i, m := range h.Members {
		if m.Late {
			continue
		}
		if err := w.enter(i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// meeting stands for the number of a step when all have met: other UUIDs are drawn then than at the beginning.
const meeting = -1

func (w *world) failed(err error) *Failure {
	var f *Failure
	if !errors.As(err, &f) {
		f = fail("error", "%v", err)
	}
	f.Step = w.step.N
	return f
}

// enter makes an empty replica for a member.
func (w *world) enter(i int) (err error) {
	if w.h.Members[i].Old {
		return w.enterOld(i, w.members[0])
	}
	m := w.newMember(i)
	m.r, err = replica.Init(context.Background(), m.fs, replica.Identity{Database: database, Votes: votes}, m.options())
	return err
}

func (w *world) newMember(i int) *member {
	m := &member{Member: w.h.Members[i], w: w, fs: crashfs.New()}
	w.members[i] = m
	return m
}

// options gives a replica a clock that is wrong, and UUIDs that depend on the step alone.
func (m *member) options() replica.Options {
	return replica.Options{
		Where:   m.Name,
		Creator: m.Name,
		Now:     func() time.Time { return m.w.now.Add(m.Ahead) },
		NewUUID: m.newUUID,
	}
}

func (m *member) newUUID() (u uuid.UUID) {
	if u, m.next = m.next, uuid.Nil; u != uuid.Nil {
		return u
	}
	m.given++
	n := m.w.step.N
	if n == 0 && m.w.now.After(beginning) { // all meet: what was given before the first step is not given again
		n = -1
	}
	return uuid.NewSHA1(database, fmt.Appendf(nil, "%s %d %d", m.Name, n, m.given))
}

// reopen opens the member's replica as its next command does.
func (m *member) reopen() (err error) {
	m.r, err = replica.Open(m.fs, m.options())
	return err
}

// record returns a record by its number.
func record(n int) changeset.RecordID {
	return changeset.RecordID{Type: "Ticket", UUID: numbered(n)}
}

// labels are those of the settings, by number from 1: rules by which conflicts are settled, one that no rule is in, and one for settings, which have none.
var labels = []string{"merge:Ticket:a", "merge:Ticket:b", "statuses", "merge:" + changeset.SettingsType + ":content"}

// setting returns a setting by its number. Whoever makes it gives it the same UUID.
func setting(n int) changeset.RecordID {
	return changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.NewSHA1(database, []byte(labels[n-1]))}
}

func numbered(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

// open opens the member's replica as another program finds it.
func (m *member) open() (*replica.Replica, error) {
	return replica.Open(m.fs, replica.Options{Where: m.Name})
}

// rows returns what is new in the member's log since it was looked at.
func (m *member) rows() (rows []changeset.Row, err error) {
	if m.old != nil {
		rows, err = m.old.Rows()
		return rows[min(int(m.scanned), len(rows)):], err
	}
	for row, err := range m.r.Log().Rows(m.scanned+1, m.r.Latest()) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *member) changeset(row changeset.Row) (*changeset.Changeset, error) {
	if m.old != nil {
		return m.old.Changeset(row)
	}
	return m.r.Log().Changeset(row)
}

func (m *member) uuid() uuid.UUID {
	if m.old != nil {
		return m.old.UUID()
	}
	return m.r.UUID()
}

// scan enters into the account what is new in the member's log.
func (m *member) scan() error {
	had := m.has
	if m.scanned == 0 {
		m.has = nil
	}
	rows, err := m.rows()
	if err != nil {
		return err
	}
	for _, row := range rows {
		n, err := m.edit(row)
		if err != nil {
			return err
		}
		if n >= 0 {
			m.has.add(n)
		}
		m.scanned = row.Seq
	}
	if n := m.has.lacks(had); n >= 0 {
		return fail("kept", "%s has lost %s", m.Name, m.w.account.edits[n])
	}
	return nil
}

// edit returns the number of the edit in a row; -1 for bookkeeping. What nobody made before was made here and now.
func (m *member) edit(row changeset.Row) (int, error) {
	a := m.w.account
	if n, ok := a.byKey[row.Key]; ok {
		return n, nil
	}
	c, err := m.changeset(row)
	if err != nil {
		return 0, err
	}
	if n, known := a.find(row.Key, c); known {
		return n, nil
	}
	switch c.ID.Origin {
	case m.uuid():
		return a.enter(row.Key, &edit{c: c, seen: slices.Clone(m.has), old: m.old != nil}), nil
	case psync.ImportOrigin(database, sourceName):
		return a.enter(row.Key, &edit{c: c, seen: a.imported()}), nil
	}
	return 0, fail("kept", "%s has %s in row %d, which nobody made", m.Name, &edit{c: c}, row.Seq)
}

// imported returns the lines of the foreign source that were imported so far. A line has seen those above it and nothing else.
func (a *account) imported() (lines set) {
	for n, e := range a.edits {
		if e.c.ID.Origin == psync.ImportOrigin(database, sourceName) {
			lines.add(n)
		}
	}
	return lines
}

// String says what an edit does.
func (e *edit) String() string {
	text := fmt.Sprintf("%.8s:%d by %s at %s", e.c.ID.Origin, e.c.ID.Seq, e.c.Creator.Text, e.c.Created)
	for _, ch := range e.c.Changes {
		text += fmt.Sprintf(", %s of %s", ch.Kind, name(ch.Record))
		text += describe(ch.Props)
	}
	return text
}
