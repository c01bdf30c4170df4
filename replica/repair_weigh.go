package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
)

// mostOverruled bounds how many files that follow from the log may be damaged beside the index, where a mirror of this replica is believed against them.
const mostOverruled = 8

// objection is what speaks against a mirror.
type objection struct {
	w    *witness
	seq  uint32
	why  string
	file string // which alone says so, and is made from the log; "" if it is more than that
}

// told is the objection in words.
func (o objection) told() string {
	text := fmt.Sprintf("row %d of it is %s there, but %s", o.seq, named(o.w.rows[o.seq-1]), o.why)
	if o.file != "" {
		text += "; if it is that file that is damaged, move it out of the replica and repair again: it is made from the log"
	}
	return text
}

// object returns what speaks against a mirror; nil if nothing does.
func (e *evidence) object(w *witness) *objection {
	e.blamed, e.digested = "", false
	if seq, against := e.examine(w); against != "" {
		return &objection{w, seq, against, e.blamed}
	}
	return nil
}

// outweigh returns those of mirrors that are contradicted by a few files alone that follow from the log, and with which all else that is here agrees: then these files are damaged. What agrees must be the last digest,
// or that all changesets that it names are here, and of the records' indexes more than contradict it; or both of the former.
func (e *evidence) outweigh(against []*objection) (believed []*witness, rest []*objection) {
	for i, o := range against {
		e.overruled = map[string]bool{}
		if e.agreesElse(o) {
			believed = append(believed, o.w)
			e.x.p.warnOnce(fmt.Sprintf("%s is believed against %s: it agrees with all else that is here", o.w.r.where(), strings.Join(slices.Sorted(maps.Keys(e.overruled)), ", ")))
			return believed, append(rest, against[i+1:]...) // what it overrules would not speak against them any more
		}
		e.overruled = nil
		rest = append(rest, o)
	}
	return nil, rest
}

// agreesElse overrules what contradicts a mirror, file by file, and reports whether the rest bears it out.
func (e *evidence) agreesElse(o *objection) bool {
	w := o.w
	for o = e.object(w); o != nil; o = e.object(w) {
		if o.file == "" || len(e.overruled) == mostOverruled || e.x.p.disturbed() != nil {
			return false
		}
		e.overruled[o.file] = true
	}
	if len(w.rows) != int(e.x.l.latest) {
		return false
	}
	allHere := !slices.ContainsFunc(w.rows, func(row changeset.Row) bool { return e.x.p.wholeChangeset(e.x.l, row.Key) == nil })
	more := len(e.overruled) < e.agreeing(w)
	return e.digested && (allHere || more) || allHere && more
}

// agreeing counts the indexes of records that bear out all that a mirror says of them.
func (e *evidence) agreeing(w *witness) (n int) {
	if !e.x.numbered || e.x.trusts {
		return 0
	}
	touched := map[changeset.RecordID]bool{}
	for _, row := range w.rows {
		c := e.x.readFrom(w, row)
		if c == nil {
			return 0
		}
		for i := range c.Changes {
			touched[c.Changes[i].Record] = true
		}
	}
	for rec := range touched {
		if len(e.x.versions[rec]) > 0 && !e.isUnsound(rec) {
			n++
		}
	}
	return n
}

// isUnsound reports whether the index of a record says nothing: known rows speak against it, or a mirror that is believed.
func (e *evidence) isUnsound(rec changeset.RecordID) bool {
	return e.unsound[rec] || e.overruled[e.x.l.prefix+changeset.RecordPath(rec)]
}

// blame notes which file it is that speaks against what somebody says, and returns what it says.
func (e *evidence) blame(file, format string, args ...any) string {
	e.blamed = e.x.l.prefix + file
	return e.blamed + " " + fmt.Sprintf(format, args...)
}
