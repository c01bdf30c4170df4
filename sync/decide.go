package sync

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// intake is what comes into a replica in one transaction after another, and what it opens there: the part that a pull and an import share.
type intake struct {
	to      *replica.Replica
	came    map[changeset.ID]bool       // what came, if the winner depends on it
	chosen  map[disputed][]changeset.ID // among which rivals that came the transactions before have decided
	winner  Prefer
	report  Report
	names   names                   // of the target, to which all belongs that was found out of it
	opened  replica.OpenedConflicts // true: it was open before
	earlier replica.OpenedConflicts // the same, by moves and what came back alone, while it is to be decided
	begun   bool
	before  uint32 // rows that the target had when its first transaction began
}

// noteBefore notes what the target has before the first of the transactions. It is called in each of them, before anything is integrated.
func (in *intake) noteBefore() {
	if !in.begun {
		in.begun, in.before = true, in.to.Latest()
	}
}

// disputed is a property of a record.
type disputed struct {
	rec  changeset.RecordID
	prop string
}

// target returns what an intake goes into: the replica, or for a dry run a copy of it in memory.
func target(ctx context.Context, to *replica.Replica, winner Prefer, dryRun bool) (*replica.Replica, error) {
	if err := winner.check(); err != nil {
		return nil, err
	}
	if dryRun {
		return to.Scratch(ctx)
	}
	return to, nil
}

func newIntake(to *replica.Replica, winner Prefer) intake {
	return intake{to: to, names: namesOf(to), came: map[changeset.ID]bool{}, chosen: map[disputed][]changeset.ID{}, winner: winner, opened: replica.OpenedConflicts{}}
}

// finish completes the report with the conflicts that came up and that are open still.
func (in *intake) finish() error {
	in.report.Latest = in.to.Latest()
	if len(in.opened) == 0 {
		return nil
	}
	open, err := in.to.OpenProps(maps.Keys(in.opened))
	if err != nil {
		return err
	}
	for rec, props := range in.opened {
		if err := in.noteRule(rec); err != nil {
			return err
		}
		for _, prop := range open[rec] {
			if before, came := props[prop]; came {
				in.report.Opened = append(in.report.Opened, Opened{rec, prop, before})
			}
		}
	}
	sortOpened(in.report.Opened)
	return nil
}

// noteRule reports the rule that a record holds about which something came up.
func (in *intake) noteRule(rec changeset.RecordID) error {
	if rec.Type != changeset.SettingsType {
		return nil
	}
	state, err := in.to.Merged(rec)
	if err != nil {
		return err
	}
	rule, ok := replica.RuleIn(in.to.Database(), rec, state)
	if !ok {
		return nil
	}
	if in.report.Rules == nil {
		in.report.Rules = map[changeset.RecordID]replica.RuleSetting{}
	}
	in.report.Rules[rec] = rule
	return nil
}

func sortOpened(opened []Opened) {
	slices.SortFunc(opened, func(a, b Opened) int {
		return cmp.Or(a.Record.Compare(b.Record), cmp.Compare(a.Prop, b.Prop))
	})
}

// prefer decides the conflicts that came up in a transaction for the preferred winner, in the same transaction: first those about settings, because a rule
// that wins may open others.
func (in *intake) prefer(tx *replica.Tx) (decided []replica.Decision, err error) {
	if in.winner == PreferNone {
		return nil, nil
	}
	for _, settings := range []bool{true, false} {
		if err := tx.Settle(); err != nil {
			return nil, err
		}
		some, err := in.preferSome(tx, func(rec changeset.RecordID) bool { return (rec.Type == changeset.SettingsType) == settings })
		if err != nil {
			return nil, err
		}
		decided = append(decided, some...)
	}
	return decided, nil
}

// preferAlready decides the conflicts that came up because changesets got other names, or came back after they were lost, for the preferred winner.
func (in *intake) preferAlready(ctx context.Context, opened replica.OpenedConflicts) error {
	if in.winner == PreferNone || len(opened) == 0 {
		return nil
	}
	in.earlier = opened
	var decided []replica.Decision
	err := in.update(ctx, func(tx *replica.Tx) (err error) {
		decided, err = in.prefer(tx)
		return err
	})
	if err == nil {
		in.report.Decided = append(in.report.Decided, decided...)
	}
	return err
}

// preferSome does so about the records that are meant, in one edit.
func (in *intake) preferSome(tx *replica.Tx, meant func(changeset.RecordID) bool) ([]replica.Decision, error) {
	opened := maps.Clone(tx.Opened())
	for rec, props := range in.earlier {
		opened[rec] = props
	}
	maps.DeleteFunc(opened, func(rec changeset.RecordID, _ map[string]bool) bool { return !meant(rec) })
	if len(opened) == 0 {
		return nil, nil
	}
	return tx.EditAll(func(e *replica.Edit) error {
		for _, rec := range slices.SortedFunc(maps.Keys(opened), changeset.RecordID.Compare) {
			if err := in.preferRecord(tx, e, rec, opened[rec]); err != nil {
				return err
			}
		}
		return nil
	})
}

// preferRecord decides about one record. Where the target's side is preferred, that is what it showed before all of its transactions; of a record that
// did not live there, it held no values.
func (in *intake) preferRecord(tx *replica.Tx, e *replica.Edit, rec changeset.RecordID, props map[string]bool) error {
	result, err := e.Merged(rec)
	if err != nil {
		return err
	}
	had, lived, known, err := in.to.Log().PropsAt(rec, in.before)
	if err != nil {
		return err
	}
	if _, opened := props[""]; opened && result.Existence != nil {
		if lives, err := in.preferExistence(tx, e, rec, known && !lived); !lives || err != nil {
			return err
		}
	}
	writes := map[string]string{}
	for _, prop := range slices.Sorted(maps.Keys(props)) {
		c := result.Conflict(prop)
		if c == nil {
			continue
		}
		value, prefers := had[prop], lived
		if in.winner == PreferFrom {
			value, prefers, err = in.winnerOfCame(e, rec, c)
		}
		if err != nil {
			return err
		}
		if prefers {
			writes[prop] = value
		}
	}
	if len(writes) == 0 {
		return nil
	}
	for _, prop := range slices.Sorted(maps.Keys(writes)) {
		if err := cmp.Or(changeset.CheckProperty(prop), changeset.CheckValue(prop, writes[prop])); err != nil {
			return &PreferError{rec, in.winner, err}
		}
	}
	return e.Update(rec, writes)
}

// PreferError says that a conflict cannot be decided for the side that is preferred: another program wrote what wins there, and it is beyond what we write. The
// transaction that it would come with is not made.
type PreferError struct {
	Record changeset.RecordID
	Prefer Prefer
	Err    error // of [changeset.CheckProperty] or [changeset.CheckValue]
}

func (e *PreferError) Error() string {
	return fmt.Sprintf("decide %s for what is preferred, %q: %v", e.Record, e.Prefer, e.Err)
}

func (e *PreferError) Unwrap() error { return e.Err }

// preferExistence decides whether a record lives, and reports whether it is decided that it does. was says that it was deleted before.
func (in *intake) preferExistence(tx *replica.Tx, e *replica.Edit, rec changeset.RecordID, was bool) (lives bool, err error) {
	lives, prefers := !was, true
	if in.winner == PreferFrom {
		lives, prefers, err = in.livesByWhatCame(tx, e, rec)
	}
	switch {
	case err != nil || !prefers:
		return false, err
	case !lives:
		return false, e.Delete(rec)
	}
	return true, e.Keep(rec)
}

// livesByWhatCame reports whether a record would live if the changes to it that came, in whatever transaction, were all there are. came is false if none did.
func (in *intake) livesByWhatCame(tx *replica.Tx, e *replica.Edit, rec changeset.RecordID) (lives, came bool, err error) {
	ids, err := tx.Touching(rec)
	ids = slices.DeleteFunc(ids, func(id changeset.ID) bool { return !in.came[id] })
	if err != nil || len(ids) == 0 {
		return false, false, err
	}
	result, err := e.Together(rec, ids...)
	if err != nil {
		return false, false, err
	}
	return result.Exists, true, nil
}

// winnerOfCame returns what would hold if the rivals that came were all there are: by a vote or the rule of the property, or where the rule asks, the latest.
// Those that came in an earlier transaction, and were decided among there, count too. came is false if none came.
func (in *intake) winnerOfCame(e *replica.Edit, rec changeset.RecordID, c *resolution.Conflict) (value string, came bool, err error) {
	about := disputed{rec, c.Prop}
	ids := slices.Clone(in.chosen[about])
	for _, r := range c.Rivals {
		if in.came[r.ID] {
			ids, came = append(ids, r.ID), true
		}
	}
	if !came {
		return "", false, nil
	}
	in.chosen[about] = ids
	result, err := e.Together(rec, ids...)
	if err != nil {
		return "", false, err
	}
	value = result.Props[c.Prop]
	if alone := result.Conflict(c.Prop); alone != nil && alone.Why == resolution.WhyAsk {
		value = alone.Rivals[0].Value
	}
	return value, true, nil
}

// noteCame remembers a changeset that came, if that matters to who is to win.
func (in *intake) noteCame(id changeset.ID) {
	if in.winner == PreferFrom {
		in.came[id] = true
	}
}
