package main

import (
	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// The JSON of a conflict.
type (
	conflictDoc struct {
		Asks     string     `json:"asks,omitempty"`      // why a rule other than ask asks
		ID       *uint32    `json:"id"`                  // the record's local id; null if none was given
		Merged   *string    `json:"merged,omitempty"`    // the two rivals merged, if they can be
		NewRival bool       `json:"new_rival,omitempty"` // it was open before
		Prop     string     `json:"prop"`                // "" is the record's existence
		Rivals   []rivalDoc `json:"rivals"`
		Rule     string     `json:"rule"` // of the property; empty for existence, and if it was only tried
		Type     string     `json:"type"`
		UUID     uuid.UUID  `json:"uuid"`
		Value    *string    `json:"value"` // what holds for now
		Why      string     `json:"why"`   // latest, vote, rule, ask or lives; empty if it was only tried

		name string               // of the record, for people
		told string               // what tells the record from others, for people; "" if there is nothing, or the conflict is about it
		sets *replica.RuleSetting // the record holds a rule
	}
	rivalDoc struct {
		Created string  `json:"created"` // UTC
		Creator *string `json:"creator"`
		Here    bool    `json:"here,omitempty"` // it was written in the replica here
		Holds   bool    `json:"holds"`
		ID      string  `json:"id"` // of the changeset
		N       int     `json:"n"`
		Origin  string  `json:"origin"`
		Value   *string `json:"value"`           // null removes the property
		Where   string  `json:"where,omitempty"` // what is known of the origin: its name in the config, else its URL

		copied bool // the origin is a former UUID of the replica here, but the rival was not written here since it has its log
	}
)

// conflictDocs returns what is open about a record of r, one document a property.
func conflictDocs(pl *places, r *replica.Replica, rec changeset.RecordID, result *resolution.Result) ([]conflictDoc, error) {
	id, err := r.LocalID(rec)
	if err != nil {
		return nil, err
	}
	shell := conflictDoc{ID: idOrNull(id), Type: rec.Type, UUID: rec.UUID}
	if err := shell.nameIt(r, rec); err != nil {
		return nil, err
	}
	var docs []conflictDoc
	for _, c := range replica.Choices(result) {
		if len(docs) == 0 || docs[len(docs)-1].Prop != c.Prop {
			d := shell
			d.Merged, d.Prop, d.Value, d.Why = mergedText(result, c.Prop), c.Prop, held(result, c.Prop), c.Why
			if known := headlineOf(result.Props); known != c.Prop {
				d.told = result.Props[known]
			}
			if open := result.Conflict(c.Prop); open != nil {
				d.Rule, d.Asks = string(open.Rule), open.Asks
			}
			docs = append(docs, d)
		}
		d := &docs[len(docs)-1]
		rival := newRivalDoc(c)
		if err := pl.made(&rival, c.Entry.ID); err != nil {
			return nil, err
		}
		d.Rivals = append(d.Rivals, rival)
	}
	return docs, nil
}

// nameIt notes what people call the record, and whether it holds a rule.
func (d *conflictDoc) nameIt(r *replica.Replica, rec changeset.RecordID) (err error) {
	if d.name, err = nameOf(r, idOf(d.ID), rec); err != nil {
		return err
	}
	rule, ok, err := r.RuleOf(rec)
	if ok {
		d.sets = &rule
	}
	return err
}

// text is a value as people are shown it: of a rule its name.
func (d *conflictDoc) text(value string) string {
	if d.sets == nil {
		return value
	}
	return d.sets.Text(d.Prop, value)
}

func newRivalDoc(c replica.Choice) rivalDoc {
	return rivalDoc{
		Created: c.Entry.Created,
		Creator: setOrNull(c.Entry.Creator),
		Holds:   c.Holds,
		ID:      c.Entry.ID.String(),
		N:       c.N,
		Origin:  c.Entry.ID.Origin.String(),
		Value:   setOrNull(c.Value),
	}
}

// held returns what holds for now of a property in conflict, or of the record's existence.
func held(result *resolution.Result, prop string) *string {
	if c := result.Conflict(prop); c != nil {
		return setOrNull(c.Value)
	}
	keep := replica.TakeKeep
	return &keep
}

// mergedText returns what the two rivals for a property come to together, nil if they cannot be merged.
func mergedText(result *resolution.Result, prop string) *string {
	c := result.Conflict(prop)
	if c == nil {
		return nil
	}
	text, err := replica.MergedText(c)
	if err != nil {
		return nil
	}
	return &text
}

func setOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
