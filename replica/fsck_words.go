package replica

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"prophet/changeset"
)

// few lists rows of the log, the first ones of many.
func few(rows []uint32) string {
	if len(rows) == 0 {
		return "no row"
	}
	var words []string
	for _, row := range rows[:min(len(rows), 5)] {
		words = append(words, fmt.Sprint(row))
	}
	text := "row "
	if len(rows) > 1 {
		text = "rows "
	}
	text += strings.Join(words, ", ")
	if more := len(rows) - len(words); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// fewTouch says that rows of the log touch something.
func fewTouch(rows []uint32) string {
	if len(rows) == 1 {
		return few(rows) + " of the log touches"
	}
	return few(rows) + " of the log touch"
}

// span names the rows from one to another.
func span(from, to uint32) string {
	if from == to {
		return fmt.Sprintf("row %d is", from)
	}
	return fmt.Sprintf("rows %d to %d are", from, to)
}

// rowsWord counts rows in words.
func rowsWord(n uint32) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func recordsWord(n int) string {
	if n == 1 {
		return "a record"
	}
	return fmt.Sprintf("%d records", n)
}

// it stands for so many rows.
func it(rows uint32) string {
	if rows == 1 {
		return "it"
	}
	return "them"
}

// differences says in words, a sentence for each, where a record that is shown so should be another; by is what says so.
func differences(rec changeset.RecordID, exists bool, props map[string]string, by string, wantExists bool, want map[string]string) []string {
	ch := difference(rec, exists, props, wantExists, want)
	switch {
	case ch == nil:
		return nil
	case !wantExists:
		return []string{fmt.Sprintf("%s is shown, %s to its deletion", rec, by)}
	case !exists:
		return []string{fmt.Sprintf("%s is shown as deleted, %s to a record that lives", rec, by)}
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(ch.Props)) {
		words = append(words, fmt.Sprintf("%s shows %s, %s to %s", rec, shown(name, props[name]), by, value(want[name])))
	}
	return words
}

// shown names a property with its value.
func shown(name, text string) string {
	if text == "" {
		return "no " + name
	}
	return name + " " + value(text)
}

// value shows a value, the beginning of a long one.
func value(text string) string {
	switch {
	case text == "":
		return "none"
	case len(text) > 100:
		return fmt.Sprintf("%.100q… (%d bytes)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}

// idList names changesets.
func idList(ids []changeset.ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, id.String())
	}
	return strings.Join(words, ", ")
}
