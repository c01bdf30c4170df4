package resolution_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/resolution"
)

// ticket is the record of the tests.
var ticket = changeset.RecordID{Type: "Ticket", UUID: must(changeset.ParseUUID("a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10"))}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// history reads changes to the ticket from a notation of one change a line (or between semicolons):
//
//	a1 create <      status=new           made by origin a, its first; it knew no change to the record
//	b1 update <a1    status=new>open @9   the parents are known; status was "new"; made at second 9
//	c1 update        owner=c>             bare; owner was "c" and is removed
//	c2 delete <a1,b1
//	d1 update copy:a1 p=x waits           a copy of a1 that others may not have
//
// Origins are the letters a to f. Where no time is given it is the number of the line. The old value is null if it is not given,
// and "" stands for the empty text.
func history(text string) []resolution.Entry {
	var entries []resolution.Entry
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		if words := strings.Fields(line); len(words) > 0 {
			entries = append(entries, entry(words, len(entries)+1))
		}
	}
	return entries
}

func entry(words []string, line int) resolution.Entry {
	e := resolution.Entry{ID: id(words[0]), Created: second(line), Creator: words[0][:1] + "@example.com"}
	e.Change = &changeset.Change{Record: ticket, Kind: kinds[words[1]], Props: map[string]changeset.PropChange{}}
	for _, word := range words[2:] {
		if word == "waits" {
			e.Waits = true
			continue
		}
		if of, is := strings.CutPrefix(word, "copy:"); is {
			e.Change.CopyOf = id(of)
			continue
		}
		switch word[0] {
		case '<':
			e.Change.Parents = ids(word[1:])
		case '@':
			e.Created = second(must(strconv.Atoi(word[1:])))
		default:
			name, value, _ := strings.Cut(word, "=")
			old, new, given := strings.Cut(value, ">")
			if !given {
				old, new = "", value
			}
			e.Change.Props[name] = changeset.PropChange{Old: value0(old), New: value0(new)}
		}
	}
	return e
}

var kinds = map[string]changeset.Kind{"create": changeset.Create, "update": changeset.Update, "delete": changeset.Delete}

// value0 reads a value of the notation: nothing is null, "" the empty text.
func value0(s string) changeset.Value {
	if s == `""` {
		return changeset.Text("")
	}
	return changeset.TextOrNull(s)
}

func second(n int) string { return fmt.Sprintf("2026-01-01 00:%02d:%02d", n/60, n%60) }

// id reads "b12": the twelfth changeset of origin bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb.
func id(s string) changeset.ID {
	var id changeset.ID
	letter := must(strconv.ParseUint(s[:1], 16, 8))
	for i := range id.Origin {
		id.Origin[i] = byte(letter * 0x11)
	}
	id.Seq = must(changeset.ParseSeq(s[1:]))
	return id
}

func ids(s string) []changeset.ID {
	ids := []changeset.ID{}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) {
		ids = append(ids, id(word))
	}
	return ids
}

// name is the opposite of id.
func name(id changeset.ID) string {
	return fmt.Sprintf("%x%d", id.Origin[0]&15, id.Seq)
}

func names(ids []changeset.ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, name(id))
	}
	return strings.Join(words, " ")
}

// merge merges a history without votes.
func merge(text string) *resolution.Result { return resolution.Merge(ticket, history(text), nil, nil) }

// show writes a result on one line: "deleted", or "lives" with the properties; then what is open, with the rivals, latest first:
//
//	lives owner=b status=open | status? b1=open a2=null | exists? keep b1 delete c1
func show(r *resolution.Result) string {
	words := []string{"deleted"}
	if r.Exists {
		words[0] = "lives"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Props)) {
		words = append(words, name+"="+r.Props[name])
	}
	for _, c := range r.Conflicts {
		words = append(words, "|", c.Prop+"?")
		for _, rival := range c.Rivals {
			words = append(words, name(rival.ID)+"="+orNull(rival.Value))
		}
	}
	if r.Existence != nil {
		words = append(words, "| exists?", "keep", entryNames(r.Existence.Keep), "delete", entryNames(r.Existence.Delete))
	}
	return strings.Join(words, " ")
}

func entryNames(entries []*resolution.Entry) string {
	var list []changeset.ID
	for _, e := range entries {
		list = append(list, e.ID)
	}
	return names(list)
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// merges is a table of histories with the state that show writes of each.
type merges []struct{ name, history, want string }

func (table merges) run(t *testing.T) {
	t.Helper()
	for _, test := range table {
		t.Run(test.name, func(t *testing.T) {
			t.Helper()
			if got := show(merge(test.history)); got != test.want {
				t.Errorf("merge of\n  %s\ngot  %s\nwant %s", strings.ReplaceAll(test.history, ";", "\n "), got, test.want)
			}
		})
	}
}
