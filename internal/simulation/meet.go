package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// meet lets everybody pull from everybody until nothing comes any more, and asks the oracles. Those who use the original take part as sources.
func (w *world) meet() error {
	if err := w.meetOld(); err != nil {
		return err
	}
	ours, all := w.ours(), w.readable()
	var has set // edits that anybody has
	for i, m := range all {
		has.addAll(m.has)
		if m.old == nil && turn(i, w.h.Seed, 3) {
			if err := m.sound(); err != nil {
				return err
			}
		}
	}
	if err := gossip(ours, all); err != nil {
		return err
	}
	for i, m := range ours {
		if n := m.has.lacks(has); n >= 0 {
			return fail("kept", "%s never got %s", m.Name, w.account.edits[n])
		}
		if turn(i, w.h.Seed, 2) {
			if err := m.sound(); err != nil {
				return err
			}
		}
	}
	if err := compare(ours); err != nil {
		return err
	}
	if err := compareIdentities(ours); err != nil {
		return err
	}
	if err := ours[w.h.Seed%uint64(len(ours))].retell(); err != nil {
		return err
	}
	return ours[0].reckon()
}

// turn reports whether fsck looks at a member in a history with this seed: at the first, and at one of so many others. It takes a quarter of the time, and
// what a step does to one member it does to another in another history.
func turn(i int, seed, every uint64) bool { return i == 0 || uint64(i)%every == seed/4%every }

// ours returns the members that are there and use no original.
func (w *world) ours() []*member {
	return slices.DeleteFunc(slices.Clone(w.members), func(m *member) bool { return m == nil || m.old != nil })
}

// readable returns the members that are there, less those aside.
func (w *world) readable() []*member {
	return slices.DeleteFunc(slices.Clone(w.members), func(m *member) bool { return m == nil || m.Aside })
}

// gossip goes on until all of ours have pulled from everybody with nothing new.
func gossip(ours, all []*member) error {
	for i := range len(ours) - 1 { // along the line and back, which brings most of it
		if _, err := gossipOnce(ours[i+1], ours[i]); err != nil {
			return err
		}
	}
	for i := len(ours) - 2; i >= 0; i-- {
		if _, err := gossipOnce(ours[i], ours[i+1]); err != nil {
			return err
		}
	}
	err := replicatest.Gossip(ours, all, func(m, other *member) (news bool, err error) {
		if m.closed(other) {
			return false, nil
		}
		return gossipOnce(m, other)
	})
	if errors.Is(err, replicatest.ErrNotQuiet) {
		return fail("quiet", "%v", err)
	}
	return err
}

// gossipOnce lets one member pull from another, and reports whether that brought or changed anything.
func gossipOnce(m, other *member) (news bool, err error) {
	from, err := other.open()
	if err != nil {
		return false, err
	}
	report, err := m.pullFrom(context.Background(), from, psync.Options{})
	if err != nil {
		return false, err
	}
	if report.Known == forked {
		return true, m.mend(other)
	}
	if err := m.scan(); err != nil {
		return false, err
	}
	return replicatest.News(report), m.checkAll(other.has)
}

// mend moves the member's side of what is forked between it and another, as a person does whom a pull told to.
func (m *member) mend(other *member) error {
	from, err := other.open()
	if err != nil {
		return err
	}
	if _, err := psync.Reidentify(context.Background(), m.r, from, psync.Options{}); err != nil {
		return err
	}
	return m.scan()
}

// sound holds the replica against fsck, which replays its log.
func (m *member) sound() error {
	var found error
	err := replica.Check(context.Background(), m.fs, replica.Options{}, func(p replica.Problem) {
		if !p.Harmless && found == nil {
			found = fail("log", "%s: %s: %s", m.Name, p.Path, p.Text)
		}
	}, nil)
	if found != nil {
		return found
	}
	return err
}

// compare holds the members against the first.
func compare(ours []*member) error {
	first := ours[0]
	var want replicatest.View
	for _, m := range ours {
		if err := m.reopen(); err != nil {
			return err
		}
		got, err := replicatest.Look(m.r, name)
		if err != nil {
			return err
		}
		if m == first {
			want = got
			continue
		}
		for _, seen := range []struct{ oracle, want, got string }{
			{"same", want.Records, got.Records}, {"conflicts", want.Conflicts, got.Conflicts}, {"digest", want.Digests, got.Digests},
		} {
			if seen.got != seen.want {
				return fail(seen.oracle, "%s has\n%s%s has\n%s", first.Name, seen.want, m.Name, seen.got)
			}
		}
	}
	return nil
}

// number returns the number of the edit that bears an ID in the replica.
func (m *member) number(id changeset.ID) (int, error) {
	seq, ok, err := m.r.Lookup(id)
	if err != nil || !ok {
		return 0, fmt.Errorf("look up %s: known %v, %w", id, ok, err)
	}
	row, err := m.r.Log().Row(seq)
	if err != nil {
		return 0, err
	}
	return m.edit(row)
}
