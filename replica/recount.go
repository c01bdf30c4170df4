package replica

import (
	"maps"
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// settleAnew settles what is undecided anew, where votes or rules that came with the transaction may change what holds for now. Votes come
// first: they may settle a conflict about a rule.
func (tx *Tx) settleAnew() error {
	if tx.recount {
		if err := tx.resettle(func(rec changeset.RecordID) bool { return tx.allRules || tx.main.openSet[rec].inConflict() }); err != nil {
			return err
		}
	}
	tx.recount, tx.allRules = false, false
	if len(tx.newRules) == 0 {
		return nil
	}
	rules := maps.Clone(tx.newRules)
	clear(tx.newRules)
	return tx.resettle(func(rec changeset.RecordID) bool { return tx.main.openSet.concerns(rec, rules) })
}

// resettle merges those of the records of which something is undecided that are concerned. It logs a resolution where they show something else; one without
// effect where a conflict begins or ceases to be one and they show the same, so that there is a row from which on that is so.
func (tx *Tx) resettle(concerned func(changeset.RecordID) bool) error {
	t := tx.main
	if err := t.loadOpen(); err != nil {
		return err
	}
	var changes []changeset.Change
	now := map[changeset.RecordID]undecided{}
	for _, rec := range sorted(t.openSet) {
		if !concerned(rec) {
			continue
		}
		s, err := t.state(rec)
		if err != nil {
			return err
		}
		s.merged = nil
		result, err := t.merge(rec, s)
		if err != nil {
			return err
		}
		now[rec] = undecidedIn(result)
		if ch := t.settleOther(rec, s, result); ch != nil {
			changes = append(changes, *ch)
		}
	}
	if err := t.keepBooks(changes, flagResolution); err != nil {
		return err
	}
	for _, rec := range sorted(now) {
		if err := t.setOpen(rec, now[rec]); err != nil {
			return err
		}
	}
	return nil
}

// settleOther takes note of what a record comes to whose changes are the same, but not what settles them. It returns the change that leads there, nil if
// none is needed.
func (t *txLog) settleOther(rec changeset.RecordID, s *state, result *resolution.Result) *changeset.Change {
	before, open := t.openSet[rec], result.OpenProps()
	if before.any {
		before.open = open
	}
	t.tx.noteOpened(changeset.ID{}, merge{rec: rec, before: Held{Before: true, Exists: s.exists}, held: s.props, result: result}, before.open)
	s.settled = s.settled && result.SettledBy(s.head)
	ch := difference(rec, s.exists, s.props, result.Exists, result.Props)
	if ch == nil && !slices.Equal(before.open, open) {
		ch = sameState(rec, s.exists)
	}
	if s.settled {
		s.entries, s.merged = nil, nil
	}
	return ch
}
