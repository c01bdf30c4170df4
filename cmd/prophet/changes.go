package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
)

// changeLister prints changesets, as text or JSON.
type changeLister struct {
	p       *printer
	localID func(changeset.RecordID) (uint32, error)
	ruleWas func(changeset.RecordID) (typ, prop string, ok bool)
	left    []string // what stands before the lines of text about the next changeset, the last one before all further ones; none if empty
}

// listed is a changeset in a row of the log, with what it decided.
type listed struct {
	row uint32
	*changeset.Changeset
	decided []replica.Decision
}

// manyLookups is of how many records the local ids are looked up one by one, before all are read at once.
const manyLookups = 1000

// newChangeLister returns a lister of the changesets of a replica.
func newChangeLister(p *printer, r *replica.Replica) *changeLister {
	return &changeLister{p: p, localID: lookedUp(r), ruleWas: r.RuleWas}
}

// lookedUp returns the local ids of records, each of which is looked up once.
func lookedUp(r *replica.Replica) func(changeset.RecordID) (uint32, error) {
	known := map[changeset.RecordID]uint32{}
	var all map[uuid.UUID]uint32
	return func(rec changeset.RecordID) (id uint32, err error) {
		if all == nil && len(known) >= manyLookups {
			if all, err = r.LocalIDs(); err != nil {
				return 0, err
			}
		}
		if all != nil {
			return all[rec.UUID], nil
		}
		id, is := known[rec]
		if is {
			return id, nil
		}
		if id, err = r.LocalID(rec); err == nil {
			known[rec] = id
		}
		return id, err
	}
}

// doc returns the JSON of a changeset.
func (l *changeLister) doc(c listed) (changesetDoc, error) {
	doc, err := newChangesetDoc(c.row, c.Changeset, l.localID)
	if err != nil {
		return doc, err
	}
	doc.Decides, err = decisionDocs(l, c.decided)
	return doc, err
}

// LocalID returns the local id of a record, 0 if it has none.
func (l *changeLister) LocalID(rec changeset.RecordID) (uint32, error) { return l.localID(rec) }

// RuleOf says of no record that it holds a rule: what is listed is what was written.
func (l *changeLister) RuleOf(changeset.RecordID) (s replica.RuleSetting, ok bool, err error) {
	return s, false, nil
}

// RuleWas says what a record holds the rule for, or held.
func (l *changeLister) RuleWas(rec changeset.RecordID) (typ, prop string, ok bool) {
	return l.ruleWas(rec)
}

// print prints a changeset as a line of log.
func (l *changeLister) print(c listed) error {
	if !l.p.json {
		return l.text(c)
	}
	doc, err := l.doc(c)
	if err != nil {
		return err
	}
	return l.p.writeJSON(doc)
}

// text prints a changeset for people.
func (l *changeLister) text(c listed) error {
	if err := l.heading(c.row, c.Changeset); err != nil {
		return err
	}
	named, err := l.named(c.Changeset)
	if err != nil {
		return err
	}
	for _, ch := range named {
		if err := l.change(ch, decidesText(c.decided, ch.Record)); err != nil {
			return err
		}
	}
	return nil
}

// decidesText says what a change decided about its record: "; decides status, owner and that it lives".
func decidesText(decided []replica.Decision, rec changeset.RecordID) string {
	var about []string
	lives := ""
	for _, d := range decided {
		switch {
		case d.Record != rec:
		case d.Prop != "":
			about = append(about, d.Prop)
		case d.Value == replica.TakeDelete:
			lives = "that it is deleted"
		default:
			lives = "that it lives"
		}
	}
	if lives != "" {
		about = append(about, lives)
	}
	if len(about) == 0 {
		return ""
	}
	return "; decides " + list(about)
}

// list joins words as people do: "a, b and c".
func list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// linef prints a line of text, behind what stands before it.
func (l *changeLister) linef(format string, args ...any) error {
	_, err := fmt.Fprintln(l.p.e.Stdout, l.before()+safef(format, args...))
	return err
}

// before takes what stands before the next line.
func (l *changeLister) before() string {
	if len(l.left) == 0 {
		return ""
	}
	before := l.left[0]
	if len(l.left) > 1 {
		l.left = l.left[1:]
	}
	return before
}

// namedChange is a change with the local id of its record.
type namedChange struct {
	id uint32
	*changeset.Change
}

// named returns the changes of a changeset in the order of the local ids.
func (l *changeLister) named(c *changeset.Changeset) ([]namedChange, error) {
	changes := make([]namedChange, len(c.Changes))
	for i := range c.Changes {
		id, err := l.localID(c.Changes[i].Record)
		if err != nil {
			return nil, err
		}
		changes[i] = namedChange{id, &c.Changes[i]}
	}
	slices.SortStableFunc(changes, func(a, b namedChange) int { return cmp.Compare(a.id-1, b.id-1) }) // those without one last
	return changes, nil
}

// heading prints the line about the changeset as a whole.
func (l *changeLister) heading(row uint32, c *changeset.Changeset) error {
	made := writerOf(c.Creator.Text, c.Created)
	if c.Bookkeeping() {
		made = c.Created + ", " + kindOf(c) + " (bookkeeping of the replica)"
	}
	if c.Lost {
		made = "lost: when and by whom it was made nobody knows, but what is left of it is"
		if !replica.SomeLeft(c) {
			made = "lost, with all that it did; until it comes back it counts as if it had not been there"
		}
	}
	return l.linef("%d  %s  %s", row, c.ID.Short(), made)
}

// change prints what was done to one record. One that holds a rule, or held it then, is named by what that is for.
func (l *changeLister) change(ch namedChange, decides string) error {
	name := recordName(ch.id, ch.Record)
	if typ, prop, ok := l.ruleWas(ch.Record); ok {
		name = nameOfRule(typ, prop)
	}
	if err := l.linef("   %s %s%s", ch.Kind, name, decides); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		if err := l.write(ch.Kind, name, ch.Props[name]); err != nil {
			return err
		}
	}
	return nil
}

// write prints what was done to one property. Of a new record there is no old value to tell. A decision may write the value that held.
func (l *changeLister) write(kind changeset.Kind, name string, pc changeset.PropChange) error {
	switch {
	case kind == changeset.Create && pc.Old.Text == "":
		return l.cutf("     %s: %s", name, valueText(pc.New))
	case pc.Old.Text == pc.New.Text:
		return l.cutf("     %s: %s, as it was", name, valueText(pc.New))
	case pc.Old.Text != "" && pc.New.Text != "" && l.longChange(name, pc):
		return l.rewrite(name, pc)
	}
	return l.cutf("     %s: %s -> %s", name, valueText(pc.Old), valueText(pc.New))
}

// valueText shows a value, or that there is none.
func valueText(v changeset.Value) string {
	if v.Text == "" {
		return "(none)"
	}
	return v.Text
}

// leastWidth is how many columns of text stand beside a drawing, however wide that is.
const leastWidth = 40

// cutf prints a line as linef does, on a terminal with each text so short that the line is likely to fit.
func (l *changeLister) cutf(format string, args ...any) error {
	return l.p.cutBeside(l.before(), format, args...)
}

// cutf prints one line of results as linef does, on a terminal with each text so short that the line is likely to fit.
func (p *printer) cutf(format string, args ...any) error { return p.cutBeside("", format, args...) }

// uncut is a text that is safe to show, of which cutf cuts nothing.
type uncut string

// cutBeside is cutf behind what stands before the line.
func (p *printer) cutBeside(before, format string, args ...any) error {
	width := p.e.OutWidth
	if width == 0 {
		_, err := fmt.Fprintln(p.e.Stdout, before+safef(format, args...))
		return err
	}
	room := max(width-terminal.Width(before), min(width, leastWidth))
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = terminal.Truncate(terminal.Safe(s[:min(len(s), 64*width)]), room/len(args))
		}
	}
	_, err := fmt.Fprintf(p.e.Stdout, before+format+"\n", args...)
	return err
}
