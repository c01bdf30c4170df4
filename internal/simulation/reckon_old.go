package simulation

import (
	"slices"

	"prophet/changeset"
	"prophet/resolution"
)

// old reports whether an edit of the record was made with the original. What its maker had seen is then not always known to the others.
func (c *claim) old() bool {
	return slices.ContainsFunc(c.touches, c.guessed)
}

// mixes reports whether edits of two replicas with one identity may have been passed on by one who uses the original. Then what somebody decided may be open
// once more, because what the edit had seen that it was made on top of was not known there: by its name alone it counted as one that had seen the other copy's.
func (w *world) mixes() bool {
	return w.twins && slices.ContainsFunc(w.members, func(m *member) bool { return m != nil && m.old != nil })
}

// guessed reports whether the replica has to guess what the maker of an edit had seen: it was made with the original, or only the original passed it on.
func (c *claim) guessed(n int) bool { return c.a.edits[n].old || c.known.bare.has(n) }

// reckonOld holds a record that users of the original edited against the account. No edit may be gone unseen, with what the rules
// for edits without parents say about deletions and old values: those are the only other ways to be replaced.
func (m *member) reckonOld(c *claim, result *resolution.Result) error {
	for _, n := range c.touches {
		if err := m.reckonEdit(c, result, n); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) reckonEdit(c *claim, result *resolution.Result, n int) error {
	switch {
	case c.deletes(n):
		if result.Exists && !m.lists(result.Existence, n) && !c.by(n, func(k int) bool { return c.sawOrOld(k, n) }) {
			return fail("account", "%s counts for nothing, though nobody who had seen it edited the record", c.a.edits[n])
		}
	case !result.Exists:
		if !c.by(n, func(k int) bool { return c.sawOrOld(k, n) && c.deletes(k) }) {
			return fail("account", "%s is deleted, and nobody who had seen %s did that", name(c.rec), c.a.edits[n])
		}
	default:
		for prop, pc := range c.a.edits[n].c.Change(c.rec).Props {
			if !m.written(c, result, n, prop, pc.New.Text) {
				return fail("account", "%s: the write to %s is gone unseen", c.a.edits[n], prop)
			}
		}
	}
	return nil
}

// written reports whether a write holds, is listed, or was replaced.
func (m *member) written(c *claim, result *resolution.Result, n int, prop, value string) bool {
	conflict := result.Conflict(prop)
	if conflict == nil && result.Props[prop] == value {
		return true
	}
	if conflict != nil && slices.ContainsFunc(conflict.Rivals, func(r resolution.Rival) bool { k, _ := m.number(r.ID); return k == n }) {
		return true
	}
	return c.by(n, func(k int) bool {
		other := c.a.edits[k]
		if _, wrote := c.write(k, prop); wrote && (other.seen.has(n) || c.sawOldDeletion(k, n) || c.guessed(k) && c.chained(k, n) || c.sawChained(k, n)) {
			return true
		}
		anew := other.c.Change(c.rec).Kind == changeset.Create
		if anew && c.sawOldDeletion(k, n) { // it starts afresh: what it does not name is null
			return true
		}
		return c.guessed(k) && (anew || other.olds[oldKey(c.rec, prop, value)])
	})
}

// sawOldDeletion reports whether an edit had seen a deletion made with the original, which counts as one that had seen what was made before it.
func (c *claim) sawOldDeletion(k, n int) bool {
	return c.by(k, func(d int) bool {
		return d != n && c.guessed(d) && c.deletes(d) && c.a.edits[k].seen.has(d) && !c.a.edits[n].seen.has(d)
	})
}

// chained reports whether an edit of which nothing is known but its name counts as one that had seen another: it bears the same origin with a greater number,
// or follows one that does and had seen the other. Of a replica that was copied, the original passes on edits of both copies under one origin.
func (c *claim) chained(k, n int) bool {
	return c.by(k, func(e int) bool { return c.follows(k, e) && (e == n || c.a.edits[e].seen.has(n)) })
}

// sawChained reports whether an edit had seen one of the same record that counts as one that had seen another by its name alone, or that had seen another
// which the original passed over, because by its number it had that of a copy.
func (c *claim) sawChained(k, n int) bool {
	return c.by(k, func(e int) bool {
		return e != n && c.a.edits[k].seen.has(e) && (c.guessed(e) && c.chained(e, n) || c.a.edits[e].seen.has(n))
	})
}

// follows reports whether an edit bears a greater number of an origin that another one bears too.
func (c *claim) follows(k, e int) bool {
	return slices.ContainsFunc(c.known.ids[k], func(id changeset.ID) bool {
		return slices.ContainsFunc(c.known.ids[e], func(other changeset.ID) bool { return other.Origin == id.Origin && other.Seq < id.Seq })
	})
}

// by reports whether f holds for another edit of the record.
func (c *claim) by(n int, f func(k int) bool) bool {
	return slices.ContainsFunc(c.touches, func(k int) bool { return k != n && f(k) })
}

// sawOrOld reports whether one edit had seen another, counts as one that had by what it was made on, or was made with the original, so that others have to guess.
func (c *claim) sawOrOld(k, n int) bool {
	return c.a.edits[k].seen.has(n) || c.guessed(k) || c.sawChained(k, n)
}

// lists reports whether the conflict lists a deletion.
func (m *member) lists(x *resolution.ExistenceConflict, n int) bool {
	return x != nil && slices.ContainsFunc(x.Delete, func(e *resolution.Entry) bool { k, _ := m.number(e.ID); return k == n })
}
