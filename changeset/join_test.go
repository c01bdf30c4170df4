package changeset

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/internal/race"
)

func TestJoin(t *testing.T) {
	const (
		type_    = `"record_type":"Ticket"}`
		none     = `"parents":[],"record_type":"Ticket"}`
		one      = `"parents":["10b1e589-83c2-4e27-917c-42dae1b8cf11:9"],"record_type":"Ticket"}`
		two      = `"parents":["10b1e589-83c2-4e27-917c-42dae1b8cf12:3"],"record_type":"Ticket"}`
		oneTwo   = `"parents":["10b1e589-83c2-4e27-917c-42dae1b8cf11:9","10b1e589-83c2-4e27-917c-42dae1b8cf12:3"],"record_type":"Ticket"}`
		old      = `"old_value":"new"`
		owner    = `"owner":{"new_value":null,"old_value":"ann"},`
		create   = "add_file"
		update   = "update_file"
		oldNull  = `"old_value":null`
		oldOlder = `"old_value":"old"`
	)
	tests := []struct {
		name       string
		a, b, want []string
	}{ // pairs of what is replaced in the sample by what
		{"equal", nil, nil, nil},
		{"a create for an update", []string{update, create}, nil, []string{update, create}},
		{"parents for none", []string{type_, none}, nil, []string{type_, none}},
		{"parents with their old values", []string{type_, one, old, oldNull}, []string{old, oldOlder}, []string{type_, one, old, oldNull}},
		{"a create without parents", []string{type_, one}, []string{update, create}, []string{type_, one, update, create}},
		{"two sets of parents", []string{type_, one}, []string{type_, two}, []string{type_, oneTwo}},
		{"an empty write less", []string{owner, ""}, nil, nil},
		{"an empty write less with parents", []string{owner, "", type_, one}, nil, []string{`"ann"`, "null", type_, one}},
		{"no parent and one", []string{type_, none}, []string{type_, two}, []string{type_, two}},
		{"two old values", []string{old, oldOlder}, nil, []string{old, oldOlder}},
		{"null and an old value", []string{old, oldNull}, nil, nil},
		{"two old values with parents", []string{type_, one, old, oldOlder}, []string{type_, one}, []string{type_, one, old, oldOlder}},
	}
	of := func(pairs []string) *Changeset { return mustDecode(t, strings.NewReplacer(pairs...).Replace(sample)) }
	for _, test := range tests {
		a, b, want := of(test.a), of(test.b), string(of(test.want).Encode())
		for _, pair := range [][2]*Changeset{{a, b}, {b, a}} {
			got, err := Join(pair[0], pair[1])
			if err != nil || string(got.Encode()) != want {
				t.Errorf("%s: %s, %v; want %s", test.name, got.Encode(), err, want)
			}
		}
	}
}

func TestJoinRefusesWhatIsNotOneEdit(t *testing.T) {
	a := mustDecode(t, sample)
	for _, change := range [][2]string{{`"open"`, `"closed"`}, {`"original_sequence_no":1`, `"original_sequence_no":2`}} {
		if _, err := Join(a, mustDecode(t, strings.Replace(sample, change[0], change[1], 1))); err == nil {
			t.Errorf("%s for %s: no error", change[1], change[0])
		}
	}
}

// A representation of an edit that calls it a copy would hide it.
func TestNobodyMakesAnEditACopyWhoDidNotMakeIt(t *testing.T) {
	of := func(parents []ID, copyOf uint32) *Changeset {
		c := mustDecode(t, sample)
		if c.Changes[0].Parents = parents; copyOf > 0 {
			c.Changes[0].CopyOf = ID{uuid.Max, copyOf}
		}
		return c
	}
	known := []ID{}
	for _, tt := range []struct {
		name string
		a, b *Changeset
		want uint32
	}{
		{"an edit, and one who calls it a copy", of(known, 0), of(known, 7), 0},
		{"a copy, and what the original makes of it", of(known, 7), of(nil, 0), 7},
		{"an edit, and one who calls it a copy without parents", of(known, 0), of(nil, 7), 0},
		{"a copy of this, and of that", of(known, 7), of(known, 8), 0},
		{"a copy", of(known, 7), of(known, 7), 7},
	} {
		joined, err := Join(tt.a, tt.b)
		if err != nil || joined.Changes[0].CopyOf.Seq != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, joined.Changes[0], err)
		}
	}
}

func TestJoinRefusesMoreParentsThanAllowed(t *testing.T) {
	of := func(from, to int) *Changeset {
		c := mustDecode(t, sample)
		for seq := from; seq <= to; seq++ {
			c.Changes[0].Parents = append(c.Changes[0].Parents, ID{uuid.Nil, uint32(seq)})
		}
		return c
	}
	if got, err := Join(of(1, 600), of(401, MaxParents)); err != nil || len(got.Changes[0].Parents) != MaxParents {
		t.Errorf("%d parents: %v", MaxParents, err)
	}
	if _, err := Join(of(1, 600), of(402, MaxParents+1)); err == nil {
		t.Errorf("%d parents: no error", MaxParents+1)
	}
}

// forged returns a random representation of one edit, with all that a peer can make up: any parents, any old values, null for "" and "" for null, an
// empty write or none, properties in a deletion, records in any order.
func forged(rng *rand.Rand) *Changeset {
	value := func() Value { return []Value{{}, Text(""), Text("a"), Text("b"), Text("ü")}[rng.IntN(5)] }
	empty := func() Value { return []Value{{}, Text("")}[rng.IntN(2)] }
	c := &Changeset{ID: ID{uuid.Max, 7}, Created: "2026-11-21 01:16:51", Creator: empty()}
	for n := range byte(3) {
		ch := Change{Record: RecordID{"Ticket", uuid.UUID{n}}, Kind: []Kind{Create, Update}[rng.IntN(2)],
			Props: map[string]PropChange{"status": {value(), Text("x")}, "owner": {value(), empty()}}}
		if rng.IntN(3) == 0 {
			delete(ch.Props, "owner")
		}
		if n == 1 {
			ch.Kind, ch.Props = Delete, map[string]PropChange{fmt.Sprint(rng.IntN(3)): {value(), value()}}
		}
		if rng.IntN(3) == 0 {
			delete(ch.Props, "owner")
		}
		if rng.IntN(3) > 0 {
			ch.Parents = []ID{}
			for seq := range uint32(4) {
				if rng.IntN(2) > 0 {
					ch.Parents = append(ch.Parents, ID{uuid.UUID{byte(seq % 2)}, seq + 5})
				}
			}
		}
		if n := uint32(rng.IntN(3)); n > 0 {
			ch.CopyOf = ID{uuid.Max, n}
		}
		c.Changes = append(c.Changes, ch)
	}
	rng.Shuffle(len(c.Changes), func(i, j int) { c.Changes[i], c.Changes[j] = c.Changes[j], c.Changes[i] })
	return c
}

func TestJoinIsASemilattice(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 8))
	join := func(a, b *Changeset) *Changeset {
		c, err := Join(a, b)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range race.Part(4_000) {
		a, b, c := forged(rng), forged(rng), forged(rng)
		before := string(a.Encode()) + string(b.Encode())
		ab := join(a, b)
		if ba := join(b, a); !reflect.DeepEqual(ab, ba) {
			t.Fatalf("not commutative:\n%s\n%s\n%s\n%s", a.Encode(), b.Encode(), ab.Encode(), ba.Encode())
		}
		if left, right := join(ab, c), join(a, join(b, c)); !reflect.DeepEqual(left, right) {
			t.Fatalf("not associative:\n%s\n%s\n%s\n%s\n%s", a.Encode(), b.Encode(), c.Encode(), left.Encode(), right.Encode())
		}
		if again := join(ab, a); !reflect.DeepEqual(again, ab) || !SameRepresentation(join(a, a), a) {
			t.Fatalf("not idempotent:\n%s\n%s\n%s", a.Encode(), b.Encode(), again.Encode())
		}
		if !SameEdit(ab, a) || SameRepresentation(a, b) != reflect.DeepEqual(join(a, a), join(b, b)) {
			t.Fatalf("not the same edit, or not told apart:\n%s\n%s\n%s", a.Encode(), b.Encode(), ab.Encode())
		}
		if string(a.Encode())+string(b.Encode()) != before {
			t.Fatal("what was joined was changed")
		}
		if read := mustDecode(t, string(ab.Encode())); string(join(read, read).Encode()) != string(ab.Encode()) {
			t.Fatalf("not in normal form: %s", ab.Encode())
		}
	}
}
