package replica

import "prophet/changeset"

// settleAnew settles open conflicts anew at the end of a transaction, where votes or rules that came with it may change what holds for now. Votes come
// first: they may settle a conflict about a rule.
func (tx *Tx) settleAnew() error {
	if tx.recount {
		if err := tx.resettle(func(changeset.RecordID) bool { return true }); err != nil {
			return err
		}
	}
	if len(tx.newRules) == 0 {
		return nil
	}
	return tx.resettle(func(rec changeset.RecordID) bool { return tx.main.openSet.concerns(rec, tx.newRules) })
}

// resettle merges those of the records in conflict that are concerned, and logs a resolution where they show something else.
func (tx *Tx) resettle(concerned func(changeset.RecordID) bool) error {
	t := tx.main
	if err := t.loadOpen(); err != nil {
		return err
	}
	var merged []merge
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
		merged = append(merged, merge{rec: rec, exists: result.Exists, props: result.Props})
	}
	return t.resolve(merged)
}
