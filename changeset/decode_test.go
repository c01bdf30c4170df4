package changeset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"prophet/internal/race"
)

func TestDecodeSample(t *testing.T) {
	want := &Changeset{
		ID:      ID{mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 1},
		Created: "2026-11-21 01:16:51",
		Changes: []Change{
			{
				Record: RecordID{"Ticket", mustUUID(t, "a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10")},
				Kind:   Update,
				Props: map[string]PropChange{
					"owner":  {Old: Text("ann")},
					"status": {Old: Text("new"), New: Text("open")},
				},
			},
			{Record: RecordID{"Ticket", mustUUID(t, "b2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10")}, Kind: Delete},
		},
	}
	if got := mustDecode(t, sample); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Each row replaces old by new in the sample, and wantOld by wantNew in what comes back.
func TestDecodeAcceptsWhatReadersMust(t *testing.T) {
	const (
		seq    = `"original_sequence_no":1`
		result = `"is_resolution":null`
		status = `"new_value":"open"`
		parent = `"parents":["0ab1e589-83c2-4e27-917c-42dae1b8cf11:7","10b1e589-83c2-4e27-917c-42dae1b8cf11:9","10b1e589-83c2-4e27-917c-42dae1b8cf11:10"],`
	)
	tests := []struct{ name, old, new, wantOld, wantNew string }{
		{"nothing changed", "", "", "", ""},
		{"the number as a string", seq, `"original_sequence_no":"12"`, seq, `"original_sequence_no":12`},
		{"the greatest number", seq, `"original_sequence_no":4294967295`, seq, `"original_sequence_no":4294967295`},
		{"flag true", result, `"is_resolution":true`, result, `"is_resolution":1`},
		{"flag 1", result, `"is_resolution":1`, result, `"is_resolution":1`},
		{`flag "1"`, result, `"is_resolution":"1"`, result, `"is_resolution":1`},
		{"flag false", result, `"is_resolution":false`, "", ""},
		{"flag 0", result, `"is_resolution":0`, "", ""},
		{`flag "0"`, result, `"is_resolution":"0"`, "", ""},
		{`flag ""`, result, `"is_resolution":""`, "", ""},
		{"no flag", result + ",", "", "", ""},
		{"a number as value", status, `"new_value":-0.50e+3`, status, `"new_value":"-0.50e+3"`},
		{"a long number", status, `"new_value":12345678901234567890`, status, `"new_value":"12345678901234567890"`},
		{"an empty value", status, `"new_value":""`, status, `"new_value":""`},
		{"no new value", status + ",", "", status, `"new_value":null`},
		{"an empty creator", `"creator":null`, `"creator":""`, "", ""},
		{"a creator that is a number", `"creator":null`, `"creator":5`, `"creator":null`, `"creator":"5"`},
		{"no time", `"created":"2026-11-21 01:16:51",`, "", `"2026-11-21 01:16:51"`, "null"},
		{"unknown keys", `"created"`, `"x":[{"y":[1,-2.5e9,true,false,null,"\n"]},{}],"created"`, "", ""},
		{"an unknown key in a change", `"change_type":"delete"`, `"change_type":"delete","x":{"change_type":1}`, "", ""},
		{"an unknown key in a property", status, `"x":[],` + status, "", ""},
		{"capitals in the origin", "10b1e589", "10B1E589", "", ""},
		{"capitals in a record", "a2348a2e", "A2348A2E", "", ""},
		{"records out of order", "a2348a2e", "c2348a2e", sample[len(`{"changes":{`):strings.Index(sample, `},"created"`)],
			`"b2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"delete","prop_changes":{},"record_type":"Ticket"},` +
				`"c2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"update_file",` +
				`"prop_changes":{"owner":{"new_value":null,"old_value":"ann"},"status":{"new_value":"open","old_value":"new"}},"record_type":"Ticket"}`},
		{"a directory", `"changes":{`, `"changes":{"some dir":{"change_type":"add_dir","prop_changes":{},"record_type":null},`, "", ""},
		{"no property changes", `"prop_changes":{},`, "", "", ""},
		{"null property changes", `"prop_changes":{}`, `"prop_changes":null`, "", ""},
		{"properties of a deletion", `"prop_changes":{}`, `"prop_changes":{"a":{"new_value":null,"old_value":"x"}}`,
			`"prop_changes":{}`, `"prop_changes":{"a":{"new_value":null,"old_value":"x"}}`},
		{"white space", `{"changes":{`, " \t\r\n{ \"changes\" : {\n", "", ""},
		{"white space at the end", `cf11"}`, "cf11\" }\n ", "", ""},
		{"null parents", `"record_type"`, `"parents":null,"record_type"`, "", ""},
		{"no parents", `"prop_changes":{}`, `"parents":[],"prop_changes":{}`, `"prop_changes":{}`, `"parents":[],"prop_changes":{}`},
		{"parents", `"prop_changes":{}`, parent + `"prop_changes":{}`, `"prop_changes":{}`, parent + `"prop_changes":{}`},
		{"escapes", status, `"new_value":"\"\\\/\b\f\n\r\t\u0000\u001F\u00e9\u007f\u2028\ud83d\uDE80"`,
			status, `"new_value":"\"\\/\b\f\n\r\t\u0000\u001fé` + "\u007f\u2028🚀" + `"`},
		{"an escape in a key", `"status"`, `"\u0073tatus"`, "", ""},
		{"escapes in several keys", `"created"`, `"\u0061":1,"\u0062":"\n","created"`, "", ""},
		{"an escape in a known key", `"created"`, `"cre\u0061ted"`, "", ""},
	}
	for _, test := range tests {
		if !strings.Contains(sample, test.old) || !strings.Contains(sample, test.wantOld) {
			t.Fatalf("%s: the sample does not have what is to be replaced", test.name)
		}
		c, err := Decode([]byte(strings.Replace(sample, test.old, test.new, 1)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if !slices.IsSortedFunc(c.Changes, func(a, b Change) int { return a.Record.Compare(b.Record) }) {
			t.Errorf("%s: changes are out of order", test.name)
		}
		want := strings.Replace(sample, test.wantOld, test.wantNew, 1)
		if got := string(c.Encode()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const (
		seq    = `"original_sequence_no":1`
		origin = `"10b1e589-83c2-4e27-917c-42dae1b8cf11"`
		status = `"new_value":"open"`
		record = `"record_type":"Ticket"`
		id     = `10b1e589-83c2-4e27-917c-42dae1b8cf11:`
	)
	tests := []struct{ old, new, want string }{
		{sample, "", "it ends where an object is expected"},
		{sample, "<html>", `at byte 0: "<html>", want an object`},
		{sample, "[]", "want an object"},
		{sample, "null", "want an object"},
		{sample, "{}", "no original_sequence_no"},
		{sample, `{"original_sequence_no":1}`, "no original_source_uuid"},
		{`cf11"}`, `cf11"`, `it ends where "," or "}" is expected`},
		{`cf11"}`, `cf11`, "it ends within a string"},
		{`cf11"}`, `cf11\`, "it ends within a string"},
		{`cf11"}`, `cf11"}x`, `"x", want the end`},
		{`cf11"}`, `cf11"},`, `",", want the end`},
		{`cf11"}`, `cf11",}`, `"}", want a string`},
		{`{"changes"`, `{,"changes"`, `want a string`},
		{`"created":`, `"created" `, `want ":"`},
		{`"created"`, `created`, "want a string"},
		{"ann", "a\xffn", "not valid UTF-8"},
		{"ann", "a\xed\xa0\x80n", "not valid UTF-8"},
		{"ann", "a\nn", "a control character in a string"},
		{"ann", `a\n` + "\x00", "a control character in a string"},
		{"ann", `a\xn`, "want an escape of JSON"},
		{"ann", `\u12g4`, "want an escape of JSON"},
		{"ann", `\ud83d`, "want both halves of a surrogate pair"},
		{"ann", `\ude80`, "want both halves of a surrogate pair"},
		{"ann", `\ud83d\u0041`, "want both halves of a surrogate pair"},
		{`"created"`, `"creator":null,"created"`, `the key "creator" is there twice`},
		{`"created"`, `"x":1,"y":2,"x":3,"created"`, `the key "x" is there twice`},
		{`"created"`, `"x":{"y":2,"y":3},"created"`, `the key "y" is there twice`},
		{`"created"`, `"cre\u0061ted":null,"created"`, `the key "created" is there twice`},
		{`"owner"`, `"status"`, `the key "status" is there twice`},
		{`b2348a2e`, `a2348a2e`, `is there twice`},
		{`b2348a2e`, `A2348A2E`, `record a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10 is there twice`},
		{`{"changes":{`, `{"changes":{"B2348A2E-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"delete","record_type":"Ticket"},`, `record b2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10 is there twice`},
		{seq, `"original_sequence_no":0`, `sequence number "0"`},
		{seq, `"original_sequence_no":-1`, `sequence number "-1"`},
		{seq, `"original_sequence_no":1.0`, `sequence number "1.0"`},
		{seq, `"original_sequence_no":1e3`, `sequence number "1e3"`},
		{status, `"new_value":01`, `want "," or "}"`},
		{seq, `"original_sequence_no":"01"`, `sequence number "01"`},
		{seq, `"original_sequence_no":"+1"`, `sequence number "+1"`},
		{seq, `"original_sequence_no":" 1"`, `sequence number " 1"`},
		{seq, `"original_sequence_no":4294967296`, `sequence number "4294967296"`},
		{seq, `"original_sequence_no":null`, `sequence number ""`},
		{origin, `"10b1e58983c24e27917c42dae1b8cf11"`, "is not a UUID"},
		{origin, `"urn:uuid:10b1e589-83c2-4e27-917c-42dae1b8cf11"`, "is not a UUID"},
		{origin, `"{0b1e589-83c2-4e27-917c-42dae1b8cf1}"`, "is not a UUID"},
		{origin, `"00000000-0000-0000-0000-000000000000"`, "no original_source_uuid"},
		{origin, `null`, "want a string"},
		{"a2348a2e-76c8", "../../../../x", "is not a UUID"},
		{`"is_resolution":null`, `"is_resolution":"true"`, `"is_resolution": "true" is neither true nor false`},
		{`"is_resolution":null`, `"is_resolution":nul`, "want a value"},
		{`"is_resolution":null`, `"is_resolution":{}`, "want a string, a number or null"},
		{"update_file", "rename", `"rename" is none of add_file, update_file and delete`},
		{`"change_type":"delete",`, "", "no change_type"},
		{record, `"record_type":"../x"`, `type "../x": use the letters`},
		{record, `"record_type":"nul"`, `type "nul"`},
		{record, `"record_type":null`, "a type must not be empty"},
		{record, `"x":1`, "a type must not be empty"},
		{status, `"new_value":true`, `property "status": at byte`},
		{status, `"new_value":["a"]`, "want a string, a number or null"},
		{status, `"new_value":-`, "want a number"},
		{status, `"new_value":1.`, "want a number"},
		{status, `"new_value":1e`, "want a number"},
		{status, `"new_value":.5`, "want a string, a number or null"},
		{`"owner"`, `""`, `property "": its name has 0 bytes, want 1 to 4096`},
		{`"owner"`, `"` + strings.Repeat("x", MaxReadName+1) + `"`, "its name has 4097 bytes"},
		{`"creator":null`, `"creator":"` + strings.Repeat("x", MaxReadName+1) + `"`, `"creator": 4097 bytes, at most 4096`},
		{record, record + `,"parents":{}`, "want an array"},
		{record, record + `,"parents":["x"]`, `changeset ID "x"`},
		{record, record + `,"parents":[1]`, "want a string"},
		{record, record + `,"parents":["` + id + `1",]`, "want a string"},
		{record, record + `,"parents":["` + id + `1" "` + id + `2"]`, `want "," or "]"`},
		{record, record + `,"parents":["` + id + `2","` + id + `1"]`, "out of order or there twice"},
		{record, record + `,"parents":["` + id + `2","` + id + `2"]`, "out of order or there twice"},
		{`"created"`, `"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `,"created"`, "nested more than 32 deep"},
		{`"created"`, `"x":` + strings.Repeat(`{"x":`, 1_000_000), "nested more than 32 deep"},
		{`"created"`, `"x":truth,"created"`, "want a value"},
		{`"changes":{`, `"changes":null,"x":{`, "want an object"},
	}
	for _, test := range tests {
		if !strings.Contains(sample, test.old) {
			t.Fatalf("the sample does not have %s", test.old)
		}
		c, err := Decode([]byte(strings.Replace(sample, test.old, test.new, 1)))
		switch {
		case err == nil:
			t.Errorf("%.60s for %.60s: no error, but %+v", test.new, test.old, c)
		case !strings.HasPrefix(err.Error(), "decode changeset: ") || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 300:
			t.Errorf("%.60s for %.60s: error %q, want one with %q", test.new, test.old, err, test.want)
		}
	}
}

func TestDecodeErrorSaysWhere(t *testing.T) {
	_, err := Decode([]byte(strings.Replace(sample, `"open"`, "{}", 1)))
	want := `decode changeset: "changes": record "a2348a2e-76c8-4d52-b2c3-1a0f2f8e6f10": "prop_changes": property "status": ` +
		`at byte 163: "{},\"old_value\":\"new\"", want a string, a number or null`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDecodeKeepsNothingOfItsInput(t *testing.T) {
	b := []byte(strings.Replace(sample, "open", `o\tpen`, 1))
	c, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	before := string(c.Encode())
	clear(b)
	if after := string(c.Encode()); after != before {
		t.Errorf("it changed with the input: %s", after)
	}
}

func TestDecodeBounds(t *testing.T) {
	members := func(n int, format string) string {
		var b []byte
		for i := range n {
			b = fmt.Appendf(b, format, i)
		}
		return string(b)
	}
	changes := func(n int) string {
		return members(n, `"%08x-76c8-4d52-b2c3-1a0f2f8e6f10":{"change_type":"delete","record_type":"T"},`)
	}
	all := members(maxKeys, `"p%06d":{},`)
	props := func(n int) string { return all[:n*len(`"p000000":{},`)] }
	parents := func(n int) string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"10b1e589-83c2-4e27-917c-42dae1b8cf11:%d"`, i+1)
		}
		return `"parents":[` + strings.Join(ids, ",") + `],`
	}
	tests := []struct{ name, old, good, bad, want string }{
		{"parents", `"prop_changes":{}`, parents(1000) + `"prop_changes":{}`, parents(1001) + `"prop_changes":{}`, "more than 1000"},
		{"changes", `"a2348a2e`, changes(MaxChanges-2) + `"a2348a2e`, changes(MaxChanges-1) + `"a2348a2e`, "more than 100000"},
		{"properties", `"owner"`, props(MaxProps-2) + `"owner"`, props(MaxProps-1) + `"owner"`, "more than 500000 properties"},
		{"keys", `"created"`, `"x":{` + props(MaxProps) + `"y":1},"created"`, `"x":{` + props(maxKeys) + `"y":1},"created"`, "more than 500000 keys"},
		{"bytes", `"open"`, `"` + strings.Repeat("x", MaxFile-len(sample)+4) + `"`, `"` + strings.Repeat("x", MaxFile-len(sample)+5) + `"`, "67108865 bytes, at most 67108864"},
	}
	for _, test := range tests[:race.Part(len(tests))] { // nothing of this runs beside anything
		if _, err := Decode([]byte(strings.Replace(sample, test.old, test.good, 1))); err != nil {
			t.Errorf("%s, just enough: %v", test.name, err)
		}
		_, err := Decode([]byte(strings.Replace(sample, test.old, test.bad, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, one too many: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestDecodeRecord(t *testing.T) {
	tests := []struct {
		in   string
		want map[string]string
	}{
		{`{}`, map[string]string{}},
		{`{"status":"new","creator":"alice@example.com"}`, map[string]string{"creator": "alice@example.com", "status": "new"}},
		{`{"a":"","b":null,"c":"0","d":-1.50}`, map[string]string{"c": "0", "d": "-1.50"}},
		{" {\"a\" : \"\\u00e9Ã©\"}\n", map[string]string{"a": "éÃ©"}},
	}
	for _, test := range tests {
		got, err := DecodeRecord([]byte(test.in))
		if err != nil || !maps.Equal(got, test.want) || got == nil {
			t.Errorf("%s: got %v, %v; want %v", test.in, got, err, test.want)
		}
	}
}

func TestDecodeRecordRefuses(t *testing.T) {
	tests := map[string]string{
		``:                    "decode record: it ends where an object is expected",
		`[]`:                  "want an object",
		`{"a":"x"}{}`:         "want the end",
		`{"a":"x","a":"x"}`:   `the key "a" is there twice`,
		`{"a":"x","b":{}}`:    `property "b": at byte 13: "{}}", want a string, a number or null`,
		`{"":"x"}`:            "its name has 0 bytes",
		"{\"a\":\"\xc3\"}":    "not valid UTF-8",
		`{"a":true}`:          "want a string, a number or null",
		`{"a":"x" "b":"y"}`:   `want "," or "}"`,
		`{"a":"x","b":"y",,}`: "want a string",
	}
	for in, want := range tests {
		props, err := DecodeRecord([]byte(in))
		if err == nil || !strings.Contains(err.Error(), want) || props != nil {
			t.Errorf("%s: got %v, %v; want an error with %q", in, props, err, want)
		}
	}
}
