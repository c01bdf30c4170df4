package changeset

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// What Decode reads means the same to encoding/json, and encodes to bytes that mean the same to both.
// What it refuses is no changeset to encoding/json either, once that has written it anew: without
// doubled keys and broken text.
func FuzzDecode(f *testing.F) {
	for _, b := range seeds(f, ChangesetObjects) {
		f.Add(b)
	}
	f.Add([]byte(sample))
	f.Add([]byte(strings.Replace(sample, `"delete"`, `"add_dir","x":[{}]`, 1)))
	f.Add([]byte(strings.Replace(sample, `"delete"`, `"delete","parents":["10b1e589-83c2-4e27-917c-42dae1b8cf11:9"]`, 1)))
	f.Add([]byte(strings.Replace(sample, `"delete"`, `"delete","copy_of":"10b1e589-83c2-4e27-917c-42dae1b8cf11:9"`, 1)))
	f.Add([]byte(strings.Replace(sample, `"open"`, `-1.5e7`, 1)))
	f.Add([]byte(strings.Replace(sample, `open`, `\ud83d\ude80\u0000\/`, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil && !strings.Contains(err.Error(), "nested more than") {
			decodeAnew(t, b)
		}
		if err != nil {
			return
		}
		if want, ok := plainDecode(b); !ok || !reflect.DeepEqual(c, want) {
			t.Errorf("got %+v, want %+v, %v", c, want, ok)
		}
		encoded := c.Encode()
		again, err := Decode(encoded)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v encodes as %s, which is %+v, %v", c, encoded, again, err)
		}
		if !SameEdit(c, again) {
			t.Errorf("%s is not the same edit as %s", encoded, b)
		}
	})
}

// decodeAnew is for bytes that Decode refuses.
func decodeAnew(t *testing.T, b []byte) {
	want, ok := plainDecode(b)
	if !ok {
		return
	}
	var doc any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	clean, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(clean); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v; want %+v", clean, got, err, want)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, b := range seeds(f, RecordObjects) {
		f.Add(b)
	}
	f.Add([]byte(`{"a":"\u00e9","b":-1.50,"c":null,"d":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		props, err := DecodeRecord(b)
		if err != nil {
			return
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		for name, raw := range doc {
			if v, ok := plainValue(raw); !ok || v.Text != props[name] {
				t.Errorf("property %q: got %q, want %+v, %v", name, props[name], v, ok)
			}
		}
		encoded := EncodeRecord(props)
		again, err := DecodeRecord(encoded)
		if err != nil || !maps.Equal(again, props) {
			t.Errorf("%v encodes as %s, which is %v, %v", props, encoded, again, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add("10b1e589-83c2-4e27-917c-42dae1b8cf11:1")
	f.Add("10B1E589-83C2-4E27-917C-42DAE1B8CF11:4294967295")
	f.Add("10b1e589-83c2-4e27-917c-42dae1b8cf11:01")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if id.String() != strings.ToLower(s) || id.Seq == 0 {
			t.Errorf("%q was read as %s", s, id)
		}
	})
}

// seeds returns some files of the fixtures.
func seeds(f *testing.F, kind string) (found [][]byte) {
	all := objects(f, kind)
	for i := 0; i < len(all); i += len(all) / 20 {
		found = append(found, all[i].bytes)
	}
	return found
}

// plainDecode reads a changeset with encoding/json and the plainest code, to compare Decode with.
func plainDecode(b []byte) (*Changeset, bool) {
	var doc map[string]json.RawMessage
	if !utf8.Valid(b) || json.Unmarshal(b, &doc) != nil || doc == nil {
		return nil, false
	}
	c := new(Changeset)
	created, ok1 := plainName(doc["created"])
	creator, ok2 := plainName(doc["creator"])
	seq, ok3 := plainName(doc["original_sequence_no"])
	id, err := ParseID(plainText(doc["original_source_uuid"]) + ":" + seq)
	c.ID, c.Created, c.Creator = id, created, TextOrNull(creator)
	var ok4, ok5, ok6 bool
	c.Nullification, ok4 = plainFlag(doc["is_nullification"])
	c.Resolution, ok5 = plainFlag(doc["is_resolution"])
	c.Changes, ok6 = plainChanges(doc["changes"])
	ok6 = ok6 && !slices.ContainsFunc(c.Changes, func(ch Change) bool { return ch.CopyOf == c.ID })
	return c, ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && err == nil && id.Origin != [16]byte{}
}

func plainChanges(raw json.RawMessage) (changes []Change, ok bool) {
	if raw == nil {
		return nil, true
	}
	var doc map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &doc) != nil || doc == nil {
		return nil, false
	}
	for key, m := range doc {
		if m == nil {
			return nil, false
		}
		c, ok := plainChange(m)
		if !ok {
			return nil, false
		}
		if c.Kind == 0 {
			continue
		}
		u, err := ParseUUID(key)
		if err != nil || CheckType(c.Record.Type) != nil {
			return nil, false
		}
		c.Record.UUID = u
		if slices.ContainsFunc(changes, func(other Change) bool { return other.Record.UUID == u }) {
			return nil, false
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b Change) int { return a.Record.Compare(b.Record) })
	return changes, true
}

func plainChange(m map[string]json.RawMessage) (c Change, ok bool) {
	kinds := map[string]Kind{"add_file": Create, "update_file": Update, "delete": Delete, "add_dir": 0}
	if c.Kind, ok = kinds[plainText(m["change_type"])]; !ok {
		return c, false
	}
	if c.Record.Type, ok = plainName(m["record_type"]); !ok {
		return c, false
	}
	if c.Parents, ok = plainParents(m["parents"]); !ok {
		return c, false
	}
	if raw := m["copy_of"]; raw != nil && string(raw) != "null" {
		var err error
		if c.CopyOf, err = ParseID(plainText(raw)); err != nil {
			return c, false
		}
	}
	c.Props, ok = plainProps(m["prop_changes"])
	return c, ok
}

func plainParents(raw json.RawMessage) (ids []ID, ok bool) {
	var texts []json.RawMessage
	if raw == nil || string(raw) == "null" {
		return nil, true
	}
	if json.Unmarshal(raw, &texts) != nil {
		return nil, false
	}
	ids = []ID{}
	for _, text := range texts {
		id, err := ParseID(plainText(text))
		if err != nil {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, len(ids) <= MaxParents && slices.Equal(ids, sortedIDs(ids))
}

func plainProps(raw json.RawMessage) (props map[string]PropChange, ok bool) {
	var doc map[string]json.RawMessage
	if raw == nil || string(raw) == "null" {
		return nil, true
	}
	if json.Unmarshal(raw, &doc) != nil {
		return nil, false
	}
	for name, raw := range doc {
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil || m == nil || name == "" || len(name) > MaxReadName {
			return nil, false
		}
		before, ok1 := plainValue(m["old_value"])
		after, ok2 := plainValue(m["new_value"])
		if !ok1 || !ok2 {
			return nil, false
		}
		if props == nil {
			props = make(map[string]PropChange)
		}
		props[name] = PropChange{before, after}
	}
	return props, true
}

func plainValue(raw json.RawMessage) (Value, bool) {
	if raw == nil || string(raw) == "null" {
		return Value{}, true
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return Value{}, false
	}
	switch v := v.(type) {
	case string:
		return Text(v), true
	case json.Number:
		return Text(v.String()), true
	}
	return Value{}, false
}

func plainName(raw json.RawMessage) (string, bool) {
	v, ok := plainValue(raw)
	return v.Text, ok && len(v.Text) <= MaxReadName
}

// plainText returns the text of a string, and "" for everything else.
func plainText(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func plainFlag(raw json.RawMessage) (set, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	v, ok := plainName(raw)
	return v == "1", ok && (v == "" || v == "0" || v == "1")
}
