package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
)

// TakeAll settles what is open about all records, or about the properties named, in one transaction, in as many changesets as it
// takes. How is a word of [Edit.Take]. What cannot be settled so is left, and returned, by record; so are the properties of a record whose existence stays in
// conflict, because writing them would keep it.
func (r *Replica) TakeAll(ctx context.Context, how string, props ...string) (decided []Decision, left []Left, err error) {
	switch how {
	case TakeMine, TakeTheirs, TakeLatest, TakeHolds, TakeMerged, TakeKeep, TakeDelete:
	default:
		return nil, nil, fmt.Errorf("settle all conflicts: take %q: want %s", how, takeWords)
	}
	err = r.Update(ctx, func(tx *Tx) error {
		decided, err = tx.EditAll(func(e *Edit) error {
			left, err = e.takeAll(ctx, how, props)
			return err
		})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return decided, left, nil
}

func (e *Edit) takeAll(ctx context.Context, how string, props []string) (left []Left, err error) {
	if err := e.tx.main.loadOpen(); err != nil {
		return nil, err
	}
	for _, rec := range e.tx.main.notes.openSet.inConflict() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		kept, err := e.takeWhatCanBe(rec, how, props)
		if err != nil {
			return nil, err
		}
		for _, l := range kept {
			l.Record = rec
			left = append(left, l)
		}
	}
	return left, nil
}

// errLives is why a property is left if whether its record lives is.
var errLives = errors.New("whether the record lives is to be settled first: writing a property would keep it")

// takeWhatCanBe settles what can be settled of one record.
func (e *Edit) takeWhatCanBe(rec changeset.RecordID, how string, props []string) ([]Left, error) {
	result, err := e.Merged(rec)
	if err != nil {
		return nil, err
	}
	chosen, left, err := e.choose(result, how, props)
	if err != nil {
		return nil, err
	}
	keeps := len(chosen) > 0 && chosen[0].Prop == ""
	if keeps && chosen[0].Value == TakeDelete {
		left = nil // with the record go its conflicts
	}
	var why error
	var rule *RuleError
	switch {
	case len(result.Heads) > changeset.MaxParents:
		why = fmt.Errorf("it has %d heads, at most %d can be settled at once", len(result.Heads), changeset.MaxParents)
	case result.Existence != nil && !keeps:
		why = errLives
	case errors.As(CheckRule(e.tx.main.database, rec, withChosen(result.Props, chosen)), &rule):
		why = rule.Err
	}
	if why != nil {
		for _, c := range chosen {
			left = append(left, Left{Prop: c.Prop, Err: why})
		}
		slices.SortFunc(left, func(a, b Left) int { return strings.Compare(a.Prop, b.Prop) })
		return left, nil
	}
	return left, e.takeChoices(rec, chosen)
}

// withChosen returns what properties come to with those that were chosen.
func withChosen(props map[string]string, chosen []Choice) map[string]string {
	all := maps.Clone(props)
	for _, c := range chosen {
		if c.Prop != "" {
			all[c.Prop] = c.Value
		}
	}
	return all
}
