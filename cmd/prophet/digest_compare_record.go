package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
)

// The JSON of digest --record with another replica.
type (
	recordDifferenceDoc struct {
		Differ []string                     `json:"differ"` // properties; "" is its existence
		Equal  bool                         `json:"equal"`
		Heads  *headsDoc                    `json:"heads,omitempty"` // left out of a mirror on the web
		ID     *uint32                      `json:"id"`
		Props  map[string]differentValueDoc `json:"props"`
		Type   string                       `json:"type"`
		UUID   uuid.UUID                    `json:"uuid"`
	}
	differentValueDoc struct {
		Here  *string `json:"here"` // null: there is none
		There *string `json:"there"`
	}
	headsDoc struct {
		Here  []string `json:"here"` // those that are no heads there
		There []string `json:"there"`
	}
)

// record says in what the replicas differ about a record, which may be deleted in one of them.
func (c *comparison) record(word string) error {
	id, err := c.find(word)
	if err != nil {
		return err
	}
	here, lives, err := c.ours.Log().Props(id)
	if err != nil {
		return err
	}
	there, livesThere, err := c.propsThere(id)
	if err != nil {
		return err
	}
	local, err := c.ours.LocalID(id)
	if err != nil {
		return err
	}
	doc := &recordDifferenceDoc{Differ: []string{}, ID: idOrNull(local), Props: map[string]differentValueDoc{}, Type: id.Type, UUID: id.UUID}
	if lives != livesThere {
		doc.Differ = append(doc.Differ, "")
	}
	if lives && livesThere {
		doc.compare(here, there)
	}
	if err := c.heads(doc, id); err != nil {
		return err
	}
	doc.Equal = len(doc.Differ) == 0
	return c.showRecord(doc, recordName(local, id), lives)
}

// find returns the record that a word names here, or, for one that never was here, there.
func (c *comparison) find(word string) (changeset.RecordID, error) {
	id, err := c.ours.Find(word)
	if _, notUUID := changeset.ParseUUID(word); notUUID != nil || !errors.Is(err, replica.ErrNoRecord) || c.other.Mirror() {
		return id, err // a local id means another record there
	}
	return c.other.Find(word)
}

// propsThere returns what the other replica shows of a record.
func (c *comparison) propsThere(id changeset.RecordID) (props map[string]string, lives bool, err error) {
	if _, known, err := c.other.Log().Present(id); err != nil || !known {
		return nil, false, err
	}
	return c.other.Log().Props(id)
}

// compare notes the properties that differ.
func (d *recordDifferenceDoc) compare(here, there map[string]string) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(here)), maps.Keys(there))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if here[name] != there[name] {
			d.Differ = append(d.Differ, name)
			d.Props[name] = differentValueDoc{setOrNull(here[name]), setOrNull(there[name])}
		}
	}
}

// heads notes the heads that only one of the two has. A mirror on the web does not tell without all of its log.
func (c *comparison) heads(d *recordDifferenceDoc, id changeset.RecordID) error {
	if c.other.Mirror() {
		return nil
	}
	here, err := headsOf(c.ours, id)
	if err != nil {
		return err
	}
	there, err := headsOf(c.other, id)
	if err != nil {
		return err
	}
	d.Heads = &headsDoc{without(here, there), without(there, here)}
	return nil
}

// headsOf returns the IDs of a record's heads, none for one that never was.
func headsOf(r *replica.Replica, id changeset.RecordID) ([]string, error) {
	state, err := r.State(id)
	if errors.Is(err, replica.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var heads []string
	for _, h := range state.Heads {
		heads = append(heads, h.String())
	}
	return heads, nil
}

// without returns what of a list is not in another one.
func without(list, other []string) []string {
	rest := []string{}
	for _, s := range list {
		if !slices.Contains(other, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

func (c *comparison) showRecord(d *recordDifferenceDoc, name string, lives bool) error {
	var err error
	if c.p.json {
		err = c.p.writeJSON(d)
	} else {
		err = c.printRecord(d, name, lives)
	}
	if err != nil || d.Equal {
		return err
	}
	return withHint(fmt.Errorf("the two replicas differ about %s", name), "%s", c.exchange())
}

func (c *comparison) printRecord(d *recordDifferenceDoc, name string, lives bool) error {
	if d.Equal {
		if err := c.equal(name + " is the same"); err != nil {
			return err
		}
	}
	for _, prop := range d.Differ {
		if prop == "" {
			where := map[bool]string{true: "lives here, and not there", false: "lives there, and not here"}
			if err := c.p.linef("%s (%s) %s", name, d.UUID, where[lives]); err != nil {
				return err
			}
			continue
		}
		if err := d.printValues(c.p, prop); err != nil {
			return err
		}
	}
	if d.Heads == nil {
		return nil
	}
	for _, h := range d.Heads.Here {
		c.p.notef("its last change here, %s, is not the last one there", shortName(h))
	}
	for _, h := range d.Heads.There {
		c.p.notef("its last change there, %s, is not the last one here", shortName(h))
	}
	return nil
}

// printValues prints both values of a property.
func (d *recordDifferenceDoc) printValues(p *printer, prop string) error {
	if from, to := d.Props[prop].There, d.Props[prop].Here; from != nil && to != nil && (isLong(*from) || isLong(*to)) {
		return printRewrite(p, prop, *from, *to)
	}
	if err := p.linef("%s:", prop); err != nil {
		return err
	}
	for _, v := range []struct {
		where string
		text  *string
	}{{"here  ", d.Props[prop].Here}, {"there ", d.Props[prop].There}} {
		value := "(none)"
		if v.text != nil {
			value = *v.text
		}
		if err := p.indented(v.where, p.textLines(value, rivalIndent, 0)); err != nil {
			return err
		}
	}
	return nil
}

// isLong reports whether a text is one of which rather the changes are shown.
func isLong(s string) bool { return isLines(s) || terminal.Width(s) > longText }

// printRewrite prints what makes the text there the one here.
func printRewrite(p *printer, prop, there, here string) error {
	if err := p.linef("%s: [-there-]{+here+}", prop); err != nil {
		return err
	}
	lines := (&wordDiff{cut: p.e.OutWidth > 0}).lines(there, here)
	return p.indented(strings.Repeat(" ", rivalIndent), p.fold(lines, rivalIndent, manyLines))
}
