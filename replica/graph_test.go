package replica_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// team is replicas of one database, in memory, whose clock goes on by a second an edit.
type team struct {
	t        testing.TB
	now      time.Time
	replicas []*replica.Replica
	decided  map[changeset.ID][]replica.Decision // by edits, as they reported it
}

func newTeam(t testing.TB, n int) *team {
	team := &team{t: t, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), decided: map[changeset.ID][]replica.Decision{}}
	id := replica.Identity{Database: uuid.New(), Votes: uuid.New()}
	for range n {
		r, err := replica.Init(t.Context(), crashfs.New(), id, replica.Options{Now: func() time.Time { return team.now }})
		if err != nil {
			t.Fatal(err)
		}
		team.replicas = append(team.replicas, r)
	}
	return team
}

// edit makes an edit in a replica and returns its changeset.
func (team *team) edit(in int, f func(e *replica.Edit) error) *changeset.Changeset {
	team.t.Helper()
	team.now = team.now.Add(time.Second)
	edited, err := team.replicas[in].Edit(team.t.Context(), f)
	if err != nil {
		team.t.Fatal(err)
	}
	if edited.ID.IsZero() {
		return nil
	}
	team.decided[edited.ID] = edited.Decided
	return team.changeset(in, edited.ID)
}

func (team *team) create(in int, props map[string]string) (rec changeset.RecordID) {
	team.t.Helper()
	team.edit(in, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Ticket", props)
		return err
	})
	return rec
}

func (team *team) update(in int, rec changeset.RecordID, words ...string) *changeset.Changeset {
	team.t.Helper()
	props := map[string]string{}
	for i := 0; i < len(words); i += 2 {
		props[words[i]] = words[i+1]
	}
	return team.edit(in, func(e *replica.Edit) error { return e.Update(rec, props) })
}

func (team *team) delete(in int, rec changeset.RecordID) *changeset.Changeset {
	team.t.Helper()
	return team.edit(in, func(e *replica.Edit) error { return e.Delete(rec) })
}

func (team *team) changeset(in int, id changeset.ID) *changeset.Changeset {
	team.t.Helper()
	_, c := rowOf(team.t, team.replicas[in], id)
	return c
}

// pull brings everything of one replica to another.
func (team *team) pull(to, from int) {
	team.t.Helper()
	log := team.replicas[from].Log()
	err := team.replicas[to].Update(team.t.Context(), func(tx *replica.Tx) error {
		for row, err := range log.Rows(1, log.Latest()) {
			if err != nil {
				return err
			}
			c, err := log.Changeset(row)
			if err != nil {
				return err
			}
			if !c.Bookkeeping() {
				if _, err := tx.Integrate(c); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		team.t.Fatal(err)
	}
}

// TestDecisionsOfTheLogAreThoseThatEditsReported lets people edit and pull at random, and asks every replica about every changeset.
func TestDecisionsOfTheLogAreThoseThatEditsReported(t *testing.T) {
	found := 0
	for seed := range uint64(race.Part(30)) {
		r := rand.New(rand.NewPCG(seed, 1))
		team := newTeam(t, 3)
		recs := []changeset.RecordID{team.create(0, nil), team.create(1, nil)}
		team.pull(1, 0)
		team.pull(0, 1)
		team.pull(2, 1)
		for range 40 {
			who := r.IntN(3)
			if r.IntN(3) == 0 {
				team.pull(who, (who+1+r.IntN(2))%3)
				continue
			}
			rec := recs[r.IntN(2)]
			team.edit(who, func(e *replica.Edit) error { return randomChange(r, e, rec) })
		}
		for who := range team.replicas {
			team.pull(who, (who+1)%3)
			team.pull(who, (who+2)%3)
		}
		for who, r := range team.replicas {
			found += checkDecisions(t, fmt.Sprintf("seed %d, replica %d", seed, who), r, team.decided)
		}
	}
	if found < race.Part(100) {
		t.Errorf("only %d decisions were made", found)
	}
}

func randomChange(r *rand.Rand, e *replica.Edit, rec changeset.RecordID) error {
	_, lives, err := e.Props(rec)
	switch {
	case err != nil:
		return err
	case !lives:
		return e.Restore(rec, map[string]string{"p": fmt.Sprint(r.IntN(3))})
	case r.IntN(6) == 0:
		return e.Delete(rec)
	}
	return e.Update(rec, map[string]string{string(rune('p' + r.IntN(3))): fmt.Sprint(r.IntN(3))})
}

// checkDecisions returns how many the log has.
func checkDecisions(t *testing.T, what string, r *replica.Replica, want map[changeset.ID][]replica.Decision) (n int) {
	t.Helper()
	decisions := r.Decisions()
	for row, err := range r.Log().Rows(1, r.Latest()) {
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decisions.Of(row.Seq, c)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want[c.ID]) && !c.Bookkeeping() {
			t.Fatalf("%s, row %d: got %v, the edit reported %v", what, row.Seq, got, want[c.ID])
		}
		n += len(got)
	}
	return n
}

// graph returns the graph of a record.
func graph(r *replica.Replica, rec changeset.RecordID) ([]replica.Node, error) {
	history, err := r.History(rec)
	if err != nil {
		return nil, err
	}
	return r.Link(rec, history)
}

func TestGraphLinksAHistoryAndLeavesBookkeepingOut(t *testing.T) {
	team := newTeam(t, 2)
	rec := team.create(0, map[string]string{"status": "new"})
	team.pull(1, 0)
	team.update(0, rec, "status", "open")
	team.update(1, rec, "status", "stalled")
	team.pull(0, 1)
	team.update(0, rec, "status", "closed")
	nodes, err := graph(team.replicas[0], rec)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, n := range nodes {
		got += fmt.Sprint(n.Row.Seq, n.Parents, n.Head, n.Decides, " ")
	}
	if want := "1 [] false [] 2 [0] false [] 4 [0] false [] 5 [1 2] true [status] "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func BenchmarkGraph(b *testing.B) {
	team := newTeam(b, 2)
	rec := team.create(0, nil)
	for i := 1; i < 1000; i += 3 {
		team.pull(1, 0)
		team.update(0, rec, "status", fmt.Sprint(i))
		team.update(1, rec, "status", fmt.Sprint(i+1))
		team.pull(0, 1)
		team.update(0, rec, "status", fmt.Sprint(i+2))
	}
	for b.Loop() {
		if nodes, err := graph(team.replicas[0], rec); err != nil || len(nodes) != 1000 {
			b.Fatal(len(nodes), err)
		}
	}
}

// TestGraphHasTheParentsOfTheBestRepresentation learns later what an edit, a decision, had seen.
func TestGraphHasTheParentsOfTheBestRepresentation(t *testing.T) {
	fsys := crashfs.New()
	x1, y1, x2, y2 := idOf(xavier, 1), idOf(yvonne, 1), idOf(xavier, 2), idOf(yvonne, 2)
	decides := func(parents ...changeset.ID) *changeset.Changeset {
		return made(y2, 4, changeset.Update, "status=stalled>done", parents...)
	}
	r := holding(t, fsys, first(changeset.Create, "status=>new"), made(y1, 2, changeset.Update, "status=new>open", x1),
		made(x2, 3, changeset.Update, "status=new>stalled", x1), decides())
	for _, want := range []string{"[0] [0] [1] ", "[0] [0] [1 2] status"} {
		nodes, err := graph(r, thing)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, n := range nodes[1:] {
			got += fmt.Sprint(n.Parents) + " "
		}
		last := nodes[len(nodes)-1]
		decided, err := r.Decisions().Of(last.Row.Seq, last.Changeset)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range decided {
			got += d.Prop
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if err := r.Update(t.Context(), func(tx *replica.Tx) error {
			_, err := tx.Represent(decides(x2, y1))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDecisionsCostTheSameHoweverLongARecordsHistoryIs asks about the last changes to a record that nobody changed at the same time.
func TestDecisionsCostTheSameHoweverLongARecordsHistoryIs(t *testing.T) {
	reads := map[int]int{}
	for _, changes := range []int{10, 1000} {
		fsys := replicatest.Count(crashfs.New())
		r := replicatest.Init(t, fsys, replica.Options{})
		rewrite(t, r, changes)
		decisions := r.Decisions()
		fsys.Reset()
		for row, err := range r.Log().Backward(uint32(changes-4), uint32(changes)) {
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Log().Changeset(row)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decisions.Of(row.Seq, c); err != nil {
				t.Fatal(err)
			}
		}
		reads[changes] = fsys.Counts().Ops()
	}
	if reads[1000] > reads[10]+5*10 { // ten more steps of a search in the record's index
		t.Errorf("%d operations after 1,000 changes, %d after 10", reads[1000], reads[10])
	}
}
