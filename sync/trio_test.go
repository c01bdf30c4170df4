package sync_test

import (
	"slices"
	"testing"
	"time"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// at gives a replica a clock that stands still.
func at(who string, hour int) replica.Options {
	return replica.Options{Where: who, Creator: who + "@example.com", Now: func() time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }}
}

func TestAConflictIsLoggedAsTheOriginalDoesAndADecisionAsItsVote(t *testing.T) {
	ann := replicatest.Init(t, crashfs.New(), at("ann", 12))
	rec := newTicket(t, ann)
	bob := replicatest.Clone(t, ann, at("bob", 11))
	update(t, bob, rec, "status", "open")
	update(t, ann, rec, "status", "closed") // later, so it holds
	first := ann.Latest() + 1
	pull(t, ann, bob)

	type logged struct {
		null, resolution bool
		creator          string
		old, new         string
	}
	want := []logged{
		{true, false, "", "closed", "new"},
		{false, false, "bob@example.com", "new", "open"},
		{false, true, "ann@example.com", "open", "closed"},
	}
	var got []logged
	for row, err := range ann.Log().Rows(first, ann.Latest()) {
		if err != nil {
			t.Fatal(err)
		}
		c, err := ann.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		pc := c.Change(rec).Props["status"]
		got = append(got, logged{c.Nullification, c.Resolution, c.Creator.Text, pc.Old.Text, pc.New.Text})
		if c.Bookkeeping() && c.ID != (changeset.ID{Origin: ann.UUID(), Seq: row.Seq}) {
			t.Errorf("row %d is bookkeeping under the ID %s", row.Seq, c.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pull logged %+v, want %+v", got, want)
	}

	update(t, ann, rec, "status", "settled")
	fingerprint := changeset.Fingerprint(rec, []changeset.Clash{{Name: "status", Choices: []string{"closed", "open"}, OldValue: changeset.Text("new")}})
	vote := changeset.RecordID{Type: "_prophet_resolution-" + fingerprint, UUID: ann.Resolutions().UUID()}
	props, ok, err := ann.Resolutions().Props(vote)
	if err != nil || !ok || props["status"] != "settled" || props["_meta"] != "update_file" {
		t.Errorf("the vote %s is %v, %v (%v)", vote, props, ok, err)
	}
}
