package main

import (
	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// decisionDoc is the JSON of a decision.
type decisionDoc struct {
	ID    *uint32   `json:"id"`
	Prop  string    `json:"prop"` // "" is the record's existence
	Type  string    `json:"type"`
	UUID  uuid.UUID `json:"uuid"`
	Value *string   `json:"value"` // null: the property is removed; for existence keep or delete
}

// decisionDocs returns the JSON of decisions. r knows local ids.
func decisionDocs(r interface {
	LocalID(changeset.RecordID) (uint32, error)
}, decided []replica.Decision) ([]decisionDoc, error) {
	docs := []decisionDoc{}
	for _, d := range decided {
		id, err := r.LocalID(d.Record)
		if err != nil {
			return nil, err
		}
		docs = append(docs, decisionDoc{idOrNull(id), d.Prop, d.Record.Type, d.Record.UUID, setOrNull(d.Value)})
	}
	return docs, nil
}

func printDecisions(p *printer, decided []decisionDoc) error {
	for _, d := range decided {
		name := recordName(idOf(d.ID), changeset.RecordID{Type: d.Type, UUID: d.UUID})
		if err := p.donecutf("%s: decided: %s", name, d.text()); err != nil {
			return err
		}
	}
	return nil
}

func (d *decisionDoc) text() string {
	switch {
	case d.Value == nil:
		return d.Prop + " is removed"
	case d.Prop != "":
		return d.Prop + "=" + *d.Value
	case *d.Value == replica.TakeDelete:
		return "it is deleted"
	}
	return "it is kept"
}
