package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/google/uuid"

	"prophet/changeset"
)

// reading is one reading of the source from its beginning.
type reading struct {
	where string
	lines *lineReader
	line  []byte // the last one
	full  int    // how many lines so far are not blank
	past  *past
	rules settings // as far as they were checked
}

// begin opens the source. The sizes of the records in exact will be known exactly.
func (im *importing) begin(exact map[uuid.UUID]bool) (*reading, error) {
	lines, err := im.src.open()
	if err != nil {
		return nil, err
	}
	return &reading{where: im.src.where, lines: lines, past: newPast(im.origin, exact), rules: settings{}}, nil
}

// next reads the next line; more is false at the end.
func (r *reading) next(ctx context.Context) (more bool, err error) {
	r.line, err = r.lines.next()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("read %s: %w", r.where, endsEarly(err, r.lines.no))
	}
	if err == nil {
		err = ctx.Err()
	}
	return err == nil, r.at(r.lines.no, err)
}

// blank reports whether nothing stands in the line.
func (r *reading) blank() bool { return len(bytes.TrimLeft(r.line, " \t\r")) == 0 }

// changeset returns what the line, which is not blank, makes, without the old values, after it was checked.
func (r *reading) changeset() (*changeset.Changeset, error) {
	r.full++
	c, err := parseLine(r.line, changeset.ID{Origin: r.past.origin, Seq: r.lines.no})
	if err == nil {
		err = r.past.add(c, len(r.line))
	}
	return c, r.wrong(r.lines.no, err)
}

// LineError says that a line of a source says what cannot be imported, whatever there is here.
type LineError struct{ err error }

// Error names the source, the line and the field.
func (e *LineError) Error() string { return e.err.Error() }
func (e *LineError) Unwrap() error { return e.err }

// wrong is at for what a line says.
func (r *reading) wrong(line uint32, err error) error {
	if err == nil {
		return nil
	}
	return &LineError{r.at(line, err)}
}

// at says in which line an error happened, if one did.
func (r *reading) at(line uint32, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fieldError](err); ok && f.Field != "" {
		return fmt.Errorf("%s line %d, %w", r.where, line, err)
	}
	return fmt.Errorf("%s line %d: %w", r.where, line, err)
}

// sum tells the line that was read last from others, and its place.
func (im *importing) sum(r *reading) uint32 {
	return uint32(maphash.Bytes(im.seed, r.line)) + r.lines.no
}

// check reads the whole source and writes nothing. It returns the records whose exact sizes must be known before it can be said that all is right.
func (im *importing) check(ctx context.Context, exact map[uuid.UUID]bool) (doubt map[uuid.UUID]bool, err error) {
	r, err := im.begin(exact)
	if err != nil {
		return nil, err
	}
	defer r.lines.close()
	im.sums, im.report.Known, im.fresh, im.losses = im.sums[:0], 0, 0, 0
	for {
		more, err := r.next(ctx)
		if !more {
			return r.past.doubt, err
		}
		if err := im.checkLine(r); err != nil {
			return nil, err
		}
		if im.opts.Checked != nil {
			im.opts.Checked(r.lines.raw.n, im.src.size)
		}
	}
}

// checkLine checks the line that was read last, and holds it against the log.
func (im *importing) checkLine(r *reading) error {
	no := r.lines.no
	if r.blank() {
		return r.at(no, im.checkBlank(no))
	}
	im.sums = append(im.sums, im.sum(r))
	c, err := r.changeset()
	if err != nil {
		return err
	}
	unreadable := r.rules.add(im.to.Database(), c)
	known, err := im.compare(c)
	switch {
	case known && im.fresh > 0:
		return r.at(im.fresh, pastError(fmt.Sprintf("when line %d was imported this one was blank", no)))
	case err != nil:
		return r.at(no, err)
	case !known && unreadable != nil:
		return r.wrong(no, unreadable)
	case !known && im.fresh == 0:
		im.fresh = no
	}
	if known {
		im.known = no
		im.report.Known++
	}
	im.last = no
	return nil
}

// ErrPast is wrapped by the error of a source that is not the one that was imported under its name: lines of it say something else. Nothing was changed.
var ErrPast = errors.New("the past of a source does not change")

// pastError says how it shows that a source is not the one that was imported under its name.
func pastError(how string) error { return fmt.Errorf("%w: %s", ErrPast, how) }

// checkBlank makes sure that a blank line brought nothing before.
func (im *importing) checkBlank(no uint32) error {
	_, known, err := im.to.Lookup(changeset.ID{Origin: im.origin, Seq: no})
	if known {
		return pastError("a line that was imported is blank now")
	}
	return err
}

// compare reports whether the changeset of a line is in the log. If so it must be the same edit; its old values and parents then are
// the same too, as they come from earlier lines.
func (im *importing) compare(c *changeset.Changeset) (known bool, err error) {
	seq, known, err := im.to.Lookup(c.ID)
	if !known || err != nil {
		return false, err
	}
	row, err := im.to.Log().Row(seq)
	if err != nil {
		return false, err
	}
	mine, err := im.to.Log().Changeset(row)
	if err != nil {
		return false, err
	}
	if mine.Lost { // what is left of it is only what its records became
		im.lost = c.ID.Seq
		im.losses++
		return true, nil
	}
	if !changeset.SameEdit(mine, c) {
		err = pastError("this line said something else when it was imported")
	}
	return true, err
}
