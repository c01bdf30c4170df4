package damage_test

import (
	"strings"
	"testing"

	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/replica"
)

// eachOfParts does each damage to each kind of files of parts, of which none may be without a case.
func eachOfParts(t *testing.T, s *damage.Scene, look func(c *damage.Case)) {
	t.Helper()
	kinds, err := s.PartKinds()
	if err != nil || len(kinds) != 6 {
		t.Fatal(len(kinds), err)
	}
	n := 0
	for _, k := range kinds {
		if k.Name == "" {
			t.Fatalf("%q are of no kind", k.Files)
		}
		for _, d := range damage.Damages {
			cases, err := s.Cases(k, d, amount())
			if err != nil || len(cases) == 0 {
				t.Fatalf("%s, %s: %d cases, %v", k.Name, d, len(cases), err)
			}
			if !*all { // one of each cell
				cases = cases[n%len(cases):][:1]
			}
			for _, c := range cases {
				if n++; n%race.Step == 0 {
					look(c)
				}
			}
		}
	}
	t.Logf("%d cases", n/race.Step)
}

func TestEveryDamageToPartsIsFound(t *testing.T) {
	s := damage.NewPacked(t)
	eachOfParts(t, s, func(c *damage.Case) { isFound(t, s, c) })
}

// TestEveryDamageToPartsIsHealed: with the mirror and the peer at hand, the tree is the same bytes afterwards.
func TestEveryDamageToPartsIsHealed(t *testing.T) {
	s := damage.NewPacked(t)
	want := contents(t, s.Replica)
	eachOfParts(t, s, func(c *damage.Case) {
		work := s.Copy()
		if err := c.Do(work.Replica); err != nil {
			t.Fatal(err)
		}
		mended, err := repair(work, true)
		differ := otherFiles(want, contents(t, work.Replica))
		if list := problems(t, work.Replica); err != nil || len(differ)+len(list) > 0 {
			t.Errorf("%s: %v\n  differ %v\n  did %v\n  check %v", c, err, differ, mended, list)
		}
	})
}

// TestDamageToPartsIsHealedAsFarAsItFollows asks nobody: lists and tables are the same bytes again; of a pack what is lost is listed, nothing else is wrong, and edits, a pull and a publication work.
func TestDamageToPartsIsHealedAsFarAsItFollows(t *testing.T) {
	s := damage.NewPacked(t)
	want, lost := contents(t, s.Replica), 0
	eachOfParts(t, s, func(c *damage.Case) {
		work := s.Copy()
		if err := c.Do(work.Replica); err != nil {
			t.Fatal(err)
		}
		mended, err := repair(work, false)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		gone := 0
		for _, m := range mended {
			if m.Outcome == replica.IsLost {
				gone++
			}
		}
		lost += gone
		list := problems(t, work.Replica)
		differ := otherFiles(want, contents(t, work.Replica))
		isPack := strings.Contains(c.Kind.Name, "pack")
		if gone == 0 && len(differ) > 0 || gone > 0 && !isPack || !saysLost(list, gone) {
			t.Errorf("%s:\n  differ %v\n  did %v\n  check %v", c, differ, mended, list)
		}
		if err := goOn(work, true, gone > 0); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	})
	t.Logf("%d changesets lost", lost)
	if lost == 0 && !race.Enabled { // then few are played
		t.Error("no damage lost a changeset: nothing was seen of what a pack alone has")
	}
}
