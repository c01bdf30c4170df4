package resolution

import (
	"cmp"
	"crypto/sha1"
	"slices"

	"prophet/changeset"
)

// Why a value holds for now.
const (
	WhyLatest = "latest" // it is the write with the greatest time of creation, origin and sequence number
	WhyVote   = "vote"   // the resolutions replica holds an answer to the same conflict
	WhyLives  = "lives"  // a record that was edited beside a deletion lives until somebody decides
)

// Rival is one write among several that have not seen each other.
type Rival struct {
	*Entry
	Value string // "" is null: the write removes the property
	Old   changeset.Value
}

// Conflict is a property for which rivals wrote more than one value.
type Conflict struct {
	Prop   string
	Rivals []Rival // latest first
	Value  string  // what holds for now; "" is null
	Why    string
	// Fingerprint is the name under which an answer to this conflict is kept in the resolutions replica.
	Fingerprint string
}

func newConflict(rec changeset.RecordID, name string, writes []write) Conflict {
	c := Conflict{Prop: name, Why: WhyLatest}
	for _, w := range writes {
		c.Rivals = append(c.Rivals, Rival{w.entry, w.value, w.old})
	}
	slices.SortFunc(c.Rivals, func(a, b Rival) int { return latestFirst(a.Entry, b.Entry) })
	c.Value = c.Rivals[0].Value
	return c
}

// CompareTime orders changes by time of creation, origin and sequence number.
func CompareTime(a, b *Entry) int { return -latestFirst(a, b) }

// latestFirst orders by time of creation, origin and sequence number, the greatest first.
func latestFirst(a, b *Entry) int {
	return -cmp.Or(cmp.Compare(a.Created, b.Created), a.ID.Compare(b.ID))
}

// distinct reports whether the rivals wrote more than one value.
func (c *Conflict) distinct() bool {
	return slices.ContainsFunc(c.Rivals, func(r Rival) bool { return r.Value != c.Rivals[0].Value })
}

// clash is the conflict as the fingerprint has it: the distinct values sorted, null left out, and the least of the old values, null first.
func (c *Conflict) clash() changeset.Clash {
	clash := changeset.Clash{Name: c.Prop, OldValue: changeset.TextOrNull(c.Rivals[0].Old.Text)}
	for _, r := range c.Rivals {
		if r.Value != "" && !slices.Contains(clash.Choices, r.Value) {
			clash.Choices = append(clash.Choices, r.Value)
		}
		if r.Old.Text < clash.OldValue.Text {
			clash.OldValue = changeset.TextOrNull(r.Old.Text)
		}
	}
	slices.Sort(clash.Choices)
	return clash
}

// JointFingerprint is the name under which the original looks for an answer to several conflicts of one record at once, sorted by property.
func JointFingerprint(rec changeset.RecordID, conflicts []Conflict) string {
	var clashes []changeset.Clash
	for _, c := range conflicts {
		clashes = append(clashes, c.clash())
	}
	return changeset.Fingerprint(rec, clashes)
}

// settle gives each of one record's conflicts its fingerprint, and its value from the answers where there is one.
func settle(rec changeset.RecordID, conflicts []Conflict, answers Answers) {
	for i := range conflicts {
		c := &conflicts[i]
		c.Fingerprint = changeset.Fingerprint(rec, []changeset.Clash{c.clash()})
	}
	if answers == nil {
		return
	}
	for i := range conflicts {
		c := &conflicts[i]
		answer := winner(answers(c.Fingerprint))
		if answer == nil {
			answer = jointAnswer(rec, conflicts, i, answers)
		}
		if answer != nil {
			c.Value, c.Why = answer[c.Prop], WhyVote
		}
	}
}

// maxJoint is how many properties an answer of the original's to several at once may cover to be found: their order in its fingerprint is arbitrary.
const maxJoint = 4

// jointAnswer looks for an answer of the original's that covers conflict i and others of the record:
// the smaller sets first, then by name, all orders of names pooled.
func jointAnswer(rec changeset.RecordID, conflicts []Conflict, i int, answers Answers) map[string]string {
	if len(conflicts) > maxJoint {
		return nil
	}
	for size := 2; size <= len(conflicts); size++ {
		for _, set := range subsets(len(conflicts), size) {
			if !slices.Contains(set, i) {
				continue
			}
			var votes []map[string]string
			for _, order := range permutations(set) {
				var clashes []changeset.Clash
				for _, k := range order {
					clashes = append(clashes, conflicts[k].clash())
				}
				votes = append(votes, answers(changeset.Fingerprint(rec, clashes))...)
			}
			if answer := winner(votes); answer != nil {
				return answer
			}
		}
	}
	return nil
}

// winner returns the answer with the most votes, then the smallest SHA-1 of its canonical JSON; nil without votes.
func winner(votes []map[string]string) map[string]string {
	type candidate struct {
		answer map[string]string
		votes  int
	}
	byHash := make(map[[sha1.Size]byte]*candidate)
	for _, v := range votes {
		h := sha1.Sum(changeset.EncodeRecord(v))
		if byHash[h] == nil {
			byHash[h] = &candidate{answer: v}
		}
		byHash[h].votes++
	}
	var best *candidate
	var bestHash [sha1.Size]byte
	for h, c := range byHash {
		if best == nil || c.votes > best.votes || c.votes == best.votes && string(h[:]) < string(bestHash[:]) {
			best, bestHash = c, h
		}
	}
	if best == nil {
		return nil
	}
	return best.answer
}

// subsets returns the ascending sets of size numbers below n, in lexical order.
func subsets(n, size int) [][]int {
	var sets [][]int
	var extend func(set []int, from int)
	extend = func(set []int, from int) {
		if len(set) == size {
			sets = append(sets, slices.Clone(set))
			return
		}
		for k := from; k < n; k++ {
			extend(append(set, k), k+1)
		}
	}
	extend(nil, 0)
	return sets
}

// permutations returns all orders of the numbers.
func permutations(set []int) [][]int {
	if len(set) < 2 {
		return [][]int{set}
	}
	var orders [][]int
	for i, first := range set {
		rest := slices.Delete(slices.Clone(set), i, i+1)
		for _, tail := range permutations(rest) {
			orders = append(orders, append([]int{first}, tail...))
		}
	}
	return orders
}
