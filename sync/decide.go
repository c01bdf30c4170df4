package sync

import (
	"slices"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// intake is what comes into a replica in one transaction after another, and what it opens there: the part that a pull and an import share.
type intake struct {
	to     *replica.Replica
	came   map[changeset.ID]bool // what came, if the winner depends on it
	winner Prefer
	report Report
	names  names                                          // of the target, to which all belongs that was found out of it
	opened map[changeset.RecordID]map[string]replica.Held // with what was held before
}

func newIntake(to *replica.Replica, winner Prefer) intake {
	return intake{to: to, names: namesOf(to), came: map[changeset.ID]bool{}, winner: winner, opened: map[changeset.RecordID]map[string]replica.Held{}}
}

// noteOpened adds what one transaction opened. What counts as held before is what was held when the conflict came up first.
func (in *intake) noteOpened(opened map[changeset.RecordID]map[string]replica.Held) {
	for rec, props := range opened {
		if in.opened[rec] == nil {
			in.opened[rec] = map[string]replica.Held{}
		}
		for prop, held := range props {
			if _, again := in.opened[rec][prop]; !again {
				in.opened[rec][prop] = held
			}
		}
	}
}

// finish completes the report.
func (in *intake) finish() error {
	in.report.Latest = in.to.Latest()
	return in.listOpened(in.to.Merged)
}

// finishTry completes the report of a transaction that is never made.
func (in *intake) finishTry(tx *replica.Tx) error {
	in.report.Latest = in.to.Latest()
	return in.listOpened(tx.Merged)
}

// listOpened reports the conflicts that came up and that are open still.
func (in *intake) listOpened(merged func(changeset.RecordID) (*resolution.Result, error)) error {
	for rec, props := range in.opened {
		result, err := merged(rec)
		if err != nil {
			return err
		}
		for prop, held := range props {
			if prop == "" && result.Existence != nil || prop != "" && result.Conflict(prop) != nil {
				in.report.Opened = append(in.report.Opened, Opened{rec, prop, held.Open})
			}
		}
	}
	sortOpened(in.report.Opened)
	return nil
}

func sortOpened(opened []Opened) {
	slices.SortFunc(opened, func(a, b Opened) int {
		if c := a.Record.Compare(b.Record); c != 0 {
			return c
		}
		return slices.Compare([]byte(a.Prop), []byte(b.Prop))
	})
}

// prefer decides the conflicts that came up in a transaction for the preferred winner, in the same transaction, in one changeset of the target's own.
func (in *intake) prefer(tx *replica.Tx) ([]replica.Decision, error) {
	if in.winner == PreferNone || len(tx.Opened()) == 0 {
		return nil, nil
	}
	return tx.EditAll(func(e *replica.Edit) error {
		for rec, props := range tx.Opened() {
			if err := in.preferRecord(e, rec, props); err != nil {
				return err
			}
		}
		return nil
	})
}

func (in *intake) preferRecord(e *replica.Edit, rec changeset.RecordID, props map[string]replica.Held) error {
	result, err := e.Merged(rec)
	if err != nil {
		return err
	}
	if held, opened := props[""]; opened && result.Existence != nil && in.deletes(result.Existence, held) {
		return e.Delete(rec)
	} else if opened && result.Existence != nil {
		if err := e.Keep(rec); err != nil {
			return err
		}
	}
	writes := map[string]string{}
	for prop, held := range props {
		c := result.Conflict(prop)
		if c == nil {
			continue
		}
		if in.winner == PreferFrom {
			if i := slices.IndexFunc(c.Rivals, func(r resolution.Rival) bool { return in.came[r.ID] }); i >= 0 {
				writes[prop] = c.Rivals[i].Value
			}
		} else if held.Before {
			writes[prop] = held.Value
		}
	}
	if len(writes) == 0 {
		return nil
	}
	return e.Update(rec, writes)
}

// deletes reports whether the preferred side deletes a record whose existence is in conflict.
func (in *intake) deletes(c *resolution.ExistenceConflict, held replica.Held) bool {
	if in.winner == PreferTo {
		return held.Before && !held.Exists
	}
	came := func(e *resolution.Entry) bool { return in.came[e.ID] }
	deletion := slices.IndexFunc(c.Delete, came)
	edit := slices.IndexFunc(c.Keep, came)
	return deletion >= 0 && (edit < 0 || resolution.CompareTime(c.Delete[deletion], c.Keep[edit]) > 0)
}

// noteCame remembers a changeset that came, if that matters to who is to win.
func (in *intake) noteCame(id changeset.ID) {
	if in.winner == PreferFrom {
		in.came[id] = true
	}
}
