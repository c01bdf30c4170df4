package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/replica"
)

// The columns that are no properties.
const (
	columnID   = "id"
	columnType = "type"
	columnUUID = "uuid"
)

// column returns what a record has in a column: "" for nothing.
func column(rec *replica.Record, name string) string {
	switch name {
	case columnID:
		if rec.LocalID == 0 {
			return ""
		}
		return fmt.Sprint(rec.LocalID)
	case columnType:
		return rec.ID.Type
	case columnUUID:
		return rec.ID.UUID.String()
	}
	return rec.Props[name]
}

// conflictMark stands behind the local id of a record in conflict, on a terminal.
const conflictMark = "!"

// printTable prints records as a table, and reports whether those in conflict are marked: in a pipe an id stays as a script takes it.
func (o *searchOptions) printTable(p *printer, found []*replica.Record, open map[changeset.RecordID]bool) (marked bool, err error) {
	columns := o.columns
	if columns == nil {
		columns = usualColumns(found, o.query.Type == "")
	}
	header := make([]string, len(columns))
	for i, name := range columns {
		header[i] = strings.ToUpper(name)
	}
	t, id := p.table(header...), -1
	if p.e.OutWidth > 0 {
		id = slices.Index(columns, columnID)
	}
	for _, rec := range found {
		cells := cellsOf(rec, columns)
		if id >= 0 && open[rec.ID] {
			cells[id] += conflictMark
		}
		if err := t.Row(cells...); err != nil {
			return false, err
		}
	}
	return id >= 0, t.Flush()
}

// cellsOf returns a record's row. A record without a local id is named by its UUID.
func cellsOf(rec *replica.Record, columns []string) []string {
	cells := make([]string, len(columns))
	for i, name := range columns {
		cells[i] = column(rec, name)
		if name == columnID {
			cells[i] = shortID(rec.LocalID, rec.ID.UUID)
		}
	}
	return cells
}

// What people want to see of a record first, whatever the database is about.
var (
	headlines = []string{"summary", "title", "subject", "name", "label"}
	important = []string{"status", "state", "priority", "severity", "owner", "assignee", "milestone", "component", "due"}
	// What is added to every record, and tells little in a list.
	dull = []string{"creator", "original_replica"}
)

// mostColumns is how many properties are shown when the user does not name any.
const mostColumns = 5

// usualColumns chooses columns by what the records have: a headline, what is known to be important, then the most
// frequent. Properties with a text of several lines are left out.
func usualColumns(found []*replica.Record, withType bool) []string {
	columns := []string{columnID}
	if withType {
		columns = append(columns, columnType)
	}
	names := shortProps(found)
	return append(columns, names[:min(len(names), mostColumns)]...)
}

// shortProps returns the properties that fit into a line, in the order in which people want to see them.
func shortProps(found []*replica.Record) []string {
	count := make(map[string]int)
	long := make(map[string]bool)
	for _, rec := range found {
		for name, value := range rec.Props {
			count[name]++
			long[name] = long[name] || strings.Contains(value, "\n")
		}
	}
	names := slices.Collect(maps.Keys(count))
	names = slices.DeleteFunc(names, func(name string) bool { return long[name] || slices.Contains(dull, name) })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(interest(a), interest(b)), -cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
	return names
}

// interest is the place of a property among others in a list, before its frequency counts.
func interest(name string) int {
	known := slices.Concat(headlines, important)
	if i := slices.Index(known, name); i >= 0 {
		return i
	}
	return len(known)
}
