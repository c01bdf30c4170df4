package replica

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"prophet/changeset"
	"prophet/resolution"
)

// Choice is one rival in a record's open conflicts, under a number that tells it from all others of the record.
type Choice struct {
	N     int
	Prop  string // "" for the record's existence
	Value string // for existence TakeKeep or TakeDelete; otherwise "" is null
	Entry *resolution.Entry
	Holds bool   // it is what holds for now
	Why   string // and why; for existence resolution.WhyLives
}

// Choices numbers the rivals of a record from 1: its existence first, then its properties by name, of each the latest first.
func Choices(result *resolution.Result) []Choice {
	var all []Choice
	add := func(c Choice) {
		c.N = len(all) + 1
		all = append(all, c)
	}
	if x := result.Existence; x != nil {
		for _, e := range x.Keep {
			add(Choice{Value: TakeKeep, Entry: e, Holds: true, Why: resolution.WhyLives})
		}
		for _, e := range x.Delete {
			add(Choice{Value: TakeDelete, Entry: e, Why: resolution.WhyLives})
		}
	}
	for _, c := range result.Conflicts {
		for _, rival := range c.Rivals {
			add(Choice{Prop: c.Prop, Value: rival.Value, Entry: rival.Entry, Holds: rival.Value == c.Value, Why: c.Why})
		}
	}
	return all
}

// What [Edit.Take] takes, if not the rival with a number.
const (
	TakeMine   = "mine"   // what was written in this replica
	TakeTheirs = "theirs" // what was written in others
	TakeLatest = "latest" // what was written last
	TakeHolds  = "holds"  // what holds for now, which need be no rival's: a sum, what a vote says, or the winner; a record lives
	TakeMerged = "merged" // the [MergedText] of two rivals
	TakeKeep   = "keep"   // the record lives; its properties in conflict stay so
	TakeDelete = "delete" // the record is deleted, and nothing about it is in conflict any more
)

// takeWords are the words, for messages.
const takeWords = TakeMine + ", " + TakeTheirs + ", " + TakeLatest + ", " + TakeHolds + ", " + TakeMerged + ", " + TakeKeep + " or " + TakeDelete

// Take settles a record's open conflicts: how is the number of a choice, which settles that property alone, or one of the words above, which
// settle all of them or those of the properties named ("" for existence); "keep" and "delete" settle existence. If one cannot be settled so, none is.
func (e *Edit) Take(rec changeset.RecordID, how string, props ...string) error {
	result, err := e.Merged(rec)
	if err != nil {
		return err
	}
	all := Choices(result)
	if len(all) == 0 {
		return fmt.Errorf("%s is not in conflict", rec)
	}
	if n, err := strconv.Atoi(how); err == nil {
		if n < 1 || n > len(all) {
			return fmt.Errorf("settle %s: there is no rival %d: they are numbered 1 to %d", rec, n, len(all))
		}
		return e.takeChoices(rec, all[n-1:n])
	}
	if how == TakeKeep || how == TakeDelete {
		props = []string{""}
	}
	chosen, left, err := e.choose(result, how, props)
	switch {
	case err != nil:
		return err
	case len(left) > 0:
		left[0].Record = rec
		return &left[0]
	case len(chosen) == 0 && slices.Contains(props, ""):
		return fmt.Errorf("settle %s: whether it lives is not in conflict", rec)
	case len(chosen) == 0:
		return fmt.Errorf("settle %s: nothing about %s is in conflict", rec, strings.Join(props, ", "))
	}
	return e.takeChoices(rec, chosen)
}

// takeChoices writes what was chosen. A deletion leaves nothing else to settle.
func (e *Edit) takeChoices(rec changeset.RecordID, chosen []Choice) error {
	writes := map[string]string{}
	for _, c := range chosen {
		switch {
		case c.Prop != "":
			writes[c.Prop] = c.Value
		case c.Value == TakeDelete:
			return e.Delete(rec)
		default:
			if err := e.Keep(rec); err != nil {
				return err
			}
		}
	}
	return e.Update(rec, writes)
}

// Left is a conflict that was not settled, and why. It is the error of [Edit.Take], which settles nothing then.
type Left struct {
	Record changeset.RecordID
	Prop   string // "" for the record's existence
	Err    error
}

func (l *Left) Error() string { return fmt.Sprintf("settle %s: %v", l.Record, l.Err) }

// Unwrap returns why it was not settled.
func (l *Left) Unwrap() error { return l.Err }

// taker chooses among the rivals of one record.
type taker struct {
	result *resolution.Result
	how    string
	mine   map[changeset.ID]bool // the rivals that were written in the replica itself
}

// choose picks among all rivals of a record, as [taker.choose] does.
func (e *Edit) choose(result *resolution.Result, how string, props []string) (chosen []Choice, left []Left, err error) {
	t := &taker{result, how, map[changeset.ID]bool{}}
	all := Choices(result)
	if how == TakeMine || how == TakeTheirs {
		for _, c := range all {
			if t.mine[c.Entry.ID], err = e.tx.main.wrote(c.Entry.ID); err != nil {
				return nil, nil, err
			}
		}
	}
	chosen, left = t.choose(all, props)
	return chosen, left, nil
}

// wrote is [Log.Wrote], for what this transaction makes too.
func (t *txLog) wrote(id changeset.ID) (bool, error) {
	if id.Origin == t.self && id.Seq > t.latest {
		return true, nil
	}
	return t.Wrote(id)
}

// choose picks one choice for each conflict, or for those about the properties named, and returns also those for which there is none.
func (t *taker) choose(all []Choice, props []string) (chosen []Choice, left []Left) {
	for len(all) > 0 {
		prop := all[0].Prop
		end := slices.IndexFunc(all, func(c Choice) bool { return c.Prop != prop })
		if end < 0 {
			end = len(all)
		}
		rivals := all[:end]
		all = all[end:]
		if len(props) > 0 && !slices.Contains(props, prop) {
			continue
		}
		c, err := t.chooseOne(rivals)
		if err == nil && prop != "" {
			err = checkProps(map[string]string{prop: c.Value}) // others may have written what we do not
		}
		if err != nil {
			left = append(left, Left{Prop: prop, Err: err})
		} else {
			chosen = append(chosen, c)
		}
	}
	return chosen, left
}

// chooseOne picks among the rivals of one conflict.
func (t *taker) chooseOne(rivals []Choice) (Choice, error) {
	prop := rivals[0].Prop
	switch t.how {
	case TakeMine:
		return only(rivals, t.how, func(c Choice) bool { return t.mine[c.Entry.ID] })
	case TakeTheirs:
		return only(rivals, t.how, func(c Choice) bool { return !t.mine[c.Entry.ID] })
	case TakeLatest:
		return slices.MaxFunc(rivals, func(a, b Choice) int { return resolution.CompareTime(a.Entry, b.Entry) }), nil
	case TakeHolds:
		return t.holds(prop), nil
	case TakeMerged:
		return t.merged(prop)
	case TakeKeep, TakeDelete:
		if prop == "" {
			return Choice{Value: t.how}, nil
		}
		return Choice{}, fmt.Errorf("%q settles whether a record lives, not %q", t.how, prop)
	}
	return Choice{}, fmt.Errorf("take %q: want the number of a rival, or %s", t.how, takeWords)
}

// holds is the choice of what holds for now. Of a conflict about existence that is to keep.
func (t *taker) holds(prop string) Choice {
	if prop == "" {
		return Choice{Value: TakeKeep}
	}
	return Choice{Prop: prop, Value: t.result.Conflict(prop).Value}
}

// merged is the choice of what two rivals come to together.
func (t *taker) merged(prop string) (Choice, error) {
	if prop == "" {
		return Choice{}, errors.New("to keep and to delete cannot be merged")
	}
	text, err := MergedText(t.result.Conflict(prop))
	return Choice{Prop: prop, Value: text}, err
}

// only returns the rival that is wanted, if all that are have one value.
func only(rivals []Choice, how string, want func(Choice) bool) (Choice, error) {
	what := "its existence"
	if rivals[0].Prop != "" {
		what = strconv.Quote(rivals[0].Prop)
	}
	wanted := slices.DeleteFunc(slices.Clone(rivals), func(c Choice) bool { return !want(c) })
	switch {
	case len(wanted) == 0 && how == TakeMine:
		return Choice{}, fmt.Errorf("none of the rivals for %s was written in this replica; take one by its number", what)
	case len(wanted) == 0:
		return Choice{}, fmt.Errorf("all rivals for %s were written in this replica; take one by its number", what)
	case slices.ContainsFunc(wanted, func(c Choice) bool { return c.Value != wanted[0].Value }):
		return Choice{}, fmt.Errorf("%q is not one value: rivals %s for %s are; take one by its number", how, numbers(wanted), what)
	}
	return wanted[0], nil
}

// numbers lists the numbers of choices: "2, 3 and 5".
func numbers(choices []Choice) string {
	var list []string
	for _, c := range choices {
		list = append(list, strconv.Itoa(c.N))
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
