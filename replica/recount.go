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
	tx.settledAnew = tx.settledAnew || tx.recount || len(tx.newRules) > 0
	if tx.recount {
		if err := tx.resettle(func(rec changeset.RecordID) bool { return tx.allRules || tx.main.notes.openSet[rec].inConflict() }); err != nil {
			return err
		}
	}
	tx.recount, tx.allRules = false, false
	if len(tx.newRules) == 0 {
		return nil
	}
	rules := maps.Clone(tx.newRules)
	clear(tx.newRules)
	return tx.resettle(func(rec changeset.RecordID) bool { return tx.main.notes.openSet.concerns(rec, rules) })
}

// resettle merges those of the records of which something is undecided that are concerned.
func (tx *Tx) resettle(concerned func(changeset.RecordID) bool) error {
	if err := tx.main.loadOpen(); err != nil {
		return err
	}
	recs := slices.DeleteFunc(sorted(tx.main.notes.openSet), func(rec changeset.RecordID) bool { return !concerned(rec) })
	return tx.main.remerge(recs)
}

// remerge merges records anew, of whose changes something else is known than before, or which something else settles. It logs a resolution where they show
// something else; one without effect where they show the same but the last row is settled no longer, or other properties are undecided.
func (t *txLog) remerge(recs []changeset.RecordID) error {
	if len(recs) == 0 {
		return nil
	}
	if err := t.loadOpen(); err != nil {
		return err
	}
	var changes []changeset.Change
	now := make([]undecided, len(recs))
	for i, rec := range recs {
		ch, result, err := t.remergeOne(rec)
		if err != nil {
			return err
		}
		if now[i] = undecidedIn(result); ch != nil {
			changes = append(changes, *ch)
		}
	}
	if err := t.keepBooks(changes, flagResolution); err != nil {
		return err
	}
	for i, rec := range recs { // after the rows, whose numbers the notes bear
		if err := t.setOpen(rec, now[i]); err != nil {
			return err
		}
	}
	return nil
}

// remergeOne takes note of what a record comes to. It returns the change that leads there, nil if none is needed.
func (t *txLog) remergeOne(rec changeset.RecordID) (*changeset.Change, *resolution.Result, error) {
	s, err := t.state(rec)
	if err != nil {
		return nil, nil, err
	}
	s.merged, t.tx.newVote = nil, false
	result, err := t.merge(rec, s)
	if err != nil {
		return nil, nil, err
	}
	other := s.settled && !result.SettledBy(s.head)
	s.settled = s.settled && !other
	if t == t.tx.main {
		before := t.notes.openSet[rec].conflicts(result)
		was := before
		if t.tx.regained != nil { // what is noted now counts it
			was = t.tx.regained.before[rec].conflicts(result)
		}
		t.tx.noteOpened(changeset.ID{}, outcome{rec: rec, result: result}, was)
		other = other || !slices.Equal(before, result.OpenProps()) || t.notes.openSet[rec].lacks(result.Agreed)
	}
	ch := difference(rec, s.exists, s.props, result.Exists, result.Props)
	if t == t.tx.main && t.tx.suspect(ch) {
		if err := t.tx.confirmVotesAndRules(); err != nil {
			return nil, nil, err
		}
	}
	if ch == nil && other {
		ch = sameState(rec, s.exists)
	}
	if s.settled {
		s.entries, s.merged = nil, nil
	}
	return ch, result, nil
}
