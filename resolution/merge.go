package resolution

import (
	"slices"

	"prophet/changeset"
)

// Answers finds the answers that people gave to the conflict with the fingerprint, one a voter, each as the
// properties of the vote's record with its "_meta". It may be nil: no answers.
type Answers func(fingerprint string) []map[string]string

// Result is the state of a record and what is open about it.
type Result struct {
	Exists bool              // the record lives: not all of its heads are deletions
	Props  map[string]string // its properties if it lives, none of them empty
	// Heads are the heads by known parents and own chains alone, sorted: the parents of the next change to be made here. Never nil.
	Heads []changeset.ID
	// Existence is set if the record lives, but some of its heads are deletions: those are the rivals, the other heads as well.
	Existence *ExistenceConflict
	Conflicts []Conflict // the properties in open conflict, sorted by name; none of a deleted record
	// Agreed are the properties of several rivals that are no conflict because all wrote one value, sorted; none of a deleted record. Under another rule
	// they may be one.
	Agreed []string
	// overtaken: the only head has seen a change of its own origin with a greater number.
	overtaken bool
}

// Open reports whether anything about the record waits for a decision.
func (r *Result) Open() bool { return r.Existence != nil || len(r.Conflicts) > 0 }

// SettledBy reports whether a change is the record's only head, nothing is open, and so the next change of its origin without parents has it as its parent:
// no other one of its origin has a greater number.
func (r *Result) SettledBy(id changeset.ID) bool {
	return len(r.Heads) == 1 && r.Heads[0] == id && !r.Open() && !r.overtaken
}

// OpenProps returns what is in conflict: the properties by name, "" for the record's existence; nothing if r is nil.
func (r *Result) OpenProps() (props []string) {
	if r == nil {
		return nil
	}
	if r.Existence != nil {
		props = append(props, "")
	}
	for _, c := range r.Conflicts {
		props = append(props, c.Prop)
	}
	return props
}

// Conflict returns the open conflict about the property, or nil.
func (r *Result) Conflict(name string) *Conflict {
	for i := range r.Conflicts {
		if r.Conflicts[i].Prop == name {
			return &r.Conflicts[i]
		}
	}
	return nil
}

// ExistenceConflict is an edit beside a deletion, neither of which has seen the other.
type ExistenceConflict struct {
	Keep, Delete []*Entry // the heads that edit and those that delete, latest first
}

// Has reports whether a change is among the rivals.
func (c *ExistenceConflict) Has(id changeset.ID) bool {
	is := func(e *Entry) bool { return e.ID == id }
	return slices.ContainsFunc(c.Keep, is) || slices.ContainsFunc(c.Delete, is)
}

// Merge computes the state of the record rec from all ordinary changes to it that are known, in any order, each once.
// Changes whose parents are not among them count as having none. With no changes at all the record does not exist.
// Answers come before rules. It is a pure function, if those are.
func Merge(rec changeset.RecordID, changes []Entry, answers Answers, rules Rules) *Result {
	return NewHistory(changes).Merge(rec, answers, rules)
}

// Merge is [Merge] of the changes in the history.
func (h *History) Merge(rec changeset.RecordID, answers Answers, rules Rules) *Result {
	result := &Result{Props: map[string]string{}, Heads: h.Heads()}
	g := h.graph
	result.overtaken = len(result.Heads) == 1 && g.overtakes(result.Heads[0])

	result.settleExistence(g.headsByT())
	if result.Exists {
		result.settleProperties(rec, g, answers, rules)
	}
	return result
}

// settleExistence says whether the record lives, given its heads.
func (r *Result) settleExistence(heads []*Entry) {
	var c ExistenceConflict
	for _, h := range heads {
		if h.deletes() {
			c.Delete = append(c.Delete, h)
		} else {
			c.Keep = append(c.Keep, h)
		}
	}
	r.Exists = len(c.Keep) > 0
	if r.Exists && len(c.Delete) > 0 {
		slices.SortFunc(c.Keep, latestFirst)
		slices.SortFunc(c.Delete, latestFirst)
		r.Existence = &c
	}
}

// settleProperties gives every property its value: the only one that its rivals wrote, or the provisional winner.
func (r *Result) settleProperties(rec changeset.RecordID, g *graph, answers Answers, rules Rules) {
	byRule := byRule{graph: g}
	for name, rivals := range g.rivals {
		if agree(rivals) && !eachCounts(rivals) {
			r.set(name, rivals[0].Value)
			continue
		}
		c := newConflict(g, name, rivals, rules.of(name))
		if byRule.settle(&c); c.agreed() {
			r.set(name, rivals[0].Value)
			r.Agreed = append(r.Agreed, name)
			continue
		}
		r.Conflicts = append(r.Conflicts, c)
	}
	settle(rec, r.Conflicts, answers)
	for _, c := range r.Conflicts {
		r.set(c.Prop, c.Value)
	}
}

func (r *Result) set(name, value string) {
	if value != "" {
		r.Props[name] = value
	}
}
