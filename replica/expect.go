package replica

import (
	"fmt"
	"maps"
	"slices"

	"prophet/changeset"
)

// UnmetError says that a condition of an edit does not hold, see [Edit.Expect]. Nothing was changed.
type UnmetError struct {
	Record    changeset.RecordID
	Prop      string
	Want, Now string // "" where the property is absent
	Conflict  bool   // it is in open conflict, so no value holds for certain; Now is the one that is shown
}

func (e *UnmetError) Error() string {
	now := "it has none now"
	if e.Now != "" {
		now = fmt.Sprintf("it is %.200q now", e.Now)
	}
	if e.Conflict {
		now = fmt.Sprintf("it is in conflict, and %.200q holds only for now", e.Now)
	}
	if e.Want == "" {
		return fmt.Sprintf("%s of %s was to be empty: %s", e.Prop, e.Record, now)
	}
	return fmt.Sprintf("%s of %s was to be %.200q: %s", e.Prop, e.Record, e.Want, now)
}

// Expect makes the edit depend on the values that properties of a record have; "" stands for one that is absent. It looks at what is committed, under
// the lock of the writer and without what the edit has changed so far: so of several processes that claim something by a value, one gets it. If one of them
// is another, or in open conflict, the error is an [UnmetError]; of a record that does not exist it wraps [ErrNoRecord].
//
// What others edit in other replicas meanwhile it cannot know: two that expect the same in two replicas both get it, and have a conflict when they meet.
func (e *Edit) Expect(rec changeset.RecordID, props map[string]string) error {
	now, err := e.Merged(rec)
	if err != nil {
		return err
	}
	if !now.Exists {
		return e.tx.r.noRecord(rec)
	}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		conflict := now.Conflict(name) != nil
		if conflict || now.Props[name] != props[name] {
			return &UnmetError{Record: rec, Prop: name, Want: props[name], Now: now.Props[name], Conflict: conflict}
		}
	}
	return nil
}
