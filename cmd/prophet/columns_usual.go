package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// What people want to see of a record first, whatever the database is about.
var (
	headlines = []string{"headline", "summary", "title", "subject", "name", "label"}
	// What stands for a headline where there is none, such as of a comment.
	texts     = []string{"text", "body", "content", "description", "comment", "message", "note"}
	important = []string{"status", "state", "priority", "severity", "owner", "assignee", "milestone", "component", "due"}
	// What is added to every record, and tells little in a list.
	dull = []string{"creator", "original_replica"}
	// All that comes before the most frequent, in order.
	interesting = slices.Concat(headlines, important)
)

// headlineOf returns the property by which people know a record, "" if there is none.
func headlineOf(props map[string]string) string {
	for _, list := range [][]string{headlines, texts} {
		for _, name := range list {
			if props[name] != "" {
				return name
			}
		}
	}
	return ""
}

// isHeadline reports whether a column shows by what people know a record. [columnHeadline] is called like one of the properties.
func isHeadline(column string) bool {
	return slices.Contains(headlines, column) || slices.Contains(texts, column)
}

// mostColumns is how many properties are shown when the user does not name any.
const mostColumns = 5

// usualColumns chooses columns by what the records have: a headline, what is known to be important, then the most
// frequent. Properties with a text of several lines are left out.
func usualColumns(list []*hit, withType bool) []string {
	columns := []string{columnID}
	if withType {
		columns = append(columns, columnType)
	}
	most := mostColumns
	deleted := slices.ContainsFunc(list, func(h *hit) bool { return h.Deleted })
	if deleted { // who did that, and when, is what people want to see, beside what it was
		most = 1
	}
	headline, rest := headlineColumn(list), shortProps(list)
	columns = append(columns, headline...)
	for _, name := range rest[:min(len(rest), most-len(headline))] {
		columns = append(columns, columnOf(name))
	}
	if deleted {
		columns = append(columns, columnDeletedAt, columnDeletedBy)
	}
	return columns
}

// headlineColumn returns the column by which people know the records, none if they have nothing of the kind: the one property that it is in all of them, or what it is in each.
func headlineColumn(list []*hit) []string {
	used := map[string]bool{}
	for _, rec := range list {
		if name := headlineOf(rec.Props); name != "" {
			used[name] = true
		}
	}
	switch len(used) {
	case 0:
		return nil
	case 1:
		return slices.Collect(maps.Keys(used))
	}
	return []string{columnHeadline}
}

// shortProps returns the properties that fit into a line and are not the headline of all that have them, in the order in which people want to see them.
func shortProps(list []*hit) []string {
	count := make(map[string]int)
	long, beside := make(map[string]bool), make(map[string]bool)
	for _, rec := range list {
		headline := headlineOf(rec.Props)
		for name, value := range rec.Props {
			count[name]++
			long[name] = long[name] || strings.Contains(value, "\n")
			beside[name] = beside[name] || name != headline
		}
	}
	names := slices.Collect(maps.Keys(count))
	names = slices.DeleteFunc(names, func(name string) bool { return long[name] || !beside[name] || slices.Contains(dull, name) })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(interest(a), interest(b)), -cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
	return names
}

// interest is the place of a property among others in a list, before its frequency counts.
func interest(name string) int {
	if i := slices.Index(interesting, name); i >= 0 {
		return i
	}
	return len(interesting)
}
