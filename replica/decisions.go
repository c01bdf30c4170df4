package replica

import "prophet/changeset"

// Decisions tells which open conflicts the changesets of a log settled. Changes to records without forks take a look at one row of the
// record's index; of others it reads the record's history, once while it is asked about few records. It is not safe for concurrent use.
type Decisions struct {
	r    *Replica
	kept map[changeset.RecordID]map[changeset.ID][]string
	rows map[changeset.RecordID][]uint32 // of an exported copy, whose record indexes do not say
}

// Decisions returns what tells of the decisions in the log.
func (r *Replica) Decisions() *Decisions {
	return &Decisions{r: r, kept: map[changeset.RecordID]map[changeset.ID][]string{}}
}

// manyKept is of how many records the decisions are kept.
const manyKept = 10_000

// Of returns what the changeset in a row of the log decided, by record and property, the existence before all others.
func (d *Decisions) Of(row uint32, c *changeset.Changeset) ([]Decision, error) {
	if c.Bookkeeping() {
		return nil, nil
	}
	var decisions []Decision
	for i := range c.Changes {
		ch := &c.Changes[i]
		may, err := d.mayDecide(row, c.ID, ch)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		of, err := d.of(ch.Record)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, decisionsOf(ch, of[c.ID])...)
	}
	return decisions, nil
}

// decisionsOf returns what a change decided about the properties.
func decisionsOf(ch *changeset.Change, props []string) (decisions []Decision) {
	for _, prop := range props {
		value := ch.Props[prop].New.Text
		if prop == "" {
			value = existence(ch)
		}
		decisions = append(decisions, Decision{ch.Record, prop, value})
	}
	return decisions
}

// existence is what a change decides about its record's existence.
func existence(ch *changeset.Change) string {
	if ch.Kind == changeset.Delete {
		return TakeDelete
	}
	return TakeKeep
}

// mayDecide reports whether a change in a row of the log has more to it than that it follows the one before it, after which nothing was open.
// Where the list of representations says more than the rows do, that cannot be told from one of them.
func (d *Decisions) mayDecide(row uint32, id changeset.ID, ch *changeset.Change) (bool, error) {
	if list, err := d.r.Representations(); err != nil || list.latest > 0 {
		return true, err
	}
	if ch.Parents != nil && len(ch.Parents) == 0 {
		return false, nil
	}
	before, ok, err := d.r.log.versionBefore(ch.Record, row)
	if err != nil || !ok {
		return false, err
	}
	if before.Seq == 0 { // an exported copy does not say
		return true, nil
	}
	ours, err := d.r.ours()
	if err != nil {
		return false, err
	}
	n, err := ours.noted(before.Seq)
	if err != nil || n.flags&flagSettled == 0 {
		return true, err
	}
	last, err := d.r.log.Row(before.Seq)
	return !follows(id, ch, last.ID), err
}

// of returns what each change to a record decided.
func (d *Decisions) of(rec changeset.RecordID) (map[changeset.ID][]string, error) {
	if of, known := d.kept[rec]; known {
		return of, nil
	}
	events, err := d.history(rec)
	if err != nil {
		return nil, err
	}
	nodes, err := d.r.Link(rec, events)
	if err != nil {
		return nil, err
	}
	of := map[changeset.ID][]string{}
	for _, n := range nodes {
		if len(n.Decides) > 0 {
			of[n.Changeset.ID] = n.Decides
		}
	}
	if len(d.kept) == manyKept {
		clear(d.kept)
	}
	d.kept[rec] = of
	return of, nil
}

// history is [Replica.History], which looks through the log of an exported copy once for all records.
func (d *Decisions) history(rec changeset.RecordID) ([]Event, error) {
	first, ok, err := d.r.log.first(rec)
	if err != nil {
		return nil, err
	}
	if !ok || first.Seq > 0 {
		return d.r.History(rec)
	}
	if d.rows == nil {
		d.rows = map[changeset.RecordID][]uint32{}
		for row, err := range d.r.log.Rows(1, d.r.log.latest) {
			if err != nil {
				return nil, err
			}
			c, err := d.r.log.Changeset(row)
			if err != nil {
				return nil, err
			}
			for _, ch := range c.Changes {
				d.rows[ch.Record] = append(d.rows[ch.Record], row.Seq)
			}
		}
	}
	return d.r.events(rec, d.rows[rec])
}
