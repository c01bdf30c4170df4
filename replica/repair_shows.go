package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
)

// What a record shows may be another once it is merged with what is left of what was lost, or with what came back: nobody is to find that out by himself.

// remergeLater lets a record be merged anew.
func (p *repair) remergeLater(l *Log, rec changeset.RecordID) {
	p.of[l.prefix].anew[rec] = true
}

// mergeOne lets a record be merged anew, and told of if it then shows something else than it does.
func (p *repair) mergeOne(l *Log, rec changeset.RecordID) {
	p.remergeLater(l, rec)
	if _, noted := p.showed[rec]; noted || l.prefix != "" {
		return
	}
	v, _, ok, err := l.shown(rec)
	p.unread(err)
	if err == nil && ok {
		p.showed[rec] = v
	}
}

// tellShown names the records that show something else than before, with both.
func (p *repair) tellShown() error {
	for _, rec := range sorted(p.showed) {
		before, lived, err := p.r.log.propsOf(rec, p.showed[rec], true, nil)
		if err != nil { // nobody saw what cannot be read
			p.unread(err)
			continue
		}
		now, lives, err := p.r.log.Props(rec)
		if err != nil {
			return err
		}
		if words := otherShown(rec, lived, before, lives, now); words != "" {
			p.tell(p.r.log.prefix+changeset.RecordPath(rec), IsOther, "%s %s", p.r.nameOf(rec), words)
		}
	}
	return nil
}

// otherShown says what a record shows now, and what it showed before; "" if that is the same.
func otherShown(rec changeset.RecordID, lived bool, before map[string]string, lives bool, now map[string]string) string {
	ch := difference(rec, lived, before, lives, now)
	switch {
	case ch == nil:
		return ""
	case !lives:
		return "is deleted now, before it was not"
	case !lived:
		return "is not deleted now, before it was"
	}
	var words []string
	names := slices.Sorted(maps.Keys(ch.Props))
	for _, name := range names[:min(len(names), mostNamed)] {
		words = append(words, fmt.Sprintf("shows %s now, before %s", shown(name, now[name]), value(before[name])))
	}
	if more := len(names) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("%d more properties are others", more))
	}
	return strings.Join(words, "; ")
}
