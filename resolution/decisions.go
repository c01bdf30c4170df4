package resolution

import (
	"maps"
	"slices"
)

// Node is a change in the graph that the changes to one record form.
type Node struct {
	*Entry
	Parents []int // positions in the graph, all smaller than its own, sorted, by known parents and own chains
	Head    bool  // it is nobody's parent
	Silent  bool  // another change counts for it, of which it is a copy, or which is one of it; that is among its parents
	// Decides are the properties whose open conflict the change settled, sorted; "" is the record's existence. See [History.Graph].
	Decides []string
}

// Graph returns the changes in the order T, in which parents come before their children, linked by known parents and own
// chains. It is the same in whatever order the changes are passed.
//
// A change decides about a property if it names it, and the merge of the change's ancestors alone has an open conflict about it; and about the
// record's existence if that has an open conflict about this. So a decision is known from the graph, with no mark on it and no regard to
// votes and rules: an edit on top of a merge that writes another property decides nothing, whoever made it.
//
// The cost is that of the changes and their parents for each property that is written three times or more, and nothing where no change has two parents. Only
// where there are changes without known parents, each decision costs another merge.
func (h *History) Graph() []Node {
	g := h.graph
	decided := g.decisions()
	nodes := make([]Node, len(g.entries))
	for at, e := range g.given {
		nodes[at] = Node{Entry: e, Parents: slices.Sorted(slices.Values(g.parents[at])), Silent: g.isSilent(at), Decides: decided[at]}
	}
	for _, at := range g.heads() {
		nodes[at].Head = true
	}
	return nodes
}

// decisions returns what each change decides.
func (g *graph) decisions() [][]string {
	decided := make([][]string, len(g.entries))
	forks := func(parents []int) bool { return len(parents) > 1 }
	if !slices.ContainsFunc(g.parents, forks) { // whoever sees a conflict, or one of its ancestors, has a parent on either side
		return decided
	}
	s := strand{g: g, lived: make([]bool, len(g.entries)), rivals: make([][]int, len(g.entries)), over: make([][]int, len(g.entries)), known: map[[2]int]bool{}}
	through := make([]kinds, len(g.entries))
	for at, e := range g.entries {
		through[at] = kinds{edits: !e.deletes(), deletions: e.deletes()}
		var saw kinds
		for _, p := range g.parents[at] {
			saw = saw.and(through[p])
		}
		if g.isSilent(at) {
			through[at] = saw // and decides nothing
			continue
		}
		if saw.edits && saw.deletions {
			saw = g.sawHeads(at)
		}
		s.lived[at] = saw.edits
		if saw.edits && saw.deletions {
			decided[at] = []string{""}
		}
	}
	named := g.named()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if len(named[name]) < 3 { // two rivals and who decides
			continue
		}
		clear(s.known)
		for at := range g.entries {
			if s.add(at, name) {
				decided[at] = append(decided[at], name)
			}
		}
	}
	g.confirm(decided)
	return decided
}

// kinds says whether there are edits, and deletions, among some changes.
type kinds struct{ edits, deletions bool }

func (k kinds) and(other kinds) kinds {
	return kinds{k.edits || other.edits, k.deletions || other.deletions}
}

// sawHeads says what there is among the heads of what the change had seen. Joined representations may name a parent and its ancestor.
func (g *graph) sawHeads(at int) (saw kinds) {
	heads := joined([][]int{g.beyondSilent(g.parents[at])}, nil)
	for _, h := range joined([][]int{heads}, reached(heads, g.parents)) {
		saw = saw.and(kinds{edits: !g.entries[h].deletes(), deletions: g.entries[h].deletes()})
	}
	return saw
}

// strand goes along T for one property.
type strand struct {
	g      *graph
	lived  []bool          // of each change: the record lived in what it had seen
	rivals [][]int         // of each change: the rival writes among it and its ancestors
	over   [][]int         // of each write: the rivals that it overrules
	known  map[[2]int]bool // of two writes: the one has seen the other
}

// add goes on to the next change, and reports whether it decides about the property.
func (s *strand) add(at int, name string) bool {
	before := s.before(at)
	_, named := s.g.entries[at].Change.Props[name]
	named = named && !s.g.entries[at].deletes()
	s.rivals[at], s.over[at] = before, nil
	if !named && (len(before) == 0 || !s.g.recreates(at)) {
		return false
	}
	s.rivals[at], s.over[at] = []int{at}, before
	return named && s.lived[at] && s.differ(before, name)
}

// differ reports whether the writes are of more than one value.
func (s *strand) differ(writes []int, name string) bool {
	return slices.ContainsFunc(writes, func(w int) bool { return s.g.write(w, name).Value != s.g.write(writes[0], name).Value })
}

// before returns the rival writes among what the change at had seen: those of all parents that no parent has seen a later write than.
func (s *strand) before(at int) []int {
	var sides [][]int
	shared := map[*int]bool{} // a change that writes nothing here has the rivals of its parent
	for _, p := range s.g.parents[at] {
		if side := s.rivals[p]; len(side) > 0 && !shared[&side[0]] {
			shared[&side[0]] = true
			sides = append(sides, side)
		}
	}
	if len(sides) == 0 {
		return nil
	}
	if len(sides) == 1 {
		return sides[0]
	}
	all := joined(sides, nil)
	if len(sides) > 2 || len(sides[0])*len(sides[1]) > fewPairs {
		return joined(sides, reached(all, s.over))
	}
	return slices.DeleteFunc(all, func(w int) bool {
		return slices.ContainsFunc(sides[0], func(by int) bool { return s.saw(by, w) }) ||
			slices.ContainsFunc(sides[1], func(by int) bool { return s.saw(by, w) })
	})
}

// fewPairs is for how many pairs of writes it is remembered which of them has seen the other.
const fewPairs = 64

// saw reports whether the one write had seen the other one. It remembers what it found, so that two who go on side by side, with a merge after each
// change, cost what they have changed.
func (s *strand) saw(by, write int) bool {
	var passed []int
	for todo := []int{by}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		saw, known := s.known[[2]int{at, write}]
		if saw || slices.Contains(s.over[at], write) {
			for _, p := range passed { // of these it is not known on which the way lies
				delete(s.known, [2]int{p, write})
			}
			s.known[[2]int{by, write}] = true
			return true
		}
		if known || at < write {
			continue
		}
		s.known[[2]int{at, write}] = false
		passed = append(passed, at)
		todo = append(todo, s.over[at]...)
	}
	return false
}

// joined returns what is in the sides and not in left, sorted, each once.
func joined(sides [][]int, left []int) []int {
	all := slices.Concat(sides...)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(left) == 0 {
		return all
	}
	slices.Sort(left)
	return slices.DeleteFunc(all, func(at int) bool {
		_, found := slices.BinarySearch(left, at)
		return found
	})
}

// reached returns those of the positions, which are sorted, to which edges lead from others. Edges lead to smaller positions.
func reached(positions []int, edges [][]int) (found []int) {
	among := func(at int) bool {
		_, is := slices.BinarySearch(positions, at)
		return is
	}
	seen := map[int]bool{}
	todo := slices.Clone(positions)
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, next := range edges[at] {
			if next < positions[0] || seen[next] {
				continue
			}
			seen[next] = true
			if among(next) {
				found = append(found, next)
			} else {
				todo = append(todo, next)
			}
		}
	}
	return found
}

// confirm takes away decisions about what the order T had settled already, which serves the changes without known parents.
func (g *graph) confirm(decided [][]string) {
	if !slices.ContainsFunc(g.entries, (*Entry).bare) {
		return
	}
	for at := range decided {
		if len(decided[at]) == 0 {
			continue
		}
		result := Merge(g.entries[at].Change.Record, g.ancestry(g.parents[at]), nil, nil)
		decided[at] = slices.DeleteFunc(decided[at], func(name string) bool {
			if name == "" {
				return result.Existence == nil
			}
			return result.Conflict(name) == nil
		})
	}
}

// ancestry returns the changes at the positions and all their ancestors.
func (g *graph) ancestry(positions []int) []Entry {
	seen := make([]bool, len(g.entries))
	for _, at := range positions {
		seen[at] = true
	}
	var past []Entry
	for at := len(seen) - 1; at >= 0; at-- {
		if !seen[at] {
			continue
		}
		past = append(past, *g.given[at])
		for _, p := range g.parents[at] {
			seen[p] = true
		}
	}
	return past
}
