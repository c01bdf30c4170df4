package changeset

import (
	"strings"
	"testing"
)

// The fingerprints are the types of the decisions that lie in the fixtures;
// what clashed was found by looking at the changesets around each nullification.
func TestFingerprintIsTheOriginals(t *testing.T) {
	var (
		owner = Clash{"owner", []string{"🚀 launch", "café"}, Text("日本語")}
		quote = Text(`quote"s and back\slash`)
	)
	tests := []struct {
		name    string
		record  string
		clashes []Clash
		want    string
	}{
		{"two values", "Ticket 894d7354-2c7c-424e-99a0-c8fc2e34da25",
			[]Clash{{"status", []string{"stalled", "resolved"}, Text("open")}},
			"c38716f6e053a773b9ede1976eedc803e42d22df"},
		{"no old value", "Ticket bdc076be-eb6b-4d21-a346-fd8c6a008c6f",
			[]Clash{{"status", []string{"beta", "delta"}, Value{}}},
			"647b915d95325bc20a2d41313d467673abfc8044"},
		{"beyond ASCII", "Ticket b0d4eeb4-8add-4cc0-a246-7ea133b80536",
			[]Clash{{"priority", []string{"🚀 launch", "café"}, Value{}}},
			"3a409d9103009c72ee6d7db358fb7f39f4183279"},
		{"a line break, and a long old value", "Comment 06ed32eb-16e9-440e-86bd-2f79c88237e0",
			[]Clash{{"status", []string{"line1\nline2", "0"}, Text(strings.Repeat("x", 300))}},
			"a35725dd2d1236b8c001113346177288ff91fea1"},
		{"one value twice, and one rival null", "Ticket bd28eef8-28ca-405f-948c-09f99edb9061",
			[]Clash{{"status", []string{"alpha", "alpha"}, Text("tab\there")}, {"summary", []string{"plain text with spaces"}, quote}},
			"6e9654c202bffb732c286a9122bddcdaedbbe9e0"},
		{"two properties", "Ticket be6f2185-1f9d-42ec-9536-ee43274f764e",
			[]Clash{owner, {"status", []string{"alpha", "0"}, quote}},
			"90c19b73087aa26295209b99104b710432c3d81e"},
		{"two properties the other way", "Ticket be6f2185-1f9d-42ec-9536-ee43274f764e",
			[]Clash{{"status", []string{"alpha", "0"}, quote}, owner},
			"af6d58f3af3ecfe267d2d0d6e2a8e341043b3043"},
	}
	for _, test := range tests {
		kind, id, _ := strings.Cut(test.record, " ")
		rec := RecordID{kind, mustUUID(t, id)}
		if got := Fingerprint(rec, test.clashes); got != test.want {
			t.Errorf("%s: got %s, want %s; from %s", test.name, got, test.want, appendConflict(nil, rec, test.clashes))
		}
	}
}

func TestFingerprintLeavesItsArgumentsAlone(t *testing.T) {
	clashes := []Clash{{"status", []string{"b", "a"}, Value{}}}
	Fingerprint(RecordID{}, clashes)
	if clashes[0].Choices[0] != "b" {
		t.Errorf("choices were sorted in place: %q", clashes[0].Choices)
	}
}

func TestFingerprintWithoutClashes(t *testing.T) {
	rec := RecordID{"Ticket", mustUUID(t, "894d7354-2c7c-424e-99a0-c8fc2e34da25")}
	want := `{"change_type":"update_file","file_op_conflict":null,"record_type":"Ticket",` +
		`"record_uuid":"894d7354-2c7c-424e-99a0-c8fc2e34da25","source_record_exists":null,"target_record_exists":1}`
	if got := string(appendConflict(nil, rec, nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
