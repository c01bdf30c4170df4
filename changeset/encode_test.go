package changeset

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestAppendJSONString(t *testing.T) {
	tests := map[string]string{
		"":                  `""`,
		"plain":             `"plain"`,
		`a"b\c/d`:           `"a\"b\\c/d"`,
		"\b\f\n\r\t":        `"\b\f\n\r\t"`,
		"\x00\x01\x0b\x1f":  `"\u0000\u0001\u000b\u001f"`,
		"<&>'\u007f":        "\"<&>'\u007f\"",
		"é日本🚀\u2028\u2029":  "\"é日本🚀\u2028\u2029\"",
		"line\nline\n":      `"line\nline\n"`,
		"not UTF-8: \xff\n": "\"not UTF-8: \xff\\n\"",
	}
	for in, want := range tests {
		if got := string(AppendJSONString([]byte("x"), in)); got != "x"+want {
			t.Errorf("%q: got %s, want x%s", in, got, want)
		}
	}
}

func TestAppendJSONStringIsJSONForEveryCharacter(t *testing.T) {
	for r := range rune(0x800) {
		in, got := string(r), ""
		if err := json.Unmarshal(AppendJSONString(nil, in), &got); err != nil || got != in {
			t.Errorf("%q came back as %q, %v", in, got, err)
		}
	}
}

func TestEncodeIsTheSameInWhateverOrderThingsAre(t *testing.T) {
	ids := []ID{{mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 9}, {mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 10}}
	c := mustDecode(t, sample)
	c.Changes[0].Parents = ids
	want := string(c.Encode())
	c.Changes[0].Parents = []ID{ids[0], ids[0], ids[1]}
	if got := string(c.Encode()); got != want {
		t.Errorf("a parent twice: got %s, want %s", got, want)
	}
	c.Changes[0].Parents = []ID{ids[1], ids[0], ids[1]}
	slices.Reverse(c.Changes)
	if got := string(c.Encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c.Changes[1].Parents[0] != ids[1] || c.Changes[0].Kind != Delete {
		t.Errorf("Encode changed the changeset: %+v", c)
	}
}

func TestEncodeTellsUnknownParentsFromNone(t *testing.T) {
	c := mustDecode(t, sample)
	c.Changes[0].Parents = []ID{}
	got := string(c.Encode())
	if strings.Count(got, `"parents":[],"prop_changes"`) != 1 || strings.Count(got, "parents") != 1 {
		t.Errorf("got %s", got)
	}
}

func TestACopySaysOfWhat(t *testing.T) {
	c := mustDecode(t, sample)
	of := ID{mustUUID(t, "20b1e589-83c2-4e27-917c-42dae1b8cf12"), 9}
	c.Changes[0].CopyOf, c.Changes[0].Parents = of, []ID{}
	got := string(c.Encode())
	if !strings.Contains(got, `_file","copy_of":"20b1e589-83c2-4e27-917c-42dae1b8cf12:9","parents":[],"prop_changes"`) || strings.Count(got, "copy_of") != 1 {
		t.Errorf("got %s", got)
	}
	if back := mustDecode(t, got); back.Changes[0].CopyOf != of || !back.Changes[1].CopyOf.IsZero() {
		t.Errorf("it came back as %+v", back)
	}
	for text, want := range map[string]string{`"copy_of":null`: "", `"copy_of":7`: "want a string", `"copy_of":"x"`: "want <origin uuid>", `"copy_of":"` + c.ID.String() + `"`: "copy_of names the changeset itself"} {
		_, err := Decode([]byte(strings.Replace(got, `"copy_of":"`+of.String()+`"`, text, 1)))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestEncodeWritesAnEmptyCreatorAndTimeAsNull(t *testing.T) {
	c := &Changeset{ID: ID{mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 4294967295}, Creator: Text(""), Nullification: true, Resolution: true}
	want := `{"changes":{},"created":null,"creator":null,"is_nullification":1,"is_resolution":1,` +
		`"original_sequence_no":4294967295,"original_source_uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11"}`
	if got := string(c.Encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEncodeRecord(t *testing.T) {
	props := map[string]string{"status": "new", "empty": "", "Zebra": "\n", "é": "0", "creator": "alice@example.com"}
	want := `{"Zebra":"\n","creator":"alice@example.com","status":"new","é":"0"}`
	if got := string(EncodeRecord(props)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	back, err := DecodeRecord([]byte(want))
	delete(props, "empty")
	if err != nil || !maps.Equal(back, props) {
		t.Errorf("it came back as %v, %v", back, err)
	}
	if got := string(EncodeRecord(nil)); got != "{}" {
		t.Errorf("no properties: got %s", got)
	}
}
