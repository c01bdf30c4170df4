package replica_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/race"
	"prophet/internal/replicatest"
)

// Xavier uses the original. His edits 9 and 10 are known from others; then he put back a backup, took Yvonne's edit from her, and made another one
// under the number 8, which in his first life was bookkeeping. So what a change without parents has as its own chain had seen that change.
func TestAChangeThatHasSeenAGreaterNumberOfItsOriginComesToTheSameInEveryOrder(t *testing.T) {
	x8 := made(idOf(xavier, 8), 4, changeset.Update, "q=x>z", idOf(yvonne, 1))
	x9 := made(idOf(xavier, 9), 1, changeset.Create, "p=>nine q=>x")
	x10 := made(idOf(xavier, 10), 2, changeset.Update, "p=nine>ten")
	x11 := made(idOf(xavier, 11), 5, changeset.Update, "r=>eleven")
	y1 := made(idOf(yvonne, 1), 3, changeset.Update, "p=ten>y", x10.ID)
	var want *seen
	for i, order := range [][]*changeset.Changeset{
		{x9, x10, y1, x8, x11}, {x10, y1, x8, x9, x11}, {x10, y1, x9, x8, x11}, {x11, x10, y1, x8, x9}, {x10, y1, x8, x11, x9},
	} {
		fsys := directory(t)
		holding(t, fsys, order...)
		got := look(t, fsys)
		got.rows = 0 // how much bookkeeping it took depends on the order
		if want == nil {
			want = &got
		}
		if got != *want {
			t.Errorf("order %d: got %+v, want %+v", i, got, *want)
		}
		replicatest.Faultless(t, fsys, fmt.Sprintf("order %d", i))
	}
}

// Numbers, parents and times are drawn as no honest maker would set them. Orders in which a parent comes after its child are left out: a changeset without
// its parents is refused.
func TestWhateverNumbersChangesHaveTheyComeToTheSameInEveryOrder(t *testing.T) {
	compared := 0
	for seed := uint64(0); seed < 200; seed += uint64(race.Every(2)) {
		d := rand.New(rand.NewPCG(seed, 1))
		changes := drawChanges(d, 3+d.IntN(5))
		var want *seen
		for range 8 {
			d.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
			if !parentsFirst(changes) {
				continue
			}
			fsys := directory(t)
			holding(t, fsys, changes...)
			got := look(t, fsys)
			got.rows = 0 // how much bookkeeping it took depends on the order
			if want == nil {
				want = &got
				continue
			}
			compared++
			if got != *want {
				t.Errorf("seed %d: %+v in one order, %+v in another", seed, *want, got)
			}
		}
	}
	if compared < 100/race.Every(2) {
		t.Errorf("%d orders were compared: too few to tell anything", compared)
	}
}

// drawChanges draws changes to one record, about half of them with a parent.
func drawChanges(d *rand.Rand, n int) (changes []*changeset.Changeset) {
	pick := func(of ...string) string { return of[d.IntN(len(of))] }
	used := map[changeset.ID]bool{}
	for len(changes) < n {
		id := idOf(uuid.UUID{0: byte(1 + d.IntN(3)), 15: 1}, uint32(1+d.IntN(6)))
		if used[id] {
			continue
		}
		used[id] = true
		c := made(id, d.IntN(3), changeset.Kind(1+d.IntN(3)), pick("p=>a", "p=a>b", "q=>x p=b>a", "q=x>y"))
		if len(changes) > 0 && d.IntN(2) == 0 {
			c.Changes[0].Parents = []changeset.ID{changes[d.IntN(len(changes))].ID}
		}
		changes = append(changes, c)
	}
	return changes
}

// parentsFirst reports whether each changeset comes after its parents.
func parentsFirst(changesets []*changeset.Changeset) bool {
	come := map[changeset.ID]bool{}
	for _, c := range changesets {
		for _, parent := range c.Changes[0].Parents {
			if !come[parent] {
				return false
			}
		}
		come[c.ID] = true
	}
	return true
}
