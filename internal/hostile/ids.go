package hostile

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// attacksByParents are those by what a change says that its maker had seen.
func attacksByParents() []Attack {
	parents := func(seq uint32, ids ...changeset.ID) *changeset.Changeset {
		c := lie(seq)
		c.Changes[0].Parents = ids
		return c
	}
	onTicket := func(w *World, c *changeset.Changeset) *changeset.Changeset {
		c.Changes[0].Record, c.Changes[0].Kind = w.Ticket, changeset.Update
		return c
	}
	copyOf := func(c *changeset.Changeset, of changeset.ID) *changeset.Changeset {
		c.Changes[0].CopyOf = of
		return c
	}
	first := func(w *World) changeset.ID { return changeset.ID{Origin: w.Publisher, Seq: 1} }
	return []Attack{
		lies("a parent that does not exist", "parent", func(w *World) []*changeset.Changeset {
			return []*changeset.Changeset{parents(2, lie(1).ID)}
		}),
		lies("a parent that touches another record", "parent", func(w *World) []*changeset.Changeset {
			return []*changeset.Changeset{parents(1, first(w))}
		}),
		lies("parents in a circle", "parent", func(w *World) []*changeset.Changeset {
			a, b := parents(1, lie(2).ID), parents(2, lie(1).ID)
			b.Changes[0].Record = a.Changes[0].Record
			return []*changeset.Changeset{a, b}
		}),
		lies("a change that is its own parent", "parent", func(w *World) []*changeset.Changeset {
			return []*changeset.Changeset{parents(1, lie(1).ID)}
		}),
		raw("10,000 parents", "more than 1000", func() []byte {
			ids := numbered(9_000, `"`+mallory.String()+`:1%04d"`)
			return like(1, `"parents":[]`, `"parents":[`+ids+`]`)
		}),
		raw("parents out of order", "is out of order or there twice", func() []byte {
			return like(1, `"parents":[]`, fmt.Sprintf(`"parents":["%s:2","%s:1"]`, mallory, mallory))
		}),
		raw("a parent that is no ID", "want <origin uuid>:<sequence number>", func() []byte {
			return like(1, `"parents":[]`, `"parents":["../../etc/passwd"]`)
		}),
		raw("a copy of itself", "copy_of names the changeset itself", func() []byte {
			return like(1, `"parents":[]`, fmt.Sprintf(`"copy_of":"%s:1","parents":[]`, mallory))
		}),
		raw("a copy of what is no ID", "want <origin uuid>:<sequence number>", func() []byte {
			return like(1, `"parents":[]`, `"copy_of":"../../etc/passwd","parents":[]`)
		}),
		harmless("a copy of an edit that the victim has yet to make", "it counts for itself, as any edit: that one will have seen it", func(m *Mirror) {
			m.add(main, copyOf(onTicket(m.World, parents(1, first(m.World))), changeset.ID{Origin: m.Victim, Seq: 1000}))
		}),
		harmless("a copy of an edit of another record", "that is not among the changes to this one: it counts for itself", func(m *Mirror) {
			m.add(main, copyOf(parents(1), first(m.World)))
		}),
		harmless("copies in a circle", "they are one edit, and one of them counts", func(m *Mirror) {
			a, b := copyOf(parents(1), lie(2).ID), copyOf(parents(2), lie(1).ID)
			b.Changes[0].Record = a.Changes[0].Record
			m.add(main, a, b)
		}),
		harmless("a copy of the first edit, which says something else", "it counts for itself, as an edit that has seen nothing", func(m *Mirror) {
			m.add(main, copyOf(onTicket(m.World, parents(1)), first(m.World)))
		}),
		harmless("an edit that claims to have seen all", "not signed: whoever can write to the database can overwrite a value; nothing is lost, the history has it", func(m *Mirror) {
			m.add(main, onTicket(m.World, parents(1, first(m.World))))
		}),
	}
}

// attacksByIdentity are those by the name under which something comes.
func attacksByIdentity() []Attack {
	forged := func(w *World) *changeset.Changeset { return by(w.ByAlice.Origin, w.ByAlice.Seq) }
	return []Attack{
		{Name: "another edit under the name of one that is here", Lie: func(m *Mirror) { m.add(main, forged(m.World)) },
			Clone: "is one edit", Pull: "is one edit"},
		{Name: "another edit under the name of one that is here, with a greater time", Lie: func(m *Mirror) {
			c := forged(m.World)
			c.Created = "9999-12-31 23:59:59"
			m.add(main, c)
		}, Clone: "is one edit", Pull: "is one edit"},
		{Name: "an edit under the name of one of the victim's own", Moves: true, Lie: func(m *Mirror) { m.add(main, by(m.Victim, 6)) },
			Harmless: "looks like a copy of this replica: ours get another name, and none is lost (ADR 11)"},
		{Name: "edits that the victim has not made yet", Moves: true, Lie: func(m *Mirror) { m.add(main, by(m.Victim, 1000), by(m.Victim, 1<<32-1)) },
			Harmless: "looks like a restore from a backup: we get another UUID for what is made from now on (ADR 11)"},
		{Name: "alice:4294967295", Lie: func(m *Mirror) { m.add(main, by(m.Alice, 1<<32-1)) },
			Harmless: "known is what has its ID, never what is below a number: alice's later edits come"},
		{Name: "4294967295 of every origin, in both logs", Moves: true, Lie: func(m *Mirror) {
			for _, u := range []uuid.UUID{m.Alice, m.Publisher, m.Victim, mallory} {
				m.add(main, by(u, 1<<32-1))
			}
			m.add(votes, by(m.Voter, 1<<32-1))
		}, Harmless: "known is what has its ID, never what is below a number"},
		both("the UUID of another database", "another database", func(m *Mirror) {
			m.text(changeset.DatabaseUUIDFile, mallory.String())
		}).clones("the UUID names the database: a clone is of that one").alone().ofAll(),
		both("a UUID that is a path", "is not a UUID", func(m *Mirror) { m.text(changeset.ReplicaUUIDFile, "../../../../tmp") }).ofAll(),
		both("a format of tomorrow", "has replica format", func(m *Mirror) { m.text(changeset.ReplicaVersionFile, "\x1b[2J99") }).ofAll(),
		harmless("bookkeeping that claims to undo everything", "bookkeeping of others is never integrated", func(m *Mirror) {
			c := by(m.Publisher, 900)
			c.Nullification = true
			c.Changes[0].Record, c.Changes[0].Kind, c.Changes[0].Props = m.Ticket, changeset.Delete, nil
			m.add(main, c)
		}),
		harmless("a clock a hundred years ahead", "accepted with a warning; who decides after it has the last word", func(m *Mirror) {
			c := lie(1)
			c.Created = "2126-11-21 09:00:00"
			m.add(main, c)
		}),
		harmless("a time that is none", "times are compared as bytes", func(m *Mirror) {
			c := lie(1)
			c.Created = "\x1b[2J\u202eyesterday"
			m.add(main, c)
		}),
		harmless("a vote in another's name", "a vote counts only if its UUID is its origin; one under both needs the voter's origin, which nobody signs yet", func(m *Mirror) {
			c := by(mallory, 1)
			c.Changes[0].Record = changeset.RecordID{Type: "_prophet_resolution-" + strings.Repeat("a", 40), UUID: m.Voter}
			c.Changes[0].Props = map[string]changeset.PropChange{"status": {New: changeset.Text("stolen")}}
			m.add(votes, c)
		}),
		both("another vote under the name of one that is here", "is one edit", func(m *Mirror) { m.add(votes, by(m.Vote.Origin, m.Vote.Seq)) }),
		both("a vote that is damaged", "it holds changeset", func(m *Mirror) { m.addBytes(votes, lie(1).ID, lie(2).Encode()) }),
	}
}

// clones says that a clone succeeds, and why it may.
func (a Attack) clones(why string) Attack {
	a.Clone, a.Harmless = "", why
	return a
}

// alone says that what can be pulled has nothing to do with the world's database any more.
func (a Attack) alone() Attack {
	a.Alone = true
	return a
}

// Shows returns an error if a replica does not show a record with a status.
func Shows(r *replica.Replica, rec changeset.RecordID, status string) error {
	got, err := r.Record(rec)
	if err == nil && got.Props["status"] != status {
		err = fmt.Errorf("%s has the status %q, want %q", rec, got.Props["status"], status)
	}
	return err
}
