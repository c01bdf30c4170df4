package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// recordDoc is the JSON of a record.
type recordDoc struct {
	Conflicts []string          `json:"conflicts,omitempty"` // properties that are open; "" is its existence
	Deleted   bool              `json:"deleted,omitempty"`
	DeletedAt string            `json:"deleted_at,omitempty"` // UTC; in a list of deleted records alone
	DeletedBy string            `json:"deleted_by,omitempty"`
	ID        *uint32           `json:"id"` // its local id; null if none was given
	Props     map[string]string `json:"props"`
	Type      string            `json:"type"`
	UUID      uuid.UUID         `json:"uuid"`
}

// newRecordDoc returns the JSON of a record, of which these properties are open.
func newRecordDoc(r *replica.Record, open []string) recordDoc {
	props := r.Props
	if props == nil {
		props = map[string]string{}
	}
	return recordDoc{Conflicts: open, Deleted: r.Deleted, ID: idOrNull(r.LocalID), Props: props, Type: r.ID.Type, UUID: r.ID.UUID}
}

// The JSON of a changeset.
type (
	changesetDoc struct {
		Changes []changeDoc   `json:"changes"`
		Created string        `json:"created"` // UTC
		Creator *string       `json:"creator"`
		Decides []decisionDoc `json:"decides"`
		ID      string        `json:"id"`
		Kind    string        `json:"kind"`           // edit, nullification or resolution
		Lost    bool          `json:"lost,omitempty"` // this is what is left of it
		Row     uint32        `json:"row"`            // in the log of this replica
	}
	// historyDoc is a changesetDoc that says how the changes to one record follow each other.
	historyDoc struct {
		Changes []changeDoc   `json:"changes"`
		Created string        `json:"created"`
		Creator *string       `json:"creator"`
		Decides []decisionDoc `json:"decides"`
		Head    bool          `json:"head"`
		ID      string        `json:"id"`
		Kind    string        `json:"kind"`
		Parents []string      `json:"parents"` // null for bookkeeping
		Row     uint32        `json:"row"`
	}
	changeDoc struct {
		CopyOf  string             `json:"copy_of,omitempty"`
		ID      *uint32            `json:"id"`      // the record's local id; null if none was given
		Op      string             `json:"op"`      // create, update or delete
		Parents []string           `json:"parents"` // null if the maker did not tell
		Props   map[string]propDoc `json:"props"`
		Type    string             `json:"type"`
		UUID    uuid.UUID          `json:"uuid"`
	}
	propDoc struct {
		New *string `json:"new"`
		Old *string `json:"old"`
	}
)

// newChangesetDoc returns the JSON of the changeset in a row of the log. localID gives the local ids of records, 0 for none.
func newChangesetDoc(row uint32, c *changeset.Changeset, localID func(changeset.RecordID) (uint32, error)) (changesetDoc, error) {
	doc := changesetDoc{Changes: []changeDoc{}, Decides: []decisionDoc{}, Created: c.Created, Creator: c.Creator.Pointer(), ID: c.ID.String(), Kind: kindOf(c), Lost: c.Lost, Row: row}
	for i := range c.Changes {
		ch := &c.Changes[i]
		id, err := localID(ch.Record)
		if err != nil {
			return changesetDoc{}, err
		}
		doc.Changes = append(doc.Changes, newChangeDoc(ch, id))
	}
	return doc, nil
}

func newChangeDoc(ch *changeset.Change, id uint32) changeDoc {
	doc := changeDoc{ID: idOrNull(id), Op: ch.Kind.String(), Props: map[string]propDoc{}, Type: ch.Record.Type, UUID: ch.Record.UUID}
	if !ch.CopyOf.IsZero() {
		doc.CopyOf = ch.CopyOf.String()
	}
	if ch.Parents != nil {
		doc.Parents = []string{}
	}
	for _, p := range ch.Parents {
		doc.Parents = append(doc.Parents, p.String())
	}
	for name, pc := range ch.Props {
		doc.Props[name] = propDoc{New: pc.New.Pointer(), Old: pc.Old.Pointer()}
	}
	return doc
}

// kindOf returns what a changeset is: edit, nullification or resolution.
func kindOf(c *changeset.Changeset) string {
	switch {
	case c.Nullification:
		return "nullification"
	case c.Resolution:
		return "resolution"
	}
	return "edit"
}

func idOrNull(id uint32) *uint32 {
	if id == 0 {
		return nil
	}
	return &id
}

// idOf returns a local id, 0 for null.
func idOf(id *uint32) uint32 {
	if id == nil {
		return 0
	}
	return *id
}

// sortByID sorts a list by local id; what has none, 0, comes last.
func sortByID[T any](list []T, id func(T) uint32) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(id(a)-1, id(b)-1) }) // the subtraction makes 0 the greatest
}

// changesetOrNull returns a changeset's ID, nil for the zero one.
func changesetOrNull(id changeset.ID) *string {
	if id.IsZero() {
		return nil
	}
	text := id.String()
	return &text
}

// shortID is how a record is named to people: by its local id, else by the first 8 characters of its UUID.
func shortID(id uint32, u uuid.UUID) string {
	if id > 0 {
		return fmt.Sprint(id)
	}
	return u.String()[:8]
}

// recordName names a record to people, with its type: "Ticket 12".
func recordName(id uint32, rec changeset.RecordID) string {
	return rec.Type + " " + shortID(id, rec.UUID)
}

// nameRecord is nameOf, which looks for the local id.
func nameRecord(r namer, rec changeset.RecordID) (string, error) {
	id, err := r.LocalID(rec)
	if err != nil {
		return "", err
	}
	return nameOf(r, id, rec)
}

// namer knows what people call a record. A replica is one.
type namer interface {
	LocalID(rec changeset.RecordID) (uint32, error)
	RuleOf(rec changeset.RecordID) (replica.RuleSetting, bool, error)
	RuleWas(rec changeset.RecordID) (typ, prop string, ok bool)
}

// nameOf is recordName, and of a record that holds a rule, or held it before it was deleted, "rule of Ticket votes".
func nameOf(r namer, id uint32, rec changeset.RecordID) (string, error) {
	rule, ok, err := r.RuleOf(rec)
	if ok {
		return nameOfRule(rule.Type, rule.Prop), nil
	}
	if typ, prop, was := r.RuleWas(rec); was {
		return nameOfRule(typ, prop), err
	}
	return recordName(id, rec), err
}

// nameOfRule names a rule to people.
func nameOfRule(typ, prop string) string { return "rule of " + typ + " " + prop }

// writerOf names who made an edit to people, and when: "ann@example.com, 2026-11-21 01:16:51".
func writerOf(creator, created string) string {
	if creator == "" {
		creator = "nobody known"
	}
	return creator + ", " + cmp.Or(created, "nobody knows when")
}

// findLiving returns the record that a user's word names. Of one that is deleted the error says who did that and when.
func findLiving(r *replica.Replica, word string) (*replica.Record, error) {
	id, err := r.Find(word)
	if err != nil {
		return nil, err
	}
	rec, err := r.Record(id)
	if err != nil {
		return nil, err
	}
	if rec.Deleted {
		return nil, deletedError(r, rec)
	}
	return rec, nil
}

// deletedError says that a record was deleted, by whom and when.
func deletedError(r *replica.Replica, rec *replica.Record) error {
	name := recordName(rec.LocalID, rec.ID)
	events, err := r.History(rec.ID)
	if err != nil {
		return err
	}
	said := ""
	for _, ev := range events {
		if ev.Change.Kind == changeset.Delete && !ev.Changeset.Bookkeeping() {
			said = " by " + writerOf(ev.Changeset.Creator.Text, ev.Changeset.Created)
		}
	}
	return &failure{exitNoRecord, fmt.Sprintf(`"prophet history %s" shows what it was, "prophet restore %[1]s" brings it back`, shortID(rec.LocalID, rec.ID.UUID)),
		fmt.Errorf("%s (%s) was deleted%s: %w", name, rec.ID.UUID, said, replica.ErrNoRecord)}
}
