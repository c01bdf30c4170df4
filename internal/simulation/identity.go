package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// checkAll makes sure that a pull which went through brought all that the source had.
func (m *member) checkAll(from set) error {
	if n := m.has.lacks(from); n >= 0 {
		return fail("kept", "%s has pulled, but did not get %s", m.Name, m.w.account.edits[n])
	}
	return nil
}

// compareIdentities makes sure that replicas which have met have different UUIDs, of both logs, unless they are one, copied, to which nothing else was done since.
func compareIdentities(ours []*member) error {
	for i, a := range ours {
		for _, b := range ours[:i] {
			if a.r.UUID() != b.r.UUID() && a.r.Resolutions().UUID() == b.r.Resolutions().UUID() {
				return fail("identity", "%s and %s vote under one UUID, %s", a.Name, b.Name, a.r.Resolutions().UUID())
			}
			if err := sameOnlyIfEqual(a, b, a.r.Log(), b.r.Log()); err != nil {
				return err
			}
			if err := sameOnlyIfEqual(a, b, a.r.Resolutions(), b.r.Resolutions()); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameOnlyIfEqual(a, b *member, here, there *replica.Log) error {
	if here.UUID() != there.UUID() {
		return nil
	}
	one, err := here.Collect(1, here.Latest())
	if err != nil {
		return err
	}
	other, err := there.Collect(1, there.Latest())
	if err == nil && !slices.Equal(one, other) {
		err = fail("identity", "%s and %s have one UUID, %s, and different logs", a.Name, b.Name, here.UUID())
	}
	return err
}

// checkFork makes sure that a pull does not stop for a fork that it could have taken apart: the source has the edit that is here under the name that follows from it.
func (m *member) checkFork(id changeset.ID, from *replica.Replica) error {
	mine, err := changesetUnder(m.r, id)
	if err != nil || mine == nil || mine.Bookkeeping() {
		return err
	}
	for _, origin := range changeset.MovedOrigins(mine) {
		theirs, err := changesetUnder(from, changeset.ID{Origin: origin, Seq: id.Seq})
		if err != nil {
			return err
		}
		if theirs != nil && !theirs.Bookkeeping() && changeset.SameEdit(mine, theirs) {
			return fail("identity", "%s does not pull because of a fork at %s, which %s has as %s", m.Name, id, from.Where(), theirs.ID)
		}
	}
	return nil
}

// changesetUnder returns what a replica has under an ID, nil if there is nothing.
func changesetUnder(r *replica.Replica, id changeset.ID) (*changeset.Changeset, error) {
	seq, ok, err := r.Lookup(id)
	if err != nil || !ok {
		return nil, err
	}
	row, err := r.Log().Row(seq)
	if err != nil {
		return nil, err
	}
	return r.Log().Changeset(row)
}

// ballotBox is the log of votes before a pull that may name them anew.
type ballotBox struct {
	voter uuid.UUID
	rows  []changeset.Row
}

// box looks at the log of votes where that may be needed.
func (m *member) box() (b ballotBox, err error) {
	log := m.r.Resolutions()
	if m.w.twins {
		b.voter = log.UUID()
		b.rows, err = log.Collect(1, log.Latest())
	}
	return b, err
}

// checkCastAgain makes sure that what the member had decided in votes that were named anew counts under its new name.
func (m *member) checkCastAgain(was ballotBox, report *psync.Report) error {
	log := m.r.Resolutions()
	if len(was.rows) == 0 || was.voter == log.UUID() || len(report.Decided) > 0 {
		return nil
	}
	before, moved, err := m.movedVotes(was)
	if err != nil || len(moved) == 0 {
		return err
	}
	now, err := m.ballots()
	if err != nil {
		return err
	}
	for _, fingerprint := range moved {
		want, got := cast(before, fingerprint)[was.voter], cast(now, fingerprint)[log.UUID()]
		if !maps.Equal(want, got) {
			return fail("votes", "%s had voted %s, and after its votes were named anew it is %s", m.Name, fmt.Sprint(want), fmt.Sprint(got))
		}
	}
	return nil
}

// movedVotes returns the changesets that were in the log of votes, and the fingerprints on which those of them are that the member made and that have another
// name now.
func (m *member) movedVotes(was ballotBox) (before []*changeset.Changeset, moved []string, err error) {
	log := m.r.Resolutions()
	for _, row := range was.rows {
		c, err := log.Changeset(row)
		if err != nil {
			return nil, nil, err
		}
		if !c.Bookkeeping() {
			before = append(before, c)
		}
		now, err := log.Row(row.Seq)
		if err != nil {
			return nil, nil, err
		}
		made := row.ID == changeset.ID{Origin: was.voter, Seq: row.Seq}
		if !made || now.ID == row.ID || c.Bookkeeping() {
			continue
		}
		for _, ch := range c.Changes {
			if fingerprint, is := strings.CutPrefix(ch.Record.Type, voteType); is && ch.Record.UUID == was.voter {
				moved = append(moved, fingerprint)
			}
		}
	}
	slices.SortFunc(before, func(a, b *changeset.Changeset) int { return a.ID.Compare(b.ID) })
	return before, moved, nil
}
