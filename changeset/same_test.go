package changeset

import (
	"strings"
	"testing"
)

func TestSameEdit(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           bool
	}{
		{"itself", "", "", true},
		{"another old value", `"old_value":"new"`, `"old_value":null`, true},
		{"a create for an update", "update_file", "add_file", true},
		{"parents", `"record_type":"Ticket"`, `"record_type":"Ticket","parents":[]`, true},
		{"empty for null", `"new_value":null`, `"new_value":""`, true},
		{"an empty creator for null", `"creator":null`, `"creator":""`, true},
		{"properties in a deletion", `"prop_changes":{}`, `"prop_changes":{"x":{}}`, true},
		{"another new value", `"new_value":"open"`, `"new_value":"closed"`, false},
		{"one empty write less", `"owner":{"new_value":null,"old_value":"ann"},`, "", true},
		{"one write less", `,"status":{"new_value":"open","old_value":"new"}`, "", false},
		{"another property", `"status"`, `"priority"`, false},
		{"another creator", `"creator":null`, `"creator":"bob"`, false},
		{"another time", "01:16:51", "01:16:52", false},
		{"another type", `"record_type":"Ticket"`, `"record_type":"Task"`, false},
		{"another record", "a2348a2e", "a2348a2f", false},
		{"a deletion for an update", "update_file", "delete", false},
		{"one record less", `"change_type":"delete"`, `"change_type":"add_dir"`, false},
		{"a nullification", `"is_nullification":null`, `"is_nullification":1`, false},
		{"a resolution", `"is_resolution":null`, `"is_resolution":1`, false},
	}
	a := mustDecode(t, sample)
	for _, test := range tests {
		b := mustDecode(t, strings.Replace(sample, test.old, test.new, 1))
		if SameEdit(a, b) != test.want || SameEdit(b, a) != test.want {
			t.Errorf("%s: the same %v, other way round %v; want %v", test.name, SameEdit(a, b), SameEdit(b, a), test.want)
		}
	}
}

// The original rewrites old values when it forwards a changeset: three such pairs are in the fixtures.
func TestSameEditInEveryReplicaOfTheOriginal(t *testing.T) {
	first := make(map[string]*Changeset)
	rewritten := make(map[string]bool)
	for _, o := range objects(t, ChangesetObjects) {
		c := mustDecode(t, string(o.bytes))
		scenario, _, _ := strings.Cut(o.path[1:], "/")
		key := scenario + " " + c.ID.String()
		if first[key] == nil {
			first[key] = c
		}
		if !SameEdit(first[key], c) {
			t.Errorf("%s and %s: not the same edit", o.path, key)
		}
		if string(first[key].Encode()) != string(c.Encode()) {
			rewritten[key] = true
		}
	}
	if len(rewritten) != 3 {
		t.Errorf("%d edits in two representations, want 3: %v", len(rewritten), rewritten)
	}
}
