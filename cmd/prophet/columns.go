package main

import (
	"fmt"
	"slices"
	"strings"

	"prophet/changeset"
	"prophet/internal/terminal"
	"prophet/replica"
)

// The columns that are no properties. A property with one of these names is the column "props." and its name, as in JSON.
const (
	columnID        = "id"
	columnType      = "type"
	columnUUID      = "uuid"
	columnHeadline  = "headline"   // what tells a record from others
	columnDeletedAt = "deleted_at" // of deleted records alone
	columnDeletedBy = "deleted_by"

	propsPrefix = "props."
)

var noProperties = []string{columnID, columnType, columnUUID, columnHeadline, columnDeletedAt, columnDeletedBy}

// isColumn reports whether a name is that of a column that is no property.
func isColumn(name string) bool { return slices.Contains(noProperties, name) }

// columnOf returns the column that shows a property.
func columnOf(prop string) string {
	if isColumn(prop) {
		return propsPrefix + prop
	}
	return prop
}

// propOf returns the property that a column shows.
func propOf(column string) string {
	if prop, ok := strings.CutPrefix(column, propsPrefix); ok && isColumn(prop) {
		return prop
	}
	return column
}

// column returns what a record has in a column: "" for nothing.
func column(rec *hit, name string) string {
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
	case columnHeadline:
		return rec.Props[headlineOf(rec.Props)]
	case columnDeletedAt:
		return rec.deletedAt()
	case columnDeletedBy:
		return rec.deletedBy()
	}
	return rec.Props[propOf(name)]
}

// hit is a record that a search lists.
type hit struct {
	*replica.Record
	by *changeset.Changeset // the edit that deleted it; nil if it lives
}

// deletedAt is when the record was deleted, in UTC.
func (h *hit) deletedAt() string {
	if h.by == nil {
		return ""
	}
	return h.by.Created
}

func (h *hit) deletedBy() string {
	if h.by == nil {
		return ""
	}
	return h.by.Creator.Text
}

// conflictMark stands behind the local id of a record in conflict, on a terminal.
const conflictMark = "!"

// printTable prints records as a table, and reports whether those in conflict are marked: in a pipe an id stays as a script takes it.
func (o *searchOptions) printTable(p *printer, list []*hit, open map[changeset.RecordID]bool) (marked bool, err error) {
	columns := o.columns
	if columns == nil {
		columns = usualColumns(list, o.query.Type == "")
	}
	header := make([]string, len(columns))
	for i, name := range columns {
		header[i] = strings.ToUpper(name)
	}
	t, id := p.table(header...), -1
	t.Favor(slices.IndexFunc(columns, isHeadline))
	t.Whole(slices.Index(columns, columnUUID))
	if p.e.OutWidth > 0 {
		id = slices.Index(columns, columnID)
	}
	for _, rec := range list {
		cells := cellsOf(rec, columns)
		if p.e.OutWidth > 0 && o.columns == nil {
			ease(cells, columns)
		}
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
func cellsOf(rec *hit, columns []string) []string {
	cells := make([]string, len(columns))
	for i, name := range columns {
		cells[i] = column(rec, name)
		if name == columnID {
			cells[i] = shortID(rec.LocalID, rec.ID.UUID)
		}
	}
	return cells
}

// ease makes the cells of columns that nobody named easier to read on a terminal: a text of several lines is one line, and of the UUID of another record there is as much
// as commands need.
func ease(cells, columns []string) {
	const enough = 16 << 10 // bytes of a text: more than any line shows
	for i, cell := range cells {
		_, err := changeset.ParseUUID(cell)
		switch {
		case err == nil && columns[i] != columnUUID:
			cells[i] = cell[:8]
		case isHeadline(columns[i]) && strings.Contains(cell, "\n"):
			cells[i] = terminal.Safe(strings.Join(strings.Fields(cell[:min(len(cell), enough)]), " "))
		}
	}
}
