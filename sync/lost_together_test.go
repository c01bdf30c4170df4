package sync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// lossTogether is a history among three in which several changesets of one record are lost at once, with versions of it or not, in loose files and in packs, and come back from a vault, which loses nothing and edits nothing.
type lossTogether struct {
	*lossAmongThree
	vault                 *replica.Replica
	edits                 []*told
	copied                bool // a copy was lost, and so it is not known that it was one
	mild                  bool // no copy is lost, and no version
	voted                 bool // a number that somebody saw was voted for, when he decided about equal rivals: then it is no sum
	odd                   bool // a copy says what nobody wrote: what was merged, in bookkeeping that was lost with it
	several, packs, backs int
}

// told is an edit, with what it wrote and whom its maker had seen.
type told struct {
	id    changeset.ID
	props map[string]string
	seen  map[*told]bool
}

func newLossTogether(t *testing.T, seed uint64) *lossTogether {
	l := &lossTogether{lossAmongThree: newLossAmongThree(t, seed)}
	l.rnd = rand.New(rand.NewPCG(seed, 5))
	l.mild = l.rnd.IntN(2) == 0
	opts := l.who[0].opts
	opts.Where, opts.Creator = "vault", "vault@example.com"
	l.vault = replicatest.Clone(t, l.who[0].Replica, opts)
	return l
}

// knows returns the edits that a replica knows to be of the record, or has copies of, and those that these had seen.
func (l *lossTogether) knows(r *replica.Replica) map[*told]bool {
	events, err := r.History(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	of := map[changeset.ID]changeset.ID{}
	for _, e := range events {
		of[e.Changeset.ID] = e.Change.CopyOf
	}
	has := map[changeset.ID]bool{}
	for id := range of {
		for !id.IsZero() && !has[id] {
			has[id] = true
			id = of[id]
		}
	}
	known := map[*told]bool{}
	for _, e := range l.edits {
		if !has[e.id] {
			continue
		}
		known[e] = true
		for other := range e.seen {
			known[other] = true
		}
	}
	return known
}

// shown returns what a replica shows of the record.
func (l *lossTogether) shown(r *replica.Replica) map[string]string {
	props, _, err := r.Log().Props(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	return props
}

// isVoted reports whether the number that a replica shows is what somebody voted for: each decision is a vote, and settles rivals of the same values that come later too.
func (l *lossTogether) isVoted(r *replica.Replica) bool {
	result, err := r.Merged(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	c := result.Conflict("n")
	return c != nil && c.Why == resolution.WhyVote
}

// edit writes some of the properties: to the number it adds.
func (l *lossTogether) edit(who *loser) {
	by, kinds := l.rnd.IntN(9)-4, 1+l.rnd.IntN(7)
	e := &told{props: map[string]string{}, seen: l.knows(who.Replica)}
	if _, lives, err := who.Log().Props(l.rec); err != nil || !lives {
		return // nothing of it is left
	}
	l.voted = l.voted || l.isVoted(who.Replica)
	edited, err := who.Edit(l.t.Context(), func(edit *replica.Edit) error {
		props, _, err := edit.Props(l.rec)
		if err != nil {
			return err
		}
		e.props = map[string]string{}
		if kinds&1 > 0 {
			n, err := strconv.Atoi(props["n"])
			if err != nil {
				l.less, n = true, 0
			}
			e.props["n"] = fmt.Sprint(n + by)
		}
		for i, prop := range []string{"status", "owner"} {
			if kinds>>i&2 > 0 {
				e.props[prop] = fmt.Sprint(len(l.edits), " by ", who.Where())
			}
		}
		return edit.Update(l.rec, e.props)
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if kinds&1 > 0 {
		l.sum += by
	}
	e.id = edited.ID
	l.edits = append(l.edits, e)
}

// lose takes from one, or from several, what some changesets that follow each other did to the record, or damages a pack, and repairs the rest.
func (l *lossTogether) lose(who *loser) {
	versions, err := who.Log().Versions(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	if len(versions) == 0 {
		return
	}
	first := l.rnd.IntN(len(versions))
	lost := versions[first:min(len(versions), first+1+l.rnd.IntN(4))]
	ids := map[changeset.ID]bool{}
	for _, v := range lost {
		row, err := who.Log().Row(v.Seq)
		if err != nil {
			l.t.Fatal(err)
		}
		c, err := who.Log().Changeset(row)
		if err != nil {
			l.t.Fatal(err)
		}
		ids[row.ID] = !l.mild || c.Change(l.rec) != nil && c.Change(l.rec).CopyOf.IsZero()
	}
	others := l.rnd.IntN(3) // whoever else loses the same
	withVersions, index, pack := l.rnd.IntN(2) == 0 && !l.mild, l.rnd.IntN(6) == 0 && !l.mild, l.rnd.IntN(3) == 0
	for i, one := range l.who {
		if one != who && (others == 0 || others == 1 && (i+1)%3 != slices.Index(l.who, who)) {
			continue
		}
		pull(l.t, l.vault, one.Replica)
		shown := fmt.Sprint(l.shown(one.Replica)["n"])
		if !l.takeFrom(one, ids, withVersions, index) && !(pack && !l.mild && l.damagePack(one)) {
			continue
		}
		l.repair(one)
		l.account(one, shown)
	}
}

// takeFrom takes the loose files of changesets away, and of the versions that these made.
func (l *lossTogether) takeFrom(one *loser, ids map[changeset.ID]bool, withVersions, index bool) (took bool) {
	versions, err := one.Log().Versions(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	n := 0
	for _, v := range versions {
		row, err := one.Log().Row(v.Seq)
		if err != nil {
			l.t.Fatal(err)
		}
		if !ids[row.ID] {
			continue
		}
		if one.disk.Remove(changeset.ObjectPath(changeset.ChangesetObjects, row.Key)) == nil {
			took = true
			n++
		}
		if withVersions {
			took = one.disk.Remove(changeset.ObjectPath(changeset.RecordObjects, v.Key)) == nil || took
		}
	}
	if index && took {
		_ = one.disk.Remove(changeset.RecordPath(l.rec))
	}
	if n > 1 {
		l.several++
	}
	return took
}

// damagePack writes over some bytes of a pack, if there is one.
func (l *lossTogether) damagePack(one *loser) bool {
	packs, err := afero.Glob(one.disk, "prophet/parts/*.pack")
	if err != nil {
		l.t.Fatal(err)
	}
	if len(packs) == 0 {
		return false
	}
	b, err := afero.ReadFile(one.disk, packs[0])
	if err != nil {
		l.t.Fatal(err)
	}
	at := l.rnd.IntN(len(b))
	for i := at; i < min(len(b), at+4); i++ {
		b[i] ^= 0x55
	}
	if err := afero.WriteFile(one.disk, packs[0], b, 0o666); err != nil {
		l.t.Fatal(err)
	}
	l.packs++
	return true
}

// account notes what a loss does to what can be said of the sum: copies that are lost count as edits, and who edits what shows something else adds to that.
func (l *lossTogether) account(one *loser, shown string) {
	lost, err := one.Log().Lost()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, row := range lost {
		at, known, err := l.vault.Lookup(row.ID)
		if err != nil {
			l.t.Fatal(err)
		}
		if !known {
			continue // bookkeeping
		}
		its, err := l.vault.Log().Row(at)
		if err != nil {
			l.t.Fatal(err)
		}
		c, err := l.vault.Log().Changeset(its)
		if err != nil {
			l.t.Fatal(err)
		}
		ch := c.Change(l.rec)
		l.copied = l.copied || ch == nil || !ch.CopyOf.IsZero()
	}
	l.less = l.less || fmt.Sprint(l.shown(one.Replica)["n"]) != shown
}

// tidy folds the loose files of one, or unpacks it.
func (l *lossTogether) tidy(who *loser) {
	if l.rnd.IntN(4) == 0 {
		if err := who.Unpack(l.t.Context(), nil); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	if _, err := who.GC(l.t.Context(), replica.GCOptions{}); err != nil {
		l.t.Fatal(err)
	}
}

// back lets one have what it lost.
func (l *lossTogether) back(who *loser) {
	if report := pull(l.t, who.Replica, l.vault); report.Restored > 0 {
		l.backs++
	}
}

// release copies all that waits in one, and in another one.
func (l *lossTogether) release(who *loser) {
	before := values(l.t, who.Replica)
	done, err := who.Release(l.t.Context(), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.copies += done.Records
	if after := values(l.t, who.Replica); after != before && !l.less {
		l.t.Errorf("%s showed\n%s\nand released\n%s", who.Where(), before, after)
	}
}

// end lets all have all, and looks at it.
func (l *lossTogether) end() {
	for range 3 {
		for _, who := range l.who {
			pull(l.t, l.vault, who.Replica)
			l.back(who)
		}
	}
	l.meet()
	all := []*replica.Replica{l.vault}
	for _, who := range l.who {
		lost, err := who.Log().Lost()
		for _, row := range lost { // nobody else ever has bookkeeping
			if _, known, lookErr := l.vault.Lookup(row.ID); known || lookErr != nil || err != nil {
				l.t.Errorf("%s has lost %s still: %v", who.Where(), row.ID, errors.Join(err, lookErr))
			}
		}
		onlyLost(l.t, who.Replica)
		all = append(all, who.Replica)
	}
	replicatest.Meet(l.t, all...)
	result, err := l.vault.Merged(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	l.odd = l.saysWhatNobodyWrote()
	for _, prop := range []string{"status", "owner"} {
		values := []string{result.Props[prop]}
		if c := result.Conflict(prop); c != nil {
			for _, r := range c.Rivals {
				values = append(values, r.Value)
			}
		}
		for _, e := range l.edits {
			if e.props[prop] == "" || !slices.Contains(values, e.props[prop]) {
				continue
			}
			for _, by := range l.edits {
				if by.seen[e] && by.props[prop] != "" && !l.odd {
					l.t.Errorf("%s=%q of %s shows, which %s had seen, that wrote %q", prop, e.props[prop], e.id, by.id, by.props[prop])
				}
			}
		}
	}
	l.voted = l.voted || l.isVoted(l.vault)
	if l.summed() && result.Props["n"] != fmt.Sprint(l.sum) {
		l.t.Errorf("n=%s, want %d", result.Props["n"], l.sum)
	}
}

// summed reports whether the number is to be the sum of all that was added.
func (l *lossTogether) summed() bool { return !l.copied && !l.less && !l.voted }

// saysWhatNobodyWrote reports whether a copy says beside what it copies what neither that nor it had seen anybody write.
func (l *lossTogether) saysWhatNobodyWrote() bool {
	events, err := l.vault.History(l.rec)
	if err != nil {
		l.t.Fatal(err)
	}
	changes := map[changeset.ID]*changeset.Change{}
	for _, e := range events {
		if !e.Changeset.Bookkeeping() {
			changes[e.Changeset.ID] = e.Change
		}
	}
	for id, ch := range changes {
		if ch.CopyOf.IsZero() {
			continue
		}
		wrote := map[string]bool{}
		seen := map[changeset.ID]bool{}
		for rest := []changeset.ID{id}; len(rest) > 0; {
			at := rest[0]
			rest = rest[1:]
			if its := changes[at]; its != nil && !seen[at] {
				rest = append(append(rest, its.Parents...), its.CopyOf)
				for prop, pc := range its.Props {
					wrote[fmt.Sprintf("%s %q", prop, pc.New.Text)] = wrote[fmt.Sprintf("%s %q", prop, pc.New.Text)] || its.CopyOf.IsZero()
				}
			}
			seen[at] = true
		}
		for prop, pc := range ch.Props {
			if !wrote[fmt.Sprintf("%s %q", prop, pc.New.Text)] {
				return true
			}
		}
	}
	return false
}

// TestWhatWasLostTogetherCountsOnce: several changesets of a record are lost at once, in one of three or in several, and released by any of these; all are edited, folded and unpacked meanwhile. Whenever all have met
// they show the same; and once all of it is back the sum is that of all that was added, and no value shows that somebody had seen who wrote another one.
func TestWhatWasLostTogetherCountsOnce(t *testing.T) {
	replicatest.OnFormat2(t)
	summed, ran, sums, odd := 0, 0, 0, 0
	var total lossTogether
	for seed := uint64(0); seed < uint64(*lossHistories); seed += uint64(race.Every(15)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := newLossTogether(t, seed)
			for range 30 {
				who := l.who[l.rnd.IntN(3)]
				switch n := l.rnd.IntN(20); {
				case n < 8:
					l.edit(who)
				case n < 11:
					if from := l.who[l.rnd.IntN(3)]; from != who {
						pull(t, who.Replica, from.Replica)
					}
				case n < 12:
					l.copyAll(who)
				case n < 14:
					l.release(who)
				case n < 15:
					l.meet()
				case n < 16:
					l.back(who)
				case n < 17:
					l.tidy(who)
				default:
					l.lose(who)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			l.end()
			ran++
			if l.summed() {
				sums++
			}
			if l.odd {
				odd++
			}
			total.several, total.packs, total.backs, summed = total.several+l.several, total.packs+l.packs, total.backs+l.backs, summed+l.copies
		})
	}
	t.Logf("%d histories, %d with a sum, %d where a copy says what nobody wrote: several were lost at once %d times, packs damaged %d, %d times something came back, %d records were copied", ran, sums, odd, total.several, total.packs, total.backs, summed)
	if ran >= 60 && (sums < 20 || odd > ran/4 || total.several < 60 || total.packs < 3 || total.backs < 60 || summed < 30) || ran >= 4 && (sums == 0 || odd == ran || total.several == 0 || total.backs == 0 || summed == 0) { // one alone may be replayed
		t.Error("the histories hardly have what is to be tested")
	}
}
