package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"prophet/cas"
	"prophet/changeset"
)

// witness is a replica or mirror that is asked for rows: one of this very replica for its rows, another one for changesets that the log may have.
type witness struct {
	r      *Replica
	l      *Log
	rows   []changeset.Row // of a mirror of this replica, or a copy of it; nil of others
	proven []bool          // of row n at n-1: what is here proves it
}

// saying is a changeset that somebody says to stand in a row.
type saying struct {
	row    changeset.Row
	c      *changeset.Changeset // nil if it cannot be read
	from   []*witness
	proven bool
	mirror bool // a mirror says it, which tells the name of the object in the log, too
}

// askMirrors takes the rows that are not known from mirrors of this very replica, and copies of it. What is here overrules them: one that contradicts it is named, and nothing is taken from there. Where
// two of them contradict each other, or another replica does, that is taken which alone is proven by what is here; else the row is undecided. It returns where rows were had, "" if nowhere.
func (x *indexRepair) askMirrors() (where string, err error) {
	var mirrors, others []*witness
	for _, r := range x.p.others() {
		w := &witness{r: r, l: sameLog(r, x.l)}
		if w.l.uuid != x.l.uuid {
			others = append(others, w)
		} else if w.rows, err = w.l.Collect(1, x.l.latest); err != nil {
			x.p.passOver(r, err)
		} else if len(w.rows) > 0 {
			mirrors = append(mirrors, w)
		}
	}
	if len(mirrors) == 0 {
		return "", x.p.disturbed()
	}
	e, err := x.newEvidence()
	if err != nil {
		return "", err
	}
	var against []*objection
	mirrors = slices.DeleteFunc(mirrors, func(w *witness) bool {
		o := e.object(w)
		if o != nil {
			against = append(against, o)
		}
		return o != nil
	})
	if len(mirrors) == 0 {
		mirrors, against = e.outweigh(against)
	}
	if err := x.p.disturbed(); err != nil {
		return "", err
	}
	for _, o := range against {
		x.p.disbelieve(o.w.r, x.l, o.told())
	}
	where = x.takeRows(e, mirrors, others)
	return where, x.p.disturbed()
}

// disbelieve says, once, why nothing is taken from a mirror.
func (p *repair) disbelieve(r *Replica, l *Log, why string) {
	p.warnOnce(fmt.Sprintf("%s contradicts what is here, so nothing is taken of its %s: %s", r.where(), l.prefix+changeset.IndexFile, why))
}

// warnOnce warns of something that several passes may find.
func (p *repair) warnOnce(text string) {
	if p.opts.Warn != nil && !p.said[text] {
		p.said[text] = true
		p.opts.Warn(text)
	}
}

// examine holds all that a mirror says against what is here, and returns the first row that this contradicts, with what speaks against it; "" if nothing does.
func (e *evidence) examine(w *witness) (seq uint32, against string) {
	w.proven = make([]bool, len(w.rows))
	all := true
	for from := 0; from < len(w.rows); from += askedAtOnce {
		rows := w.rows[from:min(from+askedAtOnce, len(w.rows))]
		found := e.x.readAll(w, rows)
		for i, row := range rows {
			if s := e.x.slots[row.Seq-1]; s.isSure() && s.row != row {
				return row.Seq, "here it is " + named(s.row)
			} else if s.isSure() {
				continue
			}
			w.proven[row.Seq-1], against = e.weigh(row, found[i])
			if all = all && w.proven[row.Seq-1]; against != "" {
				return row.Seq, against
			}
		}
	}
	if id := e.missesIDs(w.rows); len(w.rows) == int(e.x.l.latest) && !id.IsZero() {
		return uint32(len(w.rows)), fmt.Sprintf("and nowhere before it is %s, which what is here builds on, or tells more of", id)
	}
	if all {
		return 0, ""
	}
	return e.replay(w.rows, func(row changeset.Row) *changeset.Changeset { return e.x.readFrom(w, row) }, w.proven)
}

// isSure reports whether a row is known, and no guess.
func (s slot) isSure() bool { return s.known && !s.guess }

// readFrom reads the changeset of a row that somebody names, from here or from there; nil if it cannot be read, or is another one.
func (x *indexRepair) readFrom(w *witness, row changeset.Row) *changeset.Changeset {
	c := x.p.wholeChangeset(x.l, row.Key)
	if c == nil {
		if x.p.isSilent(w.r) {
			return nil
		}
		b, err := w.l.objects.Get(row.Key)
		x.p.noteAnswer(w.r, err)
		if err == nil {
			c, err = changeset.Decode(b)
		}
		if err != nil {
			return nil
		}
	}
	if c.ID != row.ID {
		return nil
	}
	return c
}

// readAll is readFrom for those of some rows that are not known here.
func (x *indexRepair) readAll(w *witness, rows []changeset.Row) []*changeset.Changeset {
	found := make([]*changeset.Changeset, len(rows))
	var group errgroup.Group
	for i, row := range rows {
		if !x.slots[row.Seq-1].isSure() {
			group.Go(func() error { found[i] = x.readFrom(w, row); return nil })
		}
	}
	_ = group.Wait() // no error comes back
	return found
}

// takeRows takes of the rows that are not known those of which it is decided what stands there.
func (x *indexRepair) takeRows(e *evidence, mirrors, others []*witness) (where string) {
	var from []string
	for i := range x.slots {
		if x.slots[i].isSure() {
			continue
		}
		said := x.sayings(e, uint32(i+1), mirrors, others)
		taken := decided(said)
		switch {
		case taken != nil && taken.mirror:
			x.slots[i] = slot{row: taken.row, known: true}
			from = append(from, taken.from[0].r.where())
		case taken == nil && len(said) > 1:
			x.undecided = append(x.undecided, fmt.Sprintf("row %d: %s", i+1, contradiction(said)))
		}
	}
	slices.Sort(from)
	return strings.Join(slices.Compact(from), ", ")
}

// sayings are what is said of a row that what is here does not contradict, what is the same edit as one, those of mirrors first.
func (x *indexRepair) sayings(e *evidence, seq uint32, mirrors, others []*witness) (said []*saying) {
	add := func(w *witness, row changeset.Row, proven bool) {
		s := &saying{row: row, c: x.readFrom(w, row), from: []*witness{w}, proven: proven, mirror: w.rows != nil}
		for _, other := range said {
			if other.row == row || !s.mirror && other.row.ID == row.ID && other.c != nil && s.c != nil && changeset.SameEdit(other.c, s.c) {
				other.from, other.proven = append(other.from, w), other.proven || proven
				if other.c == nil {
					other.c = s.c
				}
				return
			}
		}
		said = append(said, s)
	}
	ids := map[changeset.ID]bool{{Origin: x.l.uuid, Seq: seq}: true}
	for _, w := range mirrors {
		if int(seq) <= len(w.rows) {
			add(w, w.rows[seq-1], w.proven[seq-1])
			ids[w.rows[seq-1].ID] = true
		}
	}
	if len(said) == 0 {
		return nil
	}
	for _, w := range others {
		for _, id := range slices.SortedFunc(maps.Keys(ids), changeset.ID.Compare) {
			key, known := x.keyOf(w, id)
			if row := (changeset.Row{Seq: seq, ID: id, Key: key}); known {
				if proven, against := e.weigh(row, x.readFrom(w, row)); against == "" {
					add(w, row, proven)
				}
			}
		}
	}
	return said
}

// keyOf returns the name of the object of a changeset that another replica has; known is false if it has none that can be read.
func (x *indexRepair) keyOf(w *witness, id changeset.ID) (key cas.Key, known bool) {
	seq, known, err := w.r.lookupIn(w.l.prefix, id)
	if !known || err != nil {
		x.p.passOver(w.r, err)
		return key, false
	}
	row, err := w.l.Row(seq)
	if err == nil {
		_, err = w.l.objects.Get(row.Key)
	}
	x.p.passOver(w.r, err)
	return row.Key, err == nil
}

// decided returns what alone is said of a row, or alone is proven; nil if there is no such.
func decided(said []*saying) *saying {
	if len(said) > 1 {
		said = slices.DeleteFunc(slices.Clone(said), func(s *saying) bool { return !s.proven })
	}
	if len(said) == 1 {
		return said[0]
	}
	return nil
}

// contradiction says who says what of a row.
func contradiction(said []*saying) string {
	var parts []string
	for _, s := range said {
		var who []string
		for _, w := range s.from {
			who = append(who, w.r.where())
		}
		parts = append(parts, named(s.row)+" in "+strings.Join(who, " and "))
	}
	return strings.Join(parts, ", ")
}

// named is a row in a message.
func named(row changeset.Row) string {
	return fmt.Sprintf("changeset %s with the SHA-1 %x…", row.ID, row.Key[:6])
}

// mostUndecided bounds how many rows are told of which several things are said.
const mostUndecided = 10

// tellUndecided tells what is said of the rows of which nothing here decides it.
func (x *indexRepair) tellUndecided() {
	for _, text := range x.undecided[:min(mostUndecided, len(x.undecided))] {
		x.p.tell(x.l.prefix+changeset.IndexFile, IsLeft, "%s: nothing here decides which of these it was; a repair with --from those alone that are to be believed takes what they say", text)
	}
}
