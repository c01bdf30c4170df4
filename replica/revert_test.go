package replica_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// madeBy returns the changeset that made a record.
func (team *team) madeBy(in int, rec changeset.RecordID) changeset.ID {
	team.t.Helper()
	events, err := team.replicas[in].History(rec)
	if err != nil {
		team.t.Fatal(err)
	}
	return events[0].Changeset.ID
}

// revert reverts a changeset in a replica, and says in words what came of it.
func (team *team) revert(in int, c *changeset.Changeset) string {
	team.t.Helper()
	var got replica.Reverted
	done := team.edit(in, func(e *replica.Edit) (err error) {
		got, err = e.Revert(c.ID)
		return err
	})
	var words []string
	for _, u := range got.Undone {
		words = append(words, fmt.Sprintf("%s=%s", u.Prop, u.Value))
	}
	for _, l := range got.NotUndone {
		words = append(words, fmt.Sprintf("%s left as %q: %s%s", l.Prop, l.Value, l.Why, team.by(l.By)))
	}
	if len(got.Already) > 0 {
		words = append(words, "already"+team.by(got.Already...))
	}
	if done == nil {
		words = append(words, "no changeset")
	} else if d := team.decided[done.ID]; len(d) > 0 {
		words = append(words, fmt.Sprintf("decides %q", d[0].Prop))
	}
	return strings.Join(words, "; ")
}

// by names changesets by the replica in which they were made, from 0, and their number there.
func (team *team) by(ids ...changeset.ID) (text string) {
	for _, id := range ids {
		at := slices.IndexFunc(team.replicas, func(r *replica.Replica) bool { return r.UUID() == id.Origin })
		if !id.IsZero() {
			text += fmt.Sprintf(" by %d:%d", at, id.Seq)
		}
	}
	return text
}

func (team *team) first(in int, rec changeset.RecordID) *changeset.Changeset {
	return team.changeset(in, team.madeBy(in, rec))
}

func TestRevertUndoesWhatStillHolds(t *testing.T) {
	tests := []struct {
		name, want, again string
		f                 func(team *team, rec changeset.RecordID) *changeset.Changeset // what is to be reverted
	}{
		{"an update", "owner=; status=new", "already by 0:3; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			return team.update(0, rec, "status", "open", "owner", "ann")
		}},
		{"one changed since", `owner=; status left as "closed": changed by 0:3`, `status left as "closed": changed by 0:3; already by 0:4; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open", "owner", "ann")
			team.update(0, rec, "status", "closed")
			return c
		}},
		{"a record deleted since", ` left as "": deleted; no changeset`, ` left as "": deleted; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.delete(0, rec)
			return c
		}},
		{"a decision for what held", `status left as "stalled": same; no changeset`, `status left as "stalled": same; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return team.update(0, rec, "status", "stalled")
		}},
		{"a decision for another value", "status=stalled", "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return team.update(0, rec, "status", "open")
		}},
		{"a creation", "=delete", "already by 0:2; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset { return team.first(0, rec) }},
		{"a creation changed since", ` left as "": changed; no changeset`, ` left as "": changed; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "status", "open")
			return team.first(0, rec)
		}},
		{"a deletion", "=keep", "already by 0:4; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "owner", "ann")
			return team.delete(0, rec)
		}},
		{"a deletion repeated since", ` left as "": deleted; no changeset`, ` left as "": deleted; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.delete(0, rec)
			team.edit(0, func(e *replica.Edit) error { return e.Restore(rec, nil) })
			team.delete(0, rec)
			return c
		}},
		{"what holds in a conflict", `status=stalled; decides "status"`, "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(1, rec, "status", "stalled")
			c := team.update(0, rec, "status", "open")
			team.pull(0, 1)
			return c
		}},
		{"what loses in a conflict", `status=stalled; decides "status"`, "already by 0:5; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return c
		}},
		{"what loses to its old value in a conflict", `status=new; decides "status"`, "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.update(1, rec, "status", "new")
			team.pull(0, 1)
			return c
		}},
		{"one of three in a conflict", `status left as "stalled": conflict; no changeset`, `status left as "stalled": conflict; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.threeRivals(rec, "open", "closed")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return c
		}},
		{"one beside two that agree", `status=closed; decides "status"`, "already by 0:7; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.threeRivals(rec, "open", "closed")
			team.update(1, rec, "status", "closed")
			team.pull(0, 1)
			return c
		}},
		{"one of three that a sum counts", `status left as "15": conflict; no changeset`, `status left as "15": conflict; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.edit(0, func(e *replica.Edit) error { return e.SetRule("Ticket", "status", resolution.RuleSum) })
			team.update(0, rec, "status", "10")
			team.pull(1, 0)
			c := team.threeRivals(rec, "11", "12")
			team.update(1, rec, "status", "12")
			team.pull(0, 1)
			return c
		}},
		{"what rivals were made from", `status left as "new": changed; no changeset`, `status left as "new": changed; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.edit(0, func(e *replica.Edit) error { return e.SetRule("Ticket", "status", resolution.RuleAsk) })
			team.update(0, rec, "status", "open")
			c := team.update(0, rec, "status", "new")
			team.pull(1, 0)
			team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return c
		}},
		{"one of two that are equal", `status left as "open": equal by 1:2; no changeset`, `status left as "open": equal by 1:2; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "open")
			team.pull(0, 1)
			return c
		}},
		{"one of two that are equal, with something else since", `owner=; status left as "open": equal by 1:2`, `status left as "open": equal by 1:2; already by 0:6; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open", "owner", "ann")
			team.update(1, rec, "status", "open")
			team.pull(0, 1)
			team.update(0, rec, "priority", "5")
			return c
		}},
		{"one of two that a sum counts", `status=11; decides "status"`, "already by 0:8; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.edit(0, func(e *replica.Edit) error { return e.SetRule("Ticket", "status", resolution.RuleSum) })
			team.update(0, rec, "status", "10")
			team.pull(1, 0)
			c := team.update(0, rec, "status", "11")
			team.update(1, rec, "status", "11")
			team.pull(0, 1)
			return c
		}},
		{"what was written again since", `status left as "open": equal by 0:4; no changeset`, `status left as "open": equal by 0:4; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(0, rec, "status", "closed")
			team.update(0, rec, "status", "open")
			return c
		}},
		{"what was put back by hand", "already by 0:4; no changeset", "already by 0:4; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(0, rec, "status", "closed")
			team.update(0, rec, "status", "new")
			return c
		}},
		{"what was decided for a third value", `status left as "closed": changed by 0:5; no changeset`, `status left as "closed": changed by 0:5; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			team.update(0, rec, "status", "closed")
			return c
		}},
		{"a creation that somebody made too", ` left as "": equal by 1:2; no changeset`, ` left as "": equal by 1:2; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			other := changeset.RecordID{Type: "Ticket", UUID: team.replicas[0].UUID()}
			c := team.edit(0, func(e *replica.Edit) error { return e.Restore(other, map[string]string{"status": "new"}) })
			team.edit(1, func(e *replica.Edit) error { return e.Restore(other, map[string]string{"status": "new"}) })
			team.pull(0, 1)
			return c
		}},
		{"a creation put back since", "=delete", "already by 0:4; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "status", "open")
			team.update(0, rec, "status", "new")
			return team.first(0, rec)
		}},
		{"one of two deletions", ` left as "": equal by 1:2; no changeset`, ` left as "": equal by 1:2; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.delete(0, rec)
			team.delete(1, rec)
			team.pull(0, 1)
			return c
		}},
		{"one of two deletions in conflict", ` left as "": conflict; no changeset`, ` left as "": conflict; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.pull(2, 0)
			c := team.delete(0, rec)
			team.delete(2, rec)
			team.update(1, rec, "status", "stalled")
			team.pull(0, 2)
			team.pull(0, 1)
			return c
		}},
		{"a deletion that was decided against", "already by 0:6; no changeset", "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.delete(0, rec)
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			team.edit(0, func(e *replica.Edit) error { return e.Keep(rec) })
			return c
		}},
		{"a decision to keep", ` left as "": same; no changeset`, ` left as "": same; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.delete(0, rec)
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return team.edit(0, func(e *replica.Edit) error { return e.Keep(rec) })
		}},
		{"an edit that keeps a record", `=delete; decides ""`, ` left as "": deleted; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.update(0, rec, "status", "open")
			team.delete(1, rec)
			team.pull(0, 1)
			return c
		}},
		{"one of two edits that keep a record", ` left as "": conflict; no changeset`, ` left as "": conflict; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.threeRivals(rec, "open", "open")
			team.delete(1, rec)
			team.pull(0, 1)
			return c
		}},
		{"the second edit of one who keeps a record", ` left as "": conflict; no changeset`, ` left as "": conflict; no changeset`, func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.update(0, rec, "owner", "ann")
			c := team.update(0, rec, "status", "open")
			team.delete(1, rec)
			team.pull(0, 1)
			return c
		}},
		{"a re-creation beside a deletion", `=delete; decides ""`, "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			team.delete(0, rec)
			c := team.edit(0, func(e *replica.Edit) error { return e.Restore(rec, nil) })
			team.delete(1, rec)
			team.pull(0, 1)
			return c
		}},
		{"a deletion in conflict", `=keep; decides ""`, "already by 0:6; no changeset", func(team *team, rec changeset.RecordID) *changeset.Changeset {
			c := team.delete(0, rec)
			team.update(1, rec, "status", "stalled")
			team.pull(0, 1)
			return c
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			team := newTeam(t, 3)
			rec := team.create(0, map[string]string{"status": "new"})
			team.pull(1, 0)
			c := tt.f(team, rec)
			if got := team.revert(0, c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := team.revert(0, c); got != tt.again {
				t.Errorf("again: got  %s\nwant %s", got, tt.again)
			}
			team.pull(1, 0)
			team.pull(0, 1)
			ours, err := team.replicas[0].Merged(rec)
			if err != nil {
				t.Fatal(err)
			}
			if theirs, err := team.replicas[1].Merged(rec); err != nil || !maps.Equal(theirs.Props, ours.Props) {
				t.Errorf("they have %v, we %v; %v", theirs.Props, ours.Props, err)
			}
		})
	}
}
