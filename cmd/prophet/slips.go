package main

import (
	"slices"

	"prophet/replica"
)

// slips finds properties that a search names and no record has: they may be typed wrong.
type slips struct {
	names   []string        // that the search names
	seen    map[string]bool // of these, those that some record has
	records int             // that were looked at
}

// slips returns what looks for the names in the search.
func (o *searchOptions) slips() *slips {
	s := &slips{seen: map[string]bool{}}
	for _, name := range append(slices.Clone(o.columns), o.sort) {
		s.names = append(s.names, propOf(name))
	}
	for _, t := range o.query.Tests {
		s.names = append(s.names, t.Name)
	}
	return s
}

// look takes a record that is searched, whether or not it passes the tests.
func (s *slips) look(rec *replica.Record) {
	s.records++
	for _, name := range s.names {
		if rec.Props[name] != "" {
			s.seen[name] = true
		}
	}
}

// doubts reports whether a record that was not looked at may have a property that note would say is missing.
func (s *slips) doubts(o *searchOptions, found bool) bool {
	for i, name := range s.names {
		tested := i >= len(s.names)-len(o.query.Tests)
		if name != "" && !s.seen[name] && !(tested && found) {
			return true
		}
	}
	return false
}

// missing reports whether there are records, and none has the property.
func (s *slips) missing(name string) bool { return s.records > 0 && !s.seen[name] }

// note says which properties are missing: of those shown or sorted by, and, if nothing was found, of those tested.
func (s *slips) note(p *printer, o *searchOptions, found bool) {
	for _, name := range o.columns {
		if s.missing(propOf(name)) && !isColumn(name) {
			p.notef("--columns: no record has a property %.100q", name)
		}
	}
	if o.sort != "" && s.missing(propOf(o.sort)) && !isColumn(o.sort) {
		p.notef("--sort: no record has a property %.100q", o.sort)
	}
	if found {
		return
	}
	for _, t := range o.query.Tests {
		if s.missing(t.Name) {
			p.notef("there is no property %.100q%s", t.Name, insteadOf(t.Name))
		}
	}
}

// insteadOf says how one asks for what is no property.
func insteadOf(name string) string {
	switch name {
	case columnType:
		return "; a type stands alone before the tests"
	case columnID, columnUUID:
		return `; "prophet show" takes an id or a UUID`
	}
	return ""
}
