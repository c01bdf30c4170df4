package resolution

import "slices"

// Copies that say more than what they copy. Of a lost change no more is known than what the record was before and after it: where several are lost together, what is left of the last of them is what all of them did, and
// so says its copy. Once they are back, each counts for its own.

// said is a value that a change writes to a property.
type said struct{ prop, value string }

// cover lets what was copied count for copies that say more, where it is there and does not wait, and all that they say beside it was written by what it, or the copy, had seen. What copies of what is there wrote does not
// count. It goes along the parents once for all copies, or, where they say more than 64 values beside what they copy, once for each 64 of these.
func (g *graph) cover(counts, copied []int) {
	beside, lacks := g.besideWhatIsCopied(counts, copied)
	wrote := g.whoWrote(beside, copied)
	if len(wrote) == 0 {
		return
	}
	parents, order := g.pastWithCopied(copied)
	seen := make([]uint64, len(g.entries)) // which of the values were written by each, or by what it had seen
	for some := range slices.Chunk(wrote, batch) {
		clear(seen)
		for k, w := range some {
			for _, at := range w.by {
				seen[at] |= 1 << k
			}
		}
		for _, at := range order {
			for _, p := range parents[at] {
				seen[at] |= seen[p]
			}
		}
		for k, w := range some {
			for _, copier := range beside[w.said] {
				if seen[copier]>>k&1 == 0 {
					continue
				}
				if lacks[copier]--; lacks[copier] == 0 {
					counts[copier] = copied[copier]
				}
			}
		}
	}
}

// besideWhatIsCopied returns the values that copies say beside what they copy, with who says each of them; and how many each says.
func (g *graph) besideWhatIsCopied(counts, copied []int) (beside map[said][]int, lacks map[int]int) {
	beside, lacks = map[said][]int{}, map[int]int{}
	for at, first := range copied {
		e, of := g.entries[at], g.entries[first]
		if first == counts[at] || first == at || e.deletes() || of.deletes() {
			continue
		}
		for prop, pc := range e.Change.Props {
			if its, named := of.Change.Props[prop]; !named || its.New.Text != pc.New.Text {
				v := said{prop, pc.New.Text}
				beside[v] = append(beside[v], at)
				lacks[at]++
			}
		}
	}
	return beside, lacks
}

// written is a value, with who wrote it.
type written struct {
	said
	by []int
}

// whoWrote returns those of the values that changes wrote which are no copies of what is there.
func (g *graph) whoWrote(values map[said][]int, copied []int) (wrote []written) {
	if len(values) == 0 {
		return nil
	}
	index := map[said]int{}
	for at, e := range g.entries {
		if copied[at] != at || e.deletes() {
			continue
		}
		for prop, pc := range e.Change.Props {
			v := said{prop, pc.New.Text}
			if values[v] == nil {
				continue
			}
			k, known := index[v]
			if !known {
				k = len(wrote)
				index[v], wrote = k, append(wrote, written{said: v})
			}
			wrote[k].by = append(wrote[k].by, at)
		}
	}
	return wrote
}

// pastWithCopied returns the parents of each, of copies with what they copy, and all in an order in which these come first. Who forged knots loses what ties them.
func (g *graph) pastWithCopied(copied []int) (parents [][]int, order []int) {
	past := graph{entries: g.entries, parents: make([][]int, len(g.parents))}
	for at, ps := range g.parents {
		past.parents[at] = slices.Clone(ps)
	}
	past.untied()
	copied = slices.Clone(copied)
	apart(past.parents, copied)
	for at, first := range copied {
		if first != at {
			past.parents[at] = append(past.parents[at], first)
		}
	}
	return past.parents, topological(past.parents)
}
