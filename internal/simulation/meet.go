package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// rounds is in how many rounds of everybody pulling from everybody all must be quiet.
const rounds = 8

// meet lets everybody pull from everybody until nothing comes any more, and asks the oracles. Those who use the original take part as sources.
func (w *world) meet() error {
	ours, all := w.ours(), w.readable()
	var has set // edits that anybody has
	for i, m := range all {
		has.addAll(m.has)
		if m.old != nil || i > 0 && uint64(i)%3 != w.h.Seed%3 { // it takes a quarter of the time
			continue
		}
		if err := m.sound(); err != nil {
			return err
		}
	}
	if err := gossip(ours, all); err != nil {
		return err
	}
	for _, m := range ours {
		if n := m.has.lacks(has); n >= 0 {
			return fail("kept", "%s never got %s", m.Name, w.account.edits[n])
		}
		if err := m.sound(); err != nil {
			return err
		}
	}
	if err := compare(ours); err != nil {
		return err
	}
	if err := ours[w.h.Seed%uint64(len(ours))].retell(); err != nil {
		return err
	}
	return ours[0].reckon()
}

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
	for range rounds {
		quiet := true
		for i, m := range ours {
			for _, other := range all {
				if other.old != nil && i > 0 && m.w.h.Seed%2 == 0 { // the others learn from the first what it read there
					continue
				}
				came, err := gossipOnce(m, other)
				if err != nil {
					return err
				}
				quiet = quiet && came == 0
			}
		}
		if quiet {
			return nil
		}
	}
	return fail("quiet", "something comes in every one of %d rounds", rounds)
}

// gossipOnce lets one member pull from another, and returns how much came.
func gossipOnce(m, other *member) (came int, err error) {
	if m == other {
		return 0, nil
	}
	report, err := m.pull(other, psync.Options{})
	if err != nil {
		return 0, err
	}
	if report.Known == forked {
		return 1, m.mend(other)
	}
	return report.Integrated + report.Votes, m.scan()
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
	var want view
	for _, m := range ours {
		if err := m.reopen(); err != nil {
			return err
		}
		got, err := look(m.r, m.w.account.records())
		if err != nil {
			return err
		}
		if m == first {
			want = got
			continue
		}
		for i, oracle := range []string{"same", "conflicts", "digest"} {
			if got[i] != want[i] {
				return fail(oracle, "%s has\n%s%s has\n%s", first.Name, want[i], m.Name, got[i])
			}
		}
	}
	return nil
}

// view is what people see of a replica, in words: its records, what is open, its digests.
type view [3]string

func look(r *replica.Replica, recs []changeset.RecordID) (v view, err error) {
	if v[0], err = shown(r, recs); err != nil {
		return v, err
	}
	if v[1], err = openIn(r); err != nil {
		return v, err
	}
	digests, err := r.Digest(context.Background())
	v[2] = fmt.Sprintf("\t%s\n", digests)
	return v, err
}

// shown lists what the replica shows of these records.
func shown(r *replica.Replica, recs []changeset.RecordID) (string, error) {
	var b strings.Builder
	for _, rec := range recs {
		props, lives, err := r.Log().Props(rec)
		if err != nil {
			return "", err
		}
		if lives {
			fmt.Fprintf(&b, "\t%s%s\n", name(rec), values(props))
		}
	}
	return b.String(), nil
}

func values(props map[string]string) string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(props)) {
		fmt.Fprintf(&b, " %s=%q", p, props[p])
	}
	return b.String()
}

// openIn lists what is open in a replica.
func openIn(r *replica.Replica) (string, error) {
	open, err := r.Conflicts()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, o := range open {
		fmt.Fprintf(&b, "\t%s, heads", name(o.Record))
		for _, id := range o.Heads {
			fmt.Fprintf(&b, " %.8s:%d", id.Origin, id.Seq)
		}
		b.WriteString("\n")
		if o.Existence != nil {
			fmt.Fprintf(&b, "\t\tkeep%s, delete%s\n", entries(o.Existence.Keep), entries(o.Existence.Delete))
		}
		for i := range o.Conflicts {
			c := &o.Conflicts[i]
			fmt.Fprintf(&b, "\t\t%s=%q by %s of%s, %.8s\n", c.Prop, c.Value, c.Why, rivals(c), c.Fingerprint)
		}
	}
	return b.String(), nil
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
