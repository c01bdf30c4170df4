package sync

import (
	"context"
	"errors"
	"slices"

	"prophet/changeset"
	"prophet/replica"
)

var errChanged = errors.New("it is not what it was when it was checked: the source is being written to")

// write integrates what is new, one batch after another.
func (im *importing) write(ctx context.Context) error {
	return im.readAgain(ctx, func(r *reading) error {
		var added int
		var opened replica.OpenedConflicts
		var decided []replica.Decision
		err := im.update(ctx, func(tx *replica.Tx) (err error) {
			im.noteBefore()
			if added, err = im.integrate(ctx, tx, r); err != nil {
				return err
			}
			opened = tx.Opened()
			decided, err = im.prefer(tx)
			return err
		})
		if err == nil {
			im.report.Decided = append(im.report.Decided, decided...)
			im.account(r, added, opened)
		}
		return err
	})
}

// readAgain reads the source a second time and has batch integrate the lines that are new, a run of them at each call.
func (im *importing) readAgain(ctx context.Context, batch func(r *reading) error) error {
	if im.fresh == 0 {
		return nil
	}
	r, err := im.begin(nil)
	if err != nil {
		return err
	}
	defer r.lines.close()
	for r.lines.no < im.known {
		if _, err := im.changeset(ctx, r); err != nil {
			return err
		}
	}
	for r.lines.no < im.last {
		if err := batch(r); err != nil {
			return err
		}
	}
	return nil
}

// changeset reads up to the next line that is not blank, which must be as it was checked, and returns the changeset that it makes.
// There must be one.
func (im *importing) changeset(ctx context.Context, r *reading) (*changeset.Changeset, error) {
	for {
		more, err := r.next(ctx)
		if err != nil {
			return nil, err
		}
		if more && r.blank() {
			continue
		}
		if !more || im.sum(r) != im.sums[r.full] {
			return nil, r.at(r.lines.no, errChanged)
		}
		return r.changeset()
	}
}

// integrate adds as many lines to the transaction as it should have.
func (im *importing) integrate(ctx context.Context, tx *replica.Tx, r *reading) (added int, err error) {
	for n := 0; r.lines.no < im.last && n < atMost(im.opts.Batch, importLines) && (n == 0 || tx.Size() < importBytes); n++ {
		c, err := im.changeset(ctx, r)
		if err != nil {
			return added, err
		}
		ok, err := im.integrateLine(tx, c)
		if err != nil {
			return added, r.at(r.lines.no, err)
		}
		if ok {
			added++
			im.noteCame(c.ID)
		}
	}
	return added, nil
}

// integrateLine adds the changeset of a line to the log, unless another import has done so meanwhile.
func (im *importing) integrateLine(tx *replica.Tx, c *changeset.Changeset) (added bool, err error) {
	known, err := im.compare(c)
	if known {
		im.report.Known++
	}
	if known || err != nil {
		return false, err
	}
	for i := range c.Changes {
		if err := nameOldValues(tx, &c.Changes[i]); err != nil {
			return false, err
		}
	}
	slices.SortFunc(c.Changes, func(a, b changeset.Change) int { return a.Record.Compare(b.Record) })
	return tx.Integrate(c)
}

// nameOldValues gives the change the values that the source itself wrote before.
func nameOldValues(tx *replica.Tx, ch *changeset.Change) error {
	if len(ch.Parents) == 0 || len(ch.Props) == 0 {
		return nil
	}
	_, props, err := tx.Chain(ch.Record, ch.Parents[0])
	if err != nil {
		return err
	}
	for name, pc := range ch.Props {
		pc.Old = changeset.TextOrNull(props[name])
		ch.Props[name] = pc
	}
	return nil
}

// account adds what a batch brought to the report.
func (im *importing) account(r *reading, added int, opened replica.OpenedConflicts) {
	im.report.Integrated += added
	im.opened.Add(opened)
	if im.opts.Progress != nil {
		im.opts.Progress(int(r.lines.no), int(im.last))
	}
}
