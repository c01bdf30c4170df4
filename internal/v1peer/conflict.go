package v1peer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/cas"
	"prophet/changeset"
)

// ErrNotResolved is wrapped by the error of a pull that met a conflict without an answer. The original says "The conflict was not resolved".
var ErrNotResolved = errors.New("the conflict was not resolved")

// Conflict is one record on which a changeset that comes does not fit.
type Conflict struct {
	Record  changeset.RecordID
	Kind    changeset.Kind // of the change that comes; a create of a record that exists counts as an update
	Missing bool           // the record does not exist here; then there are no clashes
	Clashes []Clash
}

// Clash is a property whose value here is not the one that the change found.
type Clash struct {
	Name              string
	Old, Mine, Theirs changeset.Value // what the change found, what is here, what the change writes
}

// Resolver answers a conflict: the values of properties that the resolution sets. With no values, what comes stays as it came.
// Of a record that is missing here none are set. If ok is false it has no answer.
type Resolver func(c Conflict) (answer map[string]changeset.Value, ok bool)

// To keeps what is here. Of a record that is missing here, it lets stand what the change makes.
func To(c Conflict) (map[string]changeset.Value, bool) {
	answer := map[string]changeset.Value{}
	for _, clash := range c.Clashes {
		answer[clash.Name] = clash.Mine
	}
	return answer, true
}

// From takes what comes. To a record that is missing here it has no answer.
func From(c Conflict) (map[string]changeset.Value, bool) { return nil, !c.Missing }

// Nobody has no answer, as the original without a preference and without a terminal.
func Nobody(Conflict) (map[string]changeset.Value, bool) { return nil, false }

// conflicts returns the conflicts of a changeset with what is here. It makes creates of records that exist updates.
func (l *log) conflicts(c *changeset.Changeset, shuffle func([]Clash)) (found []Conflict, err error) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		here, exists, err := l.props(ch.Record)
		if err != nil {
			return nil, err
		}
		if exists && ch.Kind == changeset.Create {
			ch.Kind = changeset.Update
		}
		conflict := Conflict{Record: ch.Record, Kind: ch.Kind, Missing: !exists && ch.Kind != changeset.Create}
		if exists {
			conflict.Clashes = clashes(ch, here)
			shuffle(conflict.Clashes)
		}
		if conflict.Missing || len(conflict.Clashes) > 0 {
			found = append(found, conflict)
		}
	}
	return found, nil
}

// clashes returns the properties of a change, by name, that are not here as the change found them. Null and "" are alike.
func clashes(ch *changeset.Change, here map[string]string) (all []Clash) {
	if ch.Kind == changeset.Delete {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		pc := ch.Props[name]
		if pc.Old.Text != here[name] {
			all = append(all, Clash{Name: name, Old: pc.Old, Mine: changeset.TextOrNull(here[name]), Theirs: pc.New})
		}
	}
	return all
}

func (p *Peer) shuffle(clashes []Clash) {
	if p.opts.Rand != nil {
		p.opts.Rand.Shuffle(len(clashes), func(i, j int) { clashes[i], clashes[j] = clashes[j], clashes[i] })
	}
}

// fingerprint names the conflict in the resolutions replica.
func (c *Conflict) fingerprint() string {
	var all []changeset.Clash
	for _, clash := range c.Clashes {
		var choices []string
		for _, v := range []changeset.Value{clash.Mine, clash.Theirs} {
			if v.Set {
				choices = append(choices, v.Text)
			}
		}
		all = append(all, changeset.Clash{Name: clash.Name, Choices: choices, OldValue: clash.Old})
	}
	return changeset.Fingerprint(c.Record, all)
}

// identical reports whether both sides say the same.
func (c *Conflict) identical() bool {
	return !c.Missing && !slices.ContainsFunc(c.Clashes, func(clash Clash) bool { return clash.Mine.Text != clash.Theirs.Text })
}

// nullification is the changeset that makes a changeset in conflict fit.
func nullification(found []Conflict) *changeset.Changeset {
	n := &changeset.Changeset{Nullification: true}
	for _, c := range found {
		ch := changeset.Change{Record: c.Record, Kind: changeset.Update, Props: map[string]changeset.PropChange{}}
		if c.Missing {
			ch.Kind = changeset.Create
		}
		for _, clash := range c.Clashes {
			ch.Props[clash.Name] = changeset.PropChange{New: clash.Old}
		}
		n.Changes = append(n.Changes, ch)
	}
	return n
}

// resolution is the changeset of the answers, with the fingerprint of the conflict that each of its changes answers.
func (in *intake) resolution(found []Conflict) (r *changeset.Changeset, prints []string, err error) {
	r = &changeset.Changeset{Creator: changeset.TextOrNull(in.p.opts.Creator), Resolution: true}
	for _, c := range found {
		answer, ok, err := in.answer(c)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, fmt.Errorf("%s: %w", c.Record, ErrNotResolved)
		}
		if len(answer) == 0 {
			continue
		}
		ch := changeset.Change{Record: c.Record, Kind: c.Kind, Props: map[string]changeset.PropChange{}}
		for name, v := range answer {
			ch.Props[name] = changeset.PropChange{New: v}
		}
		r.Changes, prints = append(r.Changes, ch), append(prints, c.fingerprint())
	}
	return r, prints, nil
}

// answer asks in the original's order: do both say the same, what do the votes say, what does the resolver say.
func (in *intake) answer(c Conflict) (map[string]changeset.Value, bool, error) {
	if c.identical() {
		return nil, true, nil
	}
	if in.answers != nil && !c.Missing {
		voted, ok, err := in.p.voted(&c)
		if err != nil || ok {
			return voted, ok, err
		}
	}
	answer, ok := in.resolve(c)
	if c.Missing {
		answer = nil
	}
	return answer, ok, nil
}

// voted returns the answer with the most votes; ok is false if there are none.
func (p *Peer) voted(c *Conflict) (answer map[string]changeset.Value, ok bool, err error) {
	best, err := p.mostVoted(resolutionType(c.fingerprint()))
	if err != nil || best == nil {
		return nil, false, err
	}
	answer = map[string]changeset.Value{}
	for _, clash := range c.Clashes {
		answer[clash.Name] = changeset.TextOrNull(best[clash.Name])
	}
	return answer, true, nil
}

// mostVoted returns the properties of the most frequent record of a type, nil if there is none.
func (p *Peer) mostVoted(typ string) (map[string]string, error) {
	recs, err := p.votes.recordsOf(typ)
	if err != nil {
		return nil, err
	}
	records, count := map[cas.Key]map[string]string{}, map[cas.Key]int{}
	for _, rec := range recs {
		props, ok, err := p.votes.props(rec)
		if err != nil {
			return nil, err
		}
		if ok {
			key := cas.Sum(changeset.EncodeRecord(props))
			records[key] = props
			count[key]++
		}
	}
	if len(count) == 0 {
		return nil, nil
	}
	return records[p.pick(count)], nil
}

// pick returns one of the keys that are counted most.
func (p *Peer) pick(count map[cas.Key]int) cas.Key {
	most := slices.Max(slices.Collect(maps.Values(count)))
	maps.DeleteFunc(count, func(_ cas.Key, n int) bool { return n < most })
	keys := slices.SortedFunc(maps.Keys(count), func(a, b cas.Key) int { return strings.Compare(a.String(), b.String()) })
	if p.opts.Rand != nil {
		return keys[p.opts.Rand.IntN(len(keys))]
	}
	return keys[0]
}

// vote records an answer in the resolutions replica, unless this replica has answered that conflict before.
func (p *Peer) vote(fingerprint string, ch changeset.Change) error {
	rec := changeset.RecordID{Type: resolutionType(fingerprint), UUID: p.votes.uuid}
	if _, exists, err := p.votes.props(rec); err != nil || exists {
		return err
	}
	props := maps.Clone(ch.Props)
	props["_meta"] = changeset.PropChange{New: changeset.Text(changeset.KindName(ch.Kind))}
	e := p.edit()
	if err := p.votes.apply(e, changeset.Change{Record: rec, Kind: changeset.Create, Props: props}); err != nil {
		return err
	}
	return p.votes.commit(e)
}

func resolutionType(fingerprint string) string { return "_prophet_resolution-" + fingerprint }
