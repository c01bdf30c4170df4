package main

import (
	"strings"

	"github.com/google/uuid"

	"prophet/replica"
)

// decisionDoc is the JSON of a decision.
type decisionDoc struct {
	ID    *uint32   `json:"id"`
	Prop  string    `json:"prop"` // "" is the record's existence
	Type  string    `json:"type"`
	UUID  uuid.UUID `json:"uuid"`
	Value *string   `json:"value"` // null: the property is removed; for existence keep or delete

	name string // of the record, for people
	says string // the value, for people, if that is not itself
}

// decisionDocs returns the JSON of decisions.
func decisionDocs(r namer, decided []replica.Decision) ([]decisionDoc, error) {
	docs := []decisionDoc{}
	for _, d := range decided {
		id, err := r.LocalID(d.Record)
		if err != nil {
			return nil, err
		}
		doc := decisionDoc{ID: idOrNull(id), Prop: d.Prop, Type: d.Record.Type, UUID: d.Record.UUID, Value: setOrNull(d.Value)}
		if doc.name, err = nameOf(r, id, d.Record); err != nil {
			return nil, err
		}
		if rule, ok, err := r.RuleOf(d.Record); err != nil {
			return nil, err
		} else if ok && rule.Text(d.Prop, d.Value) != d.Value {
			doc.says = rule.Text(d.Prop, d.Value)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// printDecisions says what was decided, or, of what was only tried, what would be.
func printDecisions(p *printer, decided []decisionDoc, tried bool) error {
	did := "decided"
	if tried {
		did = "would be decided"
	}
	for _, d := range decided {
		if err := d.print(p, d.name+": "+did+": ", d.text()); err != nil {
			return err
		}
	}
	return nil
}

// print prints a decision, in words behind what is before them; on a terminal the beginning of a text of several lines in lines of its own.
func (d *decisionDoc) print(p *printer, before, text string) error {
	if p.quiet || p.e.OutWidth == 0 || d.says != "" || d.Value == nil || !isLines(*d.Value) {
		return p.donefoldf("%s%s", before, text)
	}
	if err := p.linef("%s%s:", before, d.Prop); err != nil {
		return err
	}
	return p.indented(strings.Repeat(" ", rivalIndent), p.textLines(*d.Value, rivalIndent, fewLines))
}

func (d *decisionDoc) text() string {
	switch {
	case d.says != "":
		return d.says
	case d.Value == nil:
		return d.Prop + " is removed"
	case d.Prop != "":
		return d.Prop + "=" + *d.Value
	case *d.Value == replica.TakeDelete:
		return "it is deleted"
	}
	return "it is kept"
}
