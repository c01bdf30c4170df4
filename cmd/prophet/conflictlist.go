package main

import (
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
	"prophet/resolution"
)

// fewLines is how many lines of a long value are shown on a terminal where there is more to see.
const fewLines = 4

// conflictLister prints conflicts, as text or JSON.
type conflictLister struct {
	p     *printer
	r     *replica.Replica
	at    *places
	most  int // lines of a value on a terminal; 0: all
	shown int
}

// newConflictLister lists conflicts of r to somebody who works on here, which may be another replica. Most is as in [conflictLister].
func newConflictLister(p *printer, r, here *replica.Replica, most int) *conflictLister {
	return &conflictLister{p: p, r: r, at: newPlaces(p.e, r, here), most: most}
}

// record prints all that is open about a record.
func (l *conflictLister) record(rec changeset.RecordID, result *resolution.Result) error {
	docs, err := conflictDocs(l.at, l.r, rec, result)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if err := l.print(d); err != nil {
			return err
		}
	}
	return nil
}

func (l *conflictLister) print(d conflictDoc) error {
	l.shown++
	if l.p.json {
		return l.p.writeJSON(d)
	}
	if err := l.p.linef("%s", l.headline(&d)); err != nil {
		return err
	}
	return l.rivals(d)
}

// headline is the heading of a conflict, on a terminal with what tells the record from others, as far as there is room.
func (l *conflictLister) headline(d *conflictDoc) string {
	heading := d.heading()
	room := l.p.e.OutWidth - terminal.Width(terminal.Safe(heading)) - len("  ()")
	if d.told == "" || d.sets != nil || room < leastTold {
		return heading
	}
	line := strings.Join(strings.Fields(d.told[:min(len(d.told), 64*room)]), " ")
	return heading + "  (" + terminal.Truncate(terminal.Safe(line), room) + ")"
}

// leastTold is how many columns are worth to be told something in.
const leastTold = 16

// heading names what a conflict is about: "Ticket 12: status".
func (d *conflictDoc) heading() string {
	heading := d.name + ": " + d.Prop
	switch {
	case d.Prop == "":
		heading += "edited and deleted"
	case d.sets != nil && len(d.sets.Rivals) > 1:
		heading = d.name + ": " + againstEachOther(d.sets)
	}
	if d.NewRival {
		heading += " (a new rival)"
	}
	return heading
}

// againstEachOther names the rules that people have set in conflict: "sum against max".
func againstEachOther(s *replica.RuleSetting) string {
	return strings.Join(s.Rivals, " against ")
}

// rivals prints the rivals of a conflict, and whether they can be merged.
func (l *conflictLister) rivals(d conflictDoc) error {
	if err := l.nobodys(d, ""); err != nil {
		return err
	}
	lines := l.rivalLines(&d)
	for i, rival := range d.Rivals {
		if err := l.rival(rival, d.because(i), lines[i]); err != nil {
			return err
		}
	}
	if err := l.rule(d); err != nil || d.Merged == nil {
		return err
	}
	return l.p.linef("   m  %d and %d can be merged: --take merged", d.Rivals[0].N, d.Rivals[1].N)
}

// rule says under the rivals for a rule what sets it.
func (l *conflictLister) rule(d conflictDoc) error {
	if d.sets == nil {
		return nil
	}
	return l.p.linef("      %s decides", l.p.e.here(setsRule(d.sets)))
}

// setsRule is the command that sets a rule, and so decides about it.
func setsRule(s *replica.RuleSetting) string {
	return fmt.Sprintf(`"prophet rules %s %s RULE"`, shellWord(s.Type), shellWord(s.Prop))
}

// nobodys prints what holds for now if no rival wrote it, with the key that takes it, if there is one.
func (l *conflictLister) nobodys(d conflictDoc, key string) error {
	if !d.isNobodys() {
		return nil
	}
	value := "(nothing)"
	if d.Value != nil {
		value = d.text(*d.Value)
	}
	if err := l.p.indented(fmt.Sprintf("* %2s  ", key), l.p.textLines(value, rivalIndent, l.most)); err != nil {
		return err
	}
	about := terminal.Safe("holds for now: " + d.whyText())
	return l.p.indented(strings.Repeat(" ", rivalIndent), l.p.fold([]string{about}, rivalIndent, 0))
}

// isNobodys reports whether no rival wrote what holds for now.
func (d *conflictDoc) isNobodys() bool {
	return len(d.Rivals) > 0 && !slices.ContainsFunc(d.Rivals, func(r rivalDoc) bool { return r.Holds })
}

// rivalIndent is the width of what stands before a rival's value.
const rivalIndent = 6

// rival prints a rival: the lines that show its value, and who wrote it.
func (l *conflictLister) rival(d rivalDoc, because string, value []string) error {
	mark := " "
	if d.Holds {
		mark = "*"
	}
	if err := l.p.indented(fmt.Sprintf("%s %2d  ", mark, d.N), value); err != nil {
		return err
	}
	creator := ""
	if d.Creator != nil {
		creator = *d.Creator
	}
	about := terminal.Safe(writerOf(creator, d.Created) + ", " + l.at.of(d) + because)
	return l.p.indented(strings.Repeat(" ", rivalIndent), l.p.fold([]string{about}, rivalIndent, 0))
}

// indented prints lines that are safe to show, with something before the first, and as much space before the others.
func (p *printer) indented(before string, lines []string) error {
	for _, line := range lines {
		if line == "" {
			before = strings.TrimRight(before, " ")
		}
		if _, err := fmt.Fprintln(p.e.Stdout, before+line); err != nil {
			return err
		}
		before = strings.Repeat(" ", rivalIndent)
	}
	return nil
}

// textLines returns the lines that show a value, each made safe. The line break at its end is left out if there are others. On a terminal they are
// folded to its width less the indent, and of more than most (if that is not 0) the rest is only counted.
func (p *printer) textLines(value string, indent, most int) []string {
	if !isLines(value) {
		return p.fold([]string{terminal.Safe(value)}, indent, most)
	}
	text := terminal.SafeLines(strings.TrimSuffix(value, "\n"), "")
	return p.fold(strings.Split(text, "\n"), indent, most)
}

// isLines reports whether a value has several lines.
func isLines(value string) bool { return strings.Contains(strings.TrimSuffix(value, "\n"), "\n") }

// fold folds lines that are safe to show.
func (p *printer) fold(lines []string, indent, most int) []string {
	if p.e.OutWidth == 0 {
		return lines
	}
	var folded []string
	for _, line := range lines {
		folded = append(folded, terminal.Fold(line, p.e.OutWidth-indent)...)
	}
	if most > 0 && len(folded) > most+1 { // to count one line takes one
		rest := len(folded) - most
		folded = append(folded[:most], fmt.Sprintf("… %d more lines", rest))
	}
	return folded
}

// because says behind a rival, from 0, that it holds for now and why. Of several that wrote what holds as the latest, only one is that.
func (d *conflictDoc) because(i int) string {
	switch {
	case !d.Rivals[i].Holds:
		return ""
	case d.Why == resolution.WhyLatest && i > 0:
		return "; the same value"
	}
	return "; holds for now: " + d.whyText()
}

// latestText says why the first rival counts as the latest.
func (d *conflictDoc) latestText() string {
	asLate := func(r rivalDoc) bool { return !r.Holds && r.Created == d.Rivals[0].Created }
	if slices.ContainsFunc(d.Rivals, asLate) {
		return "it is as late as another one, from the replica with the greater UUID"
	}
	return "it is the latest"
}

// whyText says why what holds for now does.
func (d *conflictDoc) whyText() string {
	switch d.Why {
	case resolution.WhyVote:
		return "somebody decided so where the same rivals met"
	case resolution.WhyLives:
		return "a record lives until somebody decides"
	case resolution.WhyRule:
		return "rule " + d.Rule
	case resolution.WhyAsk:
		text := "rule " + d.Rule
		if d.Asks != "" {
			text += " asks, because " + d.Asks
		}
		return text + ": it is what was there before"
	}
	return d.latestText()
}
