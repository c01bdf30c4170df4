package main

import (
	"slices"

	"github.com/google/uuid"

	"prophet/replica"
)

// The JSON of digest --record.
type (
	digestedDoc struct {
		Conflicts []conflictDoc           `json:"conflicts"`
		Digest    string                  `json:"digest"` // zero if it is deleted
		Heads     []string                `json:"heads"`  // IDs of changesets
		ID        *uint32                 `json:"id"`
		Props     map[string]digestedProp `json:"props"`
		Type      string                  `json:"type"`
		UUID      uuid.UUID               `json:"uuid"`
	}
	digestedProp struct {
		Digest string `json:"digest"`
		Value  string `json:"value"`
	}
)

// digestRecord shows all by which two people find out where their replicas differ about a record. It may be deleted in one of them.
func digestRecord(p *printer, r *replica.Replica, word string) error {
	id, err := r.Find(word)
	if err != nil {
		return err
	}
	rec, err := r.Record(id)
	if err != nil {
		return err
	}
	state, err := r.State(id)
	if err != nil {
		return err
	}
	l := newConflictLister(p, r, r, fewLines)
	conflicts, err := conflictDocs(l.at, r, id, state)
	if err != nil {
		return err
	}
	var d replica.Digest
	if !rec.Deleted {
		d = replica.RecordDigest(id, rec.Props)
	}
	doc := digestedDoc{append([]conflictDoc{}, conflicts...), d.String(), []string{}, idOrNull(rec.LocalID), map[string]digestedProp{}, id.Type, id.UUID}
	for _, h := range state.Heads {
		doc.Heads = append(doc.Heads, h.String())
	}
	for name, value := range rec.Props {
		doc.Props[name] = digestedProp{replica.ValueDigest(value).String(), value}
	}
	if p.json {
		return p.writeJSON(doc)
	}
	return doc.print(p, l, rec, d, shownProps(rec.Props, state))
}

func (d *digestedDoc) print(p *printer, l *conflictLister, rec *replica.Record, sum replica.Digest, names []string) error {
	digest := sum.Short()
	if rec.Deleted {
		digest += ": it is deleted"
	}
	if err := p.linef("%s (%s)\ndigest %s", recordName(rec.LocalID, rec.ID), d.UUID, digest); err != nil {
		return err
	}
	for _, h := range d.Heads {
		if err := p.linef("head   %s", h); err != nil {
			return err
		}
	}
	if err := l.under("its existence", d.about("")); err != nil {
		return err
	}
	for _, name := range names {
		value, short := "(none)", replica.Digest{}.Short()
		if v := rec.Props[name]; v != "" {
			value, short = v, replica.ValueDigest(v).Short()
		}
		if err := p.cutf("%s: %s  %s", name, uncut(short), value); err != nil {
			return err
		}
		if err := l.under(name, d.about(name)); err != nil {
			return err
		}
	}
	return nil
}

// about returns the conflict about a property, "" for the record's existence, if there is one.
func (d *digestedDoc) about(prop string) []conflictDoc {
	return slices.DeleteFunc(slices.Clone(d.Conflicts), func(c conflictDoc) bool { return c.Prop != prop })
}
