package simulation

import (
	"slices"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// contest is what a conflict is about; prop is "" for the record's existence.
type contest struct {
	rec  changeset.RecordID
	prop string
}

// before is what a member had when a pull began.
type before struct {
	open   map[contest]set // the rivals
	has    set
	latest uint32
	votes  uint32
	edits  int // in the account
}

// look returns what is open, and what the member has.
func (m *member) look() (before, error) {
	b := before{map[contest]set{}, slices.Clone(m.has), m.r.Latest(), m.r.Resolutions().Latest(), len(m.w.account.edits)}
	open, err := m.r.Conflicts()
	if err != nil {
		return b, err
	}
	m.w.noteConflicts(open)
	for _, o := range open {
		for _, c := range replica.Choices(o.Result) {
			n, err := m.number(c.Entry.ID)
			if err != nil {
				return b, err
			}
			rivals := b.open[contest{o.Record, c.Prop}]
			rivals.add(n)
			b.open[contest{o.Record, c.Prop}] = rivals
		}
	}
	return b, nil
}

// checkPulled holds what a pull says that it opened and decided against what was open before it and is now.
func (m *member) checkPulled(was before, report *psync.Report, prefer psync.Prefer) error {
	if err := m.scan(); err != nil {
		return err
	}
	now, err := m.look()
	if err != nil {
		return err
	}
	listed := map[contest]bool{}
	for _, o := range report.Opened {
		at := contest{o.Record, o.Prop}
		listed[at] = true
		rivals, open := now.open[at]
		old, before := was.open[at]
		switch {
		case !open:
			return fail("opened", "%s lists a conflict about %q of %s, which is not open", m.Name, o.Prop, name(o.Record))
		case o.Before && !before:
			return fail("opened", "%s lists a conflict about %q of %s as open before", m.Name, o.Prop, name(o.Record))
		case before && old.lacks(rivals) < 0:
			known, err := m.reopened(was, report, at)
			if err == nil && !known {
				known, err = m.hasTwice(rivals)
			}
			if err != nil {
				return err
			}
			if !known {
				return fail("opened", "%s lists the conflict about %q of %s, which has no new rival", m.Name, o.Prop, name(o.Record))
			}
		}
		if err := m.checkLeft(was, at, rivals, prefer); err != nil {
			return err
		}
	}
	for at := range now.open {
		if _, before := was.open[at]; !before && !listed[at] {
			return fail("opened", "%s does not list that the pull opened a conflict about %q of %s", m.Name, at.prop, name(at.rec))
		}
	}
	return m.checkPreferred(was, report, prefer)
}

// reopened reports whether a pull may have closed a conflict that it then opened again: it decided one of the record, a deletion came, or the rule changed
// more than once. Beside users of the original also a rival may come, be replaced by another one, and that by an old value.
func (m *member) reopened(was before, report *psync.Report, at contest) (bool, error) {
	c := &claim{m.w.account, nil, at.rec, m.w.account.touching(at.rec, m.has)}
	rules, err := m.rulesDuring(was, at)
	return len(rules) > 1 || slices.ContainsFunc(m.w.h.Members, func(m Member) bool { return m.Old }) ||
		slices.ContainsFunc(report.Decided, func(d replica.Decision) bool { return d.Record == at.rec }) ||
		slices.ContainsFunc(c.touches, func(n int) bool { return !was.has.has(n) && c.deletes(n) }), err
}

// hasTwice reports whether one of the edits bears two names in the member's log: it is a rival twice, and the second time a new one.
func (m *member) hasTwice(edits set) (bool, error) {
	k, err := m.known()
	for n := range len(edits) * 64 {
		if err == nil && edits.has(n) && k.twice(n) {
			return true, nil
		}
	}
	return false, err
}

// checkLeft makes sure that a conflict which a pull opened and left is one that the preferred side has no answer to.
func (m *member) checkLeft(was before, at contest, rivals set, prefer psync.Prefer) error {
	_, lived, _, err := m.r.Log().PropsAt(at.rec, was.latest)
	switch {
	case err != nil || prefer == psync.PreferNone:
		return err
	case prefer == psync.PreferTo && lived, prefer == psync.PreferFrom && was.has.lacks(rivals) >= 0:
		return fail("opened", "%s prefers %q and left the conflict about %q of %s open", m.Name, prefer, at.prop, name(at.rec))
	}
	return nil
}

// checkPreferred makes sure that a pull decided for what was held before, or for what came.
func (m *member) checkPreferred(was before, report *psync.Report, prefer psync.Prefer) error {
	for _, d := range report.Decided {
		had, lived, known, err := m.r.Log().PropsAt(d.Record, was.latest)
		if err != nil {
			return err
		}
		ok := d.Prop == "" || m.came(was, d)
		if !ok {
			if ok, err = m.reckoned(was, d); err != nil {
				return err
			}
		}
		if !ok && d.Value == "" {
			if ok, err = m.cameAnew(was, d); err != nil {
				return err
			}
		}
		if !ok { // what came is here already, under another name
			c := &claim{m.w.account, nil, d.Record, m.w.account.touching(d.Record, m.has)}
			if ok, err = m.hasTwice(setOf(c.touches)); err != nil {
				return err
			}
		}
		if prefer == psync.PreferTo {
			ok = d.Prop != "" && had[d.Prop] == d.Value || d.Prop == "" && (d.Value == replica.TakeKeep) == (lived || !known)
		}
		if !ok {
			return fail("opened", "%s prefers %q and decided %q of %s for %q", m.Name, prefer, d.Prop, name(d.Record), d.Value)
		}
	}
	return nil
}

// reckoned reports whether what was decided may be what a sum, a union or a vote made of the rivals that came.
func (m *member) reckoned(was before, d replica.Decision) (bool, error) {
	rules, err := m.rulesDuring(was, contest{d.Record, d.Prop})
	if err != nil || slices.Contains(rules, `["sum"]`) || slices.Contains(rules, `["union"]`) {
		return err == nil, err
	}
	votes, err := m.ballots()
	return slices.ContainsFunc(votes, func(c *changeset.Changeset) bool {
		cast := c.ID.Origin == m.r.Resolutions().UUID() && c.ID.Seq > was.votes // by the pull itself
		return !cast && slices.ContainsFunc(c.Changes, func(ch changeset.Change) bool { return ch.Props[d.Prop].New.Text == d.Value })
	}), err
}

// rulesDuring returns the rules that may have held in one of the transactions of the pull: the one before it, and if the pull brought edits of the
// setting, or votes, which may choose any of its rivals for a while, all that were written.
func (m *member) rulesDuring(was before, about contest) ([]string, error) {
	rec, ok := ruleSetting(about.rec, about.prop)
	if !ok {
		return nil, nil
	}
	props, _, _, err := m.r.Log().PropsAt(rec, was.latest)
	rules := []string{props["content"]}
	c := &claim{m.w.account, nil, rec, m.w.account.touching(rec, m.has)}
	if m.r.Resolutions().Latest() == was.votes && was.has.lacks(setOf(c.touches)) < 0 {
		return rules, err
	}
	for _, n := range c.touches {
		if value, wrote := c.write(n, "content"); wrote {
			rules = append(rules, value)
		}
	}
	return rules, err
}

// came reports whether one of the edits that are new wrote the value for which it was decided.
func (m *member) came(was before, d replica.Decision) bool {
	a := m.w.account
	c := &claim{a, nil, d.Record, a.touching(d.Record, m.has)}
	return slices.ContainsFunc(c.touches, func(n int) bool {
		value, wrote := c.write(n, d.Prop)
		made := n >= was.edits && a.edits[n].c.ID.Origin == m.uuid() // by this pull
		return !was.has.has(n) && !made && wrote && value == d.Value
	})
}

// cameAnew reports whether a record came that was made anew by somebody of whom the replica has to guess what he had seen: that writes null to what a
// deletion without parents counts as having seen.
func (m *member) cameAnew(was before, d replica.Decision) (bool, error) {
	k, err := m.known()
	if err != nil {
		return false, err
	}
	c := &claim{m.w.account, k, d.Record, m.w.account.touching(d.Record, m.has)}
	return slices.ContainsFunc(c.touches, func(n int) bool {
		return !was.has.has(n) && c.guessed(n) && m.w.account.edits[n].c.Change(d.Record).Kind == changeset.Create
	}), nil
}
