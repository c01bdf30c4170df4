package simulation

import (
	"slices"
	"strings"
	"testing"
)

func TestASeedDrawsOneHistory(t *testing.T) {
	if a, b := Draw(7).String(), Draw(7).String(); a != b {
		t.Errorf("seed 7 draws\n%s\nand\n%s", a, b)
	}
	if a, b := Draw(7).String(), Draw(8).String(); a == b {
		t.Errorf("seeds 7 and 8 draw the same:\n%s", a)
	}
}

func TestEveryPartOfAHistoryIsAHistory(t *testing.T) {
	h := Draw(12)
	for _, every := range []int{2, 3, 5} {
		for rest := range every {
			part := h.without(func(i int) bool { return i%every == rest })
			if f := part.Play(); f != nil {
				t.Errorf("%s%v", part, f)
			}
		}
	}
}

// needs fails histories in which all of these steps are left.
func needs(steps ...int) func(*History) *Failure {
	return func(h *History) *Failure {
		for _, n := range steps {
			if !slices.ContainsFunc(h.Steps, func(s Step) bool { return s.N == n }) {
				return nil
			}
		}
		return fail("same", "all of %v are there", steps)
	}
}

func TestAFailureShrinksToTheStepsThatItNeeds(t *testing.T) {
	for _, steps := range [][]int{{1}, {3, 4}, {2, 9, 11}} {
		play := needs(steps...)
		h := Draw(3)
		short, f := Shrink(h, play(h), play, 400)
		var left []int
		for _, s := range short.Steps {
			left = append(left, s.N)
		}
		if f == nil || !slices.Equal(left, steps) {
			t.Errorf("of the steps %v, shrinking left %v (%v)", steps, left, f)
		}
	}
}

func TestAStoryIsToldInWords(t *testing.T) {
	h := &History{Seed: 7, Members: []Member{{Name: "ann"}, {Name: "bob", Ahead: 3e9}, {Name: "carol"}}, Steps: []Step{
		{N: 1, At: 5, Do: Create, Record: 1, Writes: []Write{{"a", "1"}}},
		{N: 4, At: 65, Do: Pull, Who: 1, Prefer: "from"},
	}}
	want := "seed 7: ann, bob (3s ahead)\n  1. 00:00:05 ann creates ticket 1 with a=1\n  4. 00:01:05 bob pulls from ann, prefers from\n"
	if h.String() != want {
		t.Errorf("got\n%swant\n%s", h, want)
	}
}

func TestEveryActionHasItsWordsAndIsDrawn(t *testing.T) {
	drawn := map[Action]bool{}
	for seed := range uint64(300) {
		h := Draw(seed)
		for _, s := range h.Steps {
			drawn[s.Do] = true
			if strings.HasSuffix(h.words(s), " ") {
				t.Fatalf("%s is told as %q", s.Do, h.words(s))
			}
		}
	}
	for _, do := range Actions {
		if !drawn[do] {
			t.Errorf("%s is not drawn", do)
		}
	}
}
