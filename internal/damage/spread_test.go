package damage_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// works are what people do in the scene.
var works = []struct {
	name string
	do   func(s *damage.Scene, r *replica.Replica) error
}{
	{"edit a record in conflict", func(s *damage.Scene, r *replica.Replica) error {
		return edit(r, func(e *replica.Edit) error { return e.Update(s.Records.Open, map[string]string{"owner": "dora"}) })
	}},
	{"edit another record", func(s *damage.Scene, r *replica.Replica) error {
		return edit(r, func(e *replica.Edit) error { return e.Update(s.Records.Quiet, map[string]string{"owner": "dora"}) })
	}},
	{"create", func(s *damage.Scene, r *replica.Replica) error {
		return edit(r, func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"summary": "more"})
			return err
		})
	}},
	{"pull", func(s *damage.Scene, r *replica.Replica) error {
		from, err := replica.Open(s.Peer, replica.Options{Where: damage.CarolAt})
		if err == nil {
			_, err = psync.Pull(context.Background(), r, from, psync.Options{})
		}
		return err
	}},
	{"publish", func(s *damage.Scene, r *replica.Replica) error {
		_, err := psync.Publish(context.Background(), r, s.Mirror, psync.PublishOptions{})
		return err
	}},
}

func edit(r *replica.Replica, f func(e *replica.Edit) error) error {
	_, err := r.Edit(context.Background(), f)
	return err
}

// toldBy are words that tell of damage to some kinds of files, where the error does not name the file: of a UUID that is another one, or a number that is lower, a pull or
// a publication says that the two do not belong together; of a row that names another object, that this is missing.
var toldBy = map[string]string{
	"replica-version":               "replica format",
	"database-uuid":                 "it is a replica of another database",
	"replica-uuid":                  "a mirror of another replica",
	"latest-sequence-no":            "the mirror has",
	"changesets.idx":                "object ",
	"prophet/latest-representation": "is not one of this replica",
}

// tells reports whether an error names a file that is damaged, what should be in it, or the object that a damaged row names.
func tells(err error, c *damage.Case) bool {
	text := err.Error()
	words := toldBy[strings.TrimPrefix(c.Kind.Name, "resolutions/")]
	return strings.Contains(text, c.File) || c.Other != "" && strings.Contains(text, c.Other) || words != "" && strings.Contains(text, words)
}

// Each work on a damaged replica fails and leaves all as it was, or it works: then fsck finds nothing, or a repair makes all sound, with the edit in it. What a pull
// committed before it failed stays, as ever.
func TestAnEditNeverSpreadsDamage(t *testing.T) {
	whole := damage.New(t) // Carol has something new, to be pulled
	carol := replicatest.Open(t, whole.Peer, replica.Options{Where: damage.CarolAt, Creator: "carol@example.com"})
	if err := edit(carol, func(e *replica.Edit) error { return e.Update(whole.Records.Old, map[string]string{"owner": "carol"}) }); err != nil {
		t.Fatal(err)
	}
	kinds, err := whole.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	failed, worked, turn := 0, 0, int(*seed)
	for _, k := range kinds {
		if k.Mirror {
			continue
		}
		for _, d := range damage.Damages {
			if d == damage.Directory { // who is to write there fails in the middle of it; what it wrote until then the next writer takes back
				continue
			}
			cases, err := whole.Cases(k, d, amount())
			if err != nil {
				t.Fatal(err)
			}
			for j, c := range cases {
				if !*all && j%2 == 1 {
					continue // so that a run is short
				}
				for i, w := range works {
					if !*all && (i != turn%len(works) || (turn+turn/len(works))%race.Step != 0) { // of each five, another one
						continue
					}
					if spreads(t, whole, c, w.name, w.do) {
						worked++
					} else {
						failed++
					}
				}
				turn++
			}
		}
	}
	t.Logf("%d works on a damaged replica failed, %d worked", failed, worked)
	if failed == 0 || worked == 0 {
		t.Error("none of them failed, or none worked")
	}
}

// spreads does a work on a damaged copy of the scene, and reports whether it worked.
func spreads(t *testing.T, whole *damage.Scene, c *damage.Case, name string, do func(s *damage.Scene, r *replica.Replica) error) bool {
	t.Helper()
	s := whole.Copy()
	if err := c.Do(s.Replica); err != nil {
		t.Fatal(err)
	}
	before := contents(t, s.Replica)
	r, err := replica.Open(s.Replica, damage.AnnOptions(9))
	if err == nil {
		err = do(s, r)
	}
	if err != nil {
		changed := slices.DeleteFunc(otherFiles(before, contents(t, s.Replica)), func(name string) bool { return name == "prophet/lock" || name == "prophet/journal" })
		if len(changed) > 0 && name != "pull" {
			t.Errorf("%s, %s: it failed (%v), and changed %s", c, name, err, changed)
		}
		if !tells(err, c) {
			t.Errorf("%s, %s: the error does not name it: %v", c, name, err)
		}
		return false
	}
	made := madeBy(t, s, r)
	if bad := damaged(t, s); bad == "" {
		return true
	}
	if _, err := repair(s, true); err != nil {
		t.Errorf("%s, %s: repair: %v", c, name, err)
		return true
	}
	if bad := damaged(t, s); bad != "" {
		t.Errorf("%s, %s: after a repair fsck says %s", c, name, bad)
	}
	if now := madeBy(t, s, nil); !strings.HasPrefix(now, made) {
		t.Errorf("%s, %s: the log had %s, after a repair %s", c, name, made, now)
	}
	return true
}

// damaged says what fsck finds in the replica that is not harmless.
func damaged(t *testing.T, s *damage.Scene) (said string) {
	t.Helper()
	found, err := checked(t, s.Replica)
	if err != nil {
		return err.Error()
	}
	for _, p := range found {
		if !p.Harmless {
			said += p.Path + ": " + p.Text + "\n"
		}
	}
	return said
}

// madeBy names the changesets in the log, as a replica that was written to has it, or else as the files have it.
func madeBy(t *testing.T, s *damage.Scene, r *replica.Replica) (ids string) {
	t.Helper()
	if r == nil {
		r = replicatest.Open(t, s.Replica, replica.Options{})
	}
	rows, err := r.Log().Collect(1, r.Latest())
	if err != nil {
		t.Logf("%v", err)
	}
	for _, row := range rows {
		ids += fmt.Sprint(row.ID, " ")
	}
	return ids
}
