package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	psync "prophet/sync"
)

// with returns a line that is right but for a part of it.
func with(old, new string) string {
	right := `{"created":"2020-01-02 03:04:05","creator":"ann","changes":[{"op":"create","type":"Ticket","uuid":"00000000-0000-4000-8000-000000000001","props":{"status":"new"}}]}`
	if !strings.Contains(right, old) {
		panic("no such part: " + old)
	}
	return strings.Replace(right, old, new, 1)
}

func TestImportNamesLineAndField(t *testing.T) {
	create, remove := line(change("create", 1, "a", "1")), line(change("delete", 1))
	u1 := record(1).String()
	tests := []struct{ text, want string }{
		// JSON
		{"x", `line 1: want an object, got 'x'`},
		{"[]", `line 1: want an object, got an array`},
		{"\n\n3", `line 3: want an object, got a number`},
		{create + `{"created"`, `line 2, created: want ":", got the end of the line`},
		{`{`, `line 1: want a key in quotation marks, got the end of the line`},
		{`{created`, `line 1: want a key in quotation marks, got 'c'`},
		{`{"created":"2020-01-02 03:04:05" "creator":null}`, `line 1: want "," or "}", got a string`},
		{with("]}", "]"), `line 1: want "," or "}", got the end of the line`},
		{with("]}", "]},"), `line 1: a line is one object; after it comes ','`},
		{with("]}", "]}{}"), `line 1: a line is one object; after it comes an object`},
		{with(`"new"`, `"ne`), `line 1, changes[0].props.status: the line ends within a string`},
		{with(`"new"`, "\"n\tw\""), `line 1, changes[0].props.status: a string holds the control character U+0009, which JSON writes as an escape`},
		{with(`"new"`, `"\x"`), `line 1, changes[0].props.status: a string holds a backslash that begins no escape of JSON`},
		{with(`"new"`, `"\u00e`), `line 1, changes[0].props.status: a string holds a backslash that begins no escape of JSON`},
		{with(`"new"`, `"\ud83d"`), `line 1, changes[0].props.status: a string holds \u with half of a character: a surrogate without its other half`},
		{create + "\xff\xfe{\x00}", `line 2: byte 1, 0xff, is not valid UTF-8`},
		{with(`"new"`, "\"n\xe9w\""), `line 1: byte 158, 0xe9, is not valid UTF-8`},
		{with(`"creator"`, "\ufeff\"creator\""), "line 1: want a key in quotation marks, got '\\ufeff'"},

		// Fields
		{`{}`, `line 1: it has no field "created"`},
		{with(`"changes"`, `"chanegs"`), `line 1, chanegs: a line has no such field; it may have created, changes, creator`},
		{with(`"creator"`, `"created"`), `line 1, created: the field is there twice`},
		{with(`"creator"`, `"Creator"`), `line 1, Creator: a line has no such field`},
		{with(`"creator"`, `"the\nauthor"`), `line 1, ["the\nauthor"]: a line has no such field`},
		{with(`"2020-01-02 03:04:05"`, `null`), `line 1, created: want a string, got null`},
		{with(`03:04:05`, `03:04:05Z`), `line 1, created: want a time in UTC, as in "2006-01-02 15:04:05", got "2020-01-02 03:04:05Z"`},
		{with(`03:04:05`, `03:04:05.5`), `line 1, created: want a time in UTC`},
		{with(`03:04:05`, `3:04:05`), `line 1, created: want a time in UTC`},
		{with(`2020-01-02`, `2020-02-30`), `line 1, created: want a time in UTC`},
		{with(`"ann"`, `3`), `line 1, creator: want a string or null, got a number`},
		{with(`"ann"`, `"`+strings.Repeat("a", 4097)+`"`), `line 1, creator: it has 4097 bytes, at most 4096 are allowed`},
		{with(`"ann"`, `"an\n"`), `line 1, creator: it must not have line breaks or other control characters`},
		{`{"created":"2020-01-02 03:04:05","changes":{}}`, `line 1, changes: want an array, got an object`},
		{`{"created":"2020-01-02 03:04:05","changes":[]}`, `line 1, changes: a line makes at least one change`},
		{`{"created":"2020-01-02 03:04:05","changes":[null]}`, `line 1, changes[0]: want an object, got null`},
		{with(`"op":"create",`, ``), `line 1, changes[0]: it has no field "op"`},
		{with(`"create"`, `"add"`), `line 1, changes[0].op: want create, update or delete, got "add"`},
		{with(`"type":"Ticket",`, ``), `line 1, changes[0]: it has no field "type"`},
		{with(`"Ticket"`, `"../x"`), `line 1, changes[0].type: type "../x": use the letters`},
		{with(`000000000001"`, `00000000000"`), `line 1, changes[0].uuid: "00000000-0000-4000-8000-00000000000" is not a UUID`},
		{with(`"props"`, `"prop"`), `line 1, changes[0].prop: a change has no such field; it may have op, type, uuid, props`},
		{with(`{"status":"new"}`, `["new"]`), `line 1, changes[0].props: want an object, got an array`},
		{create + line(change("create", 2), strings.Replace(change("create", 3, "status", ""), `""`, "3", 1)), `line 2, changes[1].props.status: want a string or null, got a number`},
		{with(`"new"`, `true`), `line 1, changes[0].props.status: want a string or null, got true`},
		{with(`"new"`, `nul`), `line 1, changes[0].props.status: want a string or null, got 'n'`},
		{with(`"new"`, `"new","status":"old"`), `line 1, changes[0].props.status: the property is there twice`},
		{with(`"status"`, `""`), `line 1, changes[0].props[""]: the name of a property must not be empty`},
		{with(`"status"`, `"a\nb"`), `line 1, changes[0].props["a\nb"]: property "a\nb": its name must not have line breaks`},
		{with(`"new"`, `"a\u0000b"`), `line 1, changes[0].props.status: property "status": its value has a NUL character`},
		{with(`"new"`, `"`+strings.Repeat("a", changeset.MaxValue+1)+`"`), `line 1, changes[0].props.status: property "status": its value has 4194305 bytes, at most 4194304 are allowed`},
		{with(`"new"`, `"`+strings.Repeat("a", 32<<20)+`"`), `line 1: it is longer than 33554432 bytes`},
		{create + line(change("delete", 1, "a", "1")), `line 2, changes[0]: a deletion has no properties`},

		// What earlier lines say
		{line(change("create", 1), change("create", 2), change("update", 1)), `line 1, changes[2].uuid: the line changes record ` + record(1).UUID.String() + ` twice`},
		{line(change("update", 1)), `line 1, changes[0].uuid: no earlier line creates ` + u1},
		{line(change("delete", 1)), `line 1, changes[0].uuid: no earlier line creates ` + u1},
		{create + remove + remove, `line 3, changes[0].uuid: ` + u1 + ` was deleted by line 2`},
		{create + "\n" + remove + line(change("update", 1, "a", "2")), `line 4, changes[0].uuid: ` + u1 + ` was deleted by line 3`},
		{create + line(change("update", 1, "a", "2")) + line(change("create", 2), change("create", 1)), `line 3, changes[1].uuid: ` + u1 + ` is there already; line 2 was the last to change it`},
		{create + strings.Replace(line(change("update", 1)), "Ticket", "Bug", 1), `line 2, changes[0].type: record ` + record(1).UUID.String() + ` is of type Ticket in earlier lines`},

		// Packed
		{gzipped(create) + "junk that is long enough", `line 2: gzip: invalid header`},
		{gzipped(create + create)[:60], `it ends early, in line 1: the file was cut off`},
		{zstandard(create) + "junk", `line 2: `},
		{"\x1f\x8b", `read bugs.jsonl: `},
	}
	for _, test := range tests {
		r := newReplica(t, crashfs.New(), "alice")
		_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", test.text), psync.ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.200q:\n got %v\nwant %s", test.text, err, test.want)
		}
		if r.Latest() > 0 {
			t.Errorf("%.200q: %d changesets were written", test.text, r.Latest())
		}
	}
}

func TestImportTakesANameOfASource(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("a", 256), "a\nb", "a\xff"} {
		r := newReplica(t, crashfs.New(), "alice")
		if _, err := psync.Import(context.Background(), r, name, source(t, "bugs.jsonl", ""), psync.ImportOptions{}); err == nil || !strings.Contains(err.Error(), "is no name of a source") {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

// large has lines of which each fills another property of a record with four megabytes.
func large(n int, record int) (lines []string) {
	big := strings.Repeat("é", changeset.MaxValue/2)
	for prop := range n {
		if prop > 0 { // one shows that characters are not what counts, and costs most
			big = strings.Repeat("a", changeset.MaxValue)
		}
		lines = append(lines, line(change("update", record, string(rune('a'+prop)), big)))
	}
	return lines
}

// clear is a change that empties the properties a, b and so on.
func clear(record int, props string) string {
	var args []string
	for _, p := range props {
		args = append(args, string(p), "")
	}
	return change("update", record, args...)
}

// The old values of a change are in its changeset, though not in its line: four times four megabytes are too many.
func TestImportBoundsWhatALineReplaces(t *testing.T) {
	fill := append([]string{line(change("create", 1))}, large(4, 1)...)
	again := append([]string{line(change("create", 1))}, slices.Repeat(fill[1:2], 4)...)
	tests := []struct {
		name  string
		lines []string
		wrong bool // is the last of them
	}{
		{"four", append(fill, line(clear(1, "abcd"))), true},
		{"four, in two lines", append(fill, line(clear(1, "ab")), line(clear(1, "cd"))), false},
		{"one, four times", append(again, line(clear(1, "abcd"))), false},
		{"four, of a record that began again", append(fill, line(change("delete", 1)), line(change("create", 1)), line(clear(1, "abcd"))), false},
		{"two of two records", slices.Concat(fill[:3], []string{line(change("create", 2))}, large(2, 2), []string{line(clear(1, "ab"), clear(2, "ab"))}), true},
	}
	for _, test := range tests[:race.Part(len(tests))] {
		no, err := psync.CheckLines(test.lines)
		if no != len(test.lines) || (err != nil) != test.wrong || test.wrong && !strings.Contains(err.Error(), "with the values that it replaces it makes a changeset of 1") {
			t.Errorf("%s: line %d, %v", test.name, no, err)
		}
	}
}

func TestImportBoundsWhatLinesAddUpTo(t *testing.T) {
	var apart []string
	for i := range 6 {
		var props []string
		for k := range 100_000 {
			props = append(props, fmt.Sprint(i, "-", k), "x")
		}
		apart = append(apart, line(change("update", 1, props...)))
	}
	create := []string{line(change("create", 1))}
	if no, err := psync.CheckLines(append(create, apart...)); no != 7 || err == nil || !strings.Contains(err.Error(), "changes[0]: it makes a record of 600000 properties") {
		t.Errorf("line %d: %v", no, err)
	}
	if race.Enabled {
		return
	}
	if no, err := psync.CheckLines(slices.Concat(create, apart[:3], []string{line(change("delete", 1))}, create, apart[3:])); err != nil {
		t.Errorf("line %d: %v", no, err)
	}
}

func TestImportBoundsHowMuchALineChanges(t *testing.T) {
	var changes, props []string
	for i := range changeset.MaxChanges + 1 {
		changes = append(changes, change("create", i))
	}
	for i := range changeset.MaxProps + 1 {
		props = append(props, fmt.Sprint(i), "")
	}
	tests := []struct{ line, want string }{
		{line(changes...), "changes[100000]: a changeset of 100001 records: at most 100000 are allowed"},
		{line(change("create", 1, props...)), "changes[0].props.500000: a line of more than 500000 properties"},
	}
	for _, test := range tests[:race.Part(len(tests))] {
		if _, err := psync.CheckLines([]string{test.line}); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestImportKnowsTheSizeOfARecord(t *testing.T) {
	got := psync.RecordSize([][2]string{{"a", "1"}, {"b", "\n\x01é"}, {"a", "12345"}, {"c", "gone"}, {"c", ""}, {"d", ""}})
	if want := len(changeset.EncodeRecord(map[string]string{"a": "12345", "b": "\n\x01é"})) + 1; got != want { // a comma more
		t.Errorf("%d bytes, want %d", got, want)
	}
}

// A source of which sizes must be known exactly is read once more.
func TestImportReadsOnceMoreWhereSizesMatter(t *testing.T) {
	fill := line(change("create", 1)) + strings.Join(large(4, 1), "")
	r := newReplica(t, crashfs.New(), "alice")
	_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", fill+line(clear(1, "abcd"))), psync.ImportOptions{})
	if err == nil || !strings.Contains(err.Error(), "bugs.jsonl line 6: with the values that it replaces") || r.Latest() > 0 {
		t.Errorf("%d changesets, %v", r.Latest(), err)
	}
	if race.Enabled { // nothing of this runs beside anything
		return
	}
	if report := importText(t, r, fill+line(clear(1, "abc"))); report.Integrated != 6 {
		t.Errorf("report %+v", *report)
	}
	if report := importText(t, r, fill+line(clear(1, "abc"))); report.Known != 6 {
		t.Errorf("again: %+v", *report)
	}
}

// FuzzImportLine holds the reader of lines against encoding/json, and what it accepts against the limits.
func FuzzImportLine(f *testing.F) {
	for _, s := range []string{with("", ""), line(change("create", 1, "a", "\u2028é\\\"")), line(change("create", 1), change("create", 2)), `{}`, "\xff",
		with(`"new"`, `"\ud83d\ude00\/\b\u0041"`), with(`"new"`, `null`), with(`"ann"`, `null`), with(`"status":"new"`, ``), with(`"status"`, `"a b"`), with("]}", "]}x")} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.ReplaceAll(b, []byte("\n"), []byte(" "))
		c, err := psync.ParseLine(b, changeset.ID{Origin: database, Seq: 7})
		want, ok := decodeLine(b)
		if err != nil {
			if ok && !surrogate.Match(b) {
				t.Fatalf("%q is refused: %v", b, err)
			}
			return
		}
		if !ok {
			t.Fatalf("%q is accepted", b)
		}
		got, err := changeset.Decode(c.Encode())
		if err != nil {
			if strings.Contains(err.Error(), "is there twice") { // a record, which is not for parseLine to find
				return
			}
			t.Fatalf("%q makes what cannot be read: %v", b, err)
		}
		if !changeset.SameEdit(got, c) || !changeset.SameEdit(want, c) {
			t.Fatalf("%q is read as\n%s, want\n%s", b, c.Encode(), want.Encode())
		}
	})
}

// surrogate matches the escape of a surrogate, or what looks like one: encoding/json takes half a character for U+FFFD.
var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// decodeLine reads a line by way of encoding/json, slowly; ok is false if it is not right in itself.
func decodeLine(b []byte) (c *changeset.Changeset, ok bool) {
	if !utf8.Valid(b) || !json.Valid(b) || hasTwice(b) {
		return nil, false
	}
	var l map[string]json.RawMessage
	if json.Unmarshal(b, &l) != nil || !only(l, "created", "changes", "creator") || len(l["created"]) == 0 {
		return nil, false
	}
	c = &changeset.Changeset{ID: changeset.ID{Origin: database, Seq: 7}}
	var created, creator *string
	var changes []map[string]json.RawMessage
	if json.Unmarshal(l["created"], &created) != nil || created == nil || json.Unmarshal(l["changes"], &changes) != nil || len(changes) == 0 {
		return nil, false
	}
	if at, err := time.Parse(changeset.TimeFormat, *created); err != nil || at.Format(changeset.TimeFormat) != *created {
		return nil, false
	}
	c.Created = *created
	if raw := l["creator"]; raw != nil && json.Unmarshal(raw, &creator) != nil {
		return nil, false
	}
	if creator != nil {
		if len(*creator) > changeset.MaxReadName || strings.IndexFunc(*creator, unicode.IsControl) >= 0 {
			return nil, false
		}
		c.Creator = changeset.TextOrNull(*creator)
	}
	for _, raw := range changes {
		ch, ok := decodeChange(raw)
		if !ok {
			return nil, false
		}
		c.Changes = append(c.Changes, ch)
	}
	return c, true
}

func decodeChange(raw map[string]json.RawMessage) (ch changeset.Change, ok bool) {
	var op, typ, id *string
	var props map[string]*string
	if !only(raw, "op", "type", "uuid", "props") || json.Unmarshal(raw["op"], &op) != nil || json.Unmarshal(raw["type"], &typ) != nil ||
		json.Unmarshal(raw["uuid"], &id) != nil || op == nil || typ == nil || id == nil || changeset.CheckType(*typ) != nil {
		return ch, false
	}
	if p := raw["props"]; p != nil && (json.Unmarshal(p, &props) != nil || props == nil) {
		return ch, false
	}
	u, err := changeset.ParseUUID(*id)
	if err != nil || *op == "delete" && len(props) > 0 {
		return ch, false
	}
	ch = changeset.Change{Record: changeset.RecordID{Type: *typ, UUID: u}, Kind: map[string]changeset.Kind{
		"create": changeset.Create, "update": changeset.Update, "delete": changeset.Delete}[*op], Props: map[string]changeset.PropChange{}}
	for name, v := range props {
		if v == nil {
			v = new(string)
		}
		if changeset.CheckProperty(name) != nil || changeset.CheckValue(name, *v) != nil {
			return ch, false
		}
		ch.Props[name] = changeset.PropChange{New: changeset.TextOrNull(*v)}
	}
	return ch, ch.Kind != 0
}

func only(fields map[string]json.RawMessage, names ...string) bool {
	n := 0
	for _, name := range names {
		if _, ok := fields[name]; ok {
			n++
		}
	}
	return n == len(fields)
}

// hasTwice reports whether an object has a key twice.
func hasTwice(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	var open []map[string]bool // of the objects and arrays that are open; nil is an array
	key := false
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			open, key = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open, key = append(open, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if name, is := token.(string); is && key {
				if open[len(open)-1][name] {
					return true
				}
				open[len(open)-1][name], key = true, false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}
