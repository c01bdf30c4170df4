package sync

import (
	"context"
	"fmt"
	"slices"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// listOpened reports the conflicts that the pull opened and that are open still.
func (p *pull) listOpened() error {
	for rec, props := range p.opened {
		result, err := p.to.Merged(rec)
		if err != nil {
			return err
		}
		for prop := range props {
			if prop == "" && result.Existence != nil || prop != "" && result.Conflict(prop) != nil {
				p.report.Opened = append(p.report.Opened, Opened{rec, prop})
			}
		}
	}
	sortOpened(p.report.Opened)
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

// prefer decides the conflicts that the pull opened, as Options.Prefer says, in one changeset of the target's own.
func (p *pull) prefer(ctx context.Context) error {
	switch p.opts.Prefer {
	case PreferNone:
		return nil
	case PreferFrom, PreferTo:
	default:
		return fmt.Errorf("prefer %q: want %q or %q", p.opts.Prefer, PreferFrom, PreferTo)
	}
	if len(p.opened) == 0 {
		return nil
	}
	edited, err := p.to.Edit(ctx, func(e *replica.Edit) error {
		for rec, props := range p.opened {
			if err := p.preferRecord(e, rec, props); err != nil {
				return err
			}
		}
		return nil
	})
	p.report.Decided = edited.Decided
	return err
}

func (p *pull) preferRecord(e *replica.Edit, rec changeset.RecordID, props map[string]replica.Held) error {
	result, err := e.Merged(rec)
	if err != nil {
		return err
	}
	if held, opened := props[""]; opened && result.Existence != nil && p.deletes(result.Existence, held) {
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
		if p.opts.Prefer == PreferFrom {
			if i := slices.IndexFunc(c.Rivals, func(r resolution.Rival) bool { return p.came(r.ID) }); i >= 0 {
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
func (p *pull) deletes(c *resolution.ExistenceConflict, held replica.Held) bool {
	if p.opts.Prefer == PreferTo {
		return held.Before && !held.Exists
	}
	return slices.ContainsFunc(c.Delete, func(e *resolution.Entry) bool { return p.came(e.ID) })
}

// came reports whether the changeset came in this pull.
func (p *pull) came(id changeset.ID) bool {
	row, ok, err := p.to.Lookup(id)
	return err == nil && ok && row > p.before
}
