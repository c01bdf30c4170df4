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
	WhyRule   = "rule"   // the rule of the property says so
	WhyAsk    = "ask"    // the rule asks: it is what was there before the rivals
	WhyLives  = "lives"  // a record that was edited beside a deletion lives until somebody decides
)

// Rival is one write among several that have not seen each other.
type Rival struct {
	*Entry
	Value string // "" is null: the write removes the property
	Old   changeset.Value
	named bool // by the change; else a re-creation implies the write, and it names no old value
}

// Conflict is a property for which rivals wrote more than one value, or, under a rule by which each of them counts, the same.
type Conflict struct {
	Prop   string
	Rivals []Rival // latest first
	Value  string  // what holds for now; "" is null
	Why    string
	Rule   Rule   // of the property, whatever settled the conflict
	Asks   string // if a rule other than ask asks: why, such as "x" is no number
	// Fingerprint is the name under which an answer to this conflict is kept in the resolutions replica.
	Fingerprint string
	graph       *graph // of the record's changes
}

// Has reports whether a change is among the rivals.
func (c *Conflict) Has(id changeset.ID) bool {
	return slices.ContainsFunc(c.Rivals, func(r Rival) bool { return r.ID == id })
}

func newConflict(g *graph, name string, rivals []Rival, rule Rule) Conflict {
	sortLatestFirst(rivals)
	return Conflict{Prop: name, Rivals: rivals, Value: rivals[0].Value, Why: WhyLatest, Rule: rule, graph: g}
}

// agreed reports whether the rivals wrote one value and that is all there is to it. Where a sum of them can be made, it is not.
func (c *Conflict) agreed() bool {
	return agree(c.Rivals) && (c.Rule != RuleSum || c.Why != WhyRule)
}

func sortLatestFirst(rivals []Rival) {
	slices.SortFunc(rivals, func(a, b Rival) int { return latestFirst(a.Entry, b.Entry) })
}

// CompareTime orders changes by time of creation, origin and sequence number.
func CompareTime(a, b *Entry) int { return -latestFirst(a, b) }

// latestFirst orders by time of creation, origin and sequence number, the greatest first.
func latestFirst(a, b *Entry) int {
	return -cmp.Or(cmp.Compare(a.Created, b.Created), a.compareName(b))
}

// agree reports whether the rivals wrote one and the same value.
func agree(rivals []Rival) bool {
	return !slices.ContainsFunc(rivals, func(r Rival) bool { return r.Value != rivals[0].Value })
}

// eachCounts reports whether these are several writes that a sum counts. Of those that re-creations imply, each says no more than the other.
func eachCounts(rivals []Rival) bool {
	return len(rivals) > 1 && slices.ContainsFunc(rivals, func(r Rival) bool { return r.named })
}

// clash is the conflict as the fingerprint has it: the distinct values sorted, null left out, and the least of the old values
// that rivals name, null first.
func (c *Conflict) clash() changeset.Clash {
	var choices, olds []string
	for _, r := range c.Rivals {
		if r.Value != "" {
			choices = append(choices, r.Value)
		}
		if r.named {
			olds = append(olds, r.Old.Text)
		}
	}
	slices.Sort(choices)
	clash := changeset.Clash{Name: c.Prop, Choices: slices.Compact(choices)}
	if len(olds) > 0 {
		clash.OldValue = changeset.TextOrNull(slices.Min(olds))
	}
	return clash
}

func clashesOf(conflicts []Conflict) []changeset.Clash {
	var clashes []changeset.Clash
	for i := range conflicts {
		clashes = append(clashes, conflicts[i].clash())
	}
	return clashes
}

// JointFingerprint is the name under which the original looks for an answer to several conflicts of one record at once.
// The conflicts are sorted by property, as they are in a [Result].
func JointFingerprint(rec changeset.RecordID, conflicts []Conflict) string {
	return changeset.Fingerprint(rec, clashesOf(conflicts))
}

// settle gives each of one record's conflicts its fingerprint, and its value from the answers where there is one: that comes before what its rule says.
func settle(rec changeset.RecordID, conflicts []Conflict, answers Answers) {
	clashes := clashesOf(conflicts)
	for i := range conflicts {
		conflicts[i].Fingerprint = changeset.Fingerprint(rec, clashes[i:i+1])
	}
	if answers == nil {
		return
	}
	for i := range conflicts {
		conflicts[i].take(winner(answers(conflicts[i].Fingerprint)))
	}
	if len(conflicts) <= maxJoint {
		settleJointly(rec, conflicts, clashes, answers)
	}
}

// take settles the conflict by an answer of people's; by none if it is nil.
func (c *Conflict) take(answer map[string]string) {
	if answer != nil {
		c.Value, c.Why, c.Asks = answer[c.Prop], WhyVote, ""
	}
}

// maxJoint is how many properties an answer of the original's to several at once may cover to be found: their order in its fingerprint is arbitrary.
const maxJoint = 4

// settleJointly looks for answers of the original's to several conflicts of the record at once, for those that have none of their own:
// the smaller sets first, then by name, all orders of names pooled.
func settleJointly(rec changeset.RecordID, conflicts []Conflict, clashes []changeset.Clash, answers Answers) {
	for size := 2; size <= len(conflicts); size++ {
		for _, set := range subsets(len(conflicts), size) {
			open := slices.DeleteFunc(slices.Clone(set), func(i int) bool { return conflicts[i].Why == WhyVote })
			if len(open) == 0 {
				continue
			}
			answer := jointAnswer(rec, clashes, set, answers)
			for _, i := range open {
				conflicts[i].take(answer)
			}
		}
	}
}

// jointAnswer is the answer to all conflicts of a set at once, or nil.
func jointAnswer(rec changeset.RecordID, clashes []changeset.Clash, set []int, answers Answers) map[string]string {
	var votes []map[string]string
	for _, order := range permutations(set) {
		var ordered []changeset.Clash
		for _, k := range order {
			ordered = append(ordered, clashes[k])
		}
		votes = append(votes, answers(changeset.Fingerprint(rec, ordered))...)
	}
	return winner(votes)
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
