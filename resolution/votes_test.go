package resolution_test

import (
	"crypto/sha1"
	"maps"
	"slices"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/resolution"
)

// clash writes a clash as "name old: choice choice", "" for null.
func clash(text string) changeset.Clash {
	head, choices, _ := strings.Cut(text, ":")
	words := append(strings.Fields(head), "")
	return changeset.Clash{Name: words[0], OldValue: changeset.TextOrNull(words[1]), Choices: strings.Fields(choices)}
}

func fingerprint(clashes ...string) string {
	var list []changeset.Clash
	for _, c := range clashes {
		list = append(list, clash(c))
	}
	return changeset.Fingerprint(ticket, list)
}

// answer writes an answer of the resolutions replica: "status=open owner=bob".
func answer(text string) map[string]string {
	props := map[string]string{"_meta": "update_file"}
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		props[name] = value
	}
	return props
}

// ballots are answers by fingerprint.
type ballots map[string][]map[string]string

func (b ballots) on(fingerprint string) []map[string]string { return b[fingerprint] }

func TestFingerprintOfAConflictIsOfItsDistinctValuesAndLeastOldValue(t *testing.T) {
	for _, test := range []struct{ name, history, want string }{
		{"two rivals", "a1 create < p=x; b1 update <a1 p=x>z; c1 update <a1 p=x>y", "p x: y z"},
		{"it does not matter who came last", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z", "p x: y z"},
		{"three rivals", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>w", "p x: w y z"},
		{"a value twice counts once", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>y", "p x: y z"},
		{"null is no choice", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>", "p x: y"},
		{"nor is the empty text", `a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>""`, "p x: y"},
		{"the least old value", "a1 create < p=x; b1 update <a1 p=x>y; b2 update <b1 p=y>w; c1 update <a1 p=x>z", "p x: w z"},
		{"the least as bytes", "a1 create < p=x; b1 update <a1 p=x>y; b2 update <b1 p=X>w; c1 update <a1 p=x>z", "p X: w z"},
		{"null is least", "a1 create < p=x; b1 create < p=y; b2 update <b1 p=y>w; a2 update < p=z", "p: w x z"},
		{"the empty text is null", `a1 create < p="">x; b1 create < p=v>y`, "p: x y"},
		{"a re-creation that does not name it names no old value", "a1 create < p=x; a2 delete <a1; b1 create <a2 q=v; c1 update <a1 p=x>y", "p x: y"},
		{"a re-creation that names it does", "a1 create < p=x; a2 delete <a1; b1 create <a2 p=z; c1 update <a1 p=x>y", "p: y z"},
		{"rivals alone count", "a1 create < p=x; b1 update <a1 p=>y; b2 update <b1 p=y>w; c1 update <a1 p=x>z", "p x: w z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := merge(test.history)
			if len(r.Conflicts) != 1 {
				t.Fatalf("got %s, want one conflict", show(r))
			}
			if got, want := r.Conflicts[0].Fingerprint, fingerprint(test.want); got != want {
				t.Errorf("%s: got %s, want %s of %s", show(r), got, want, test.want)
			}
			if got := resolution.JointFingerprint(ticket, r.Conflicts); got != r.Conflicts[0].Fingerprint {
				t.Errorf("jointly with nothing it has the fingerprint %s", got)
			}
		})
	}
}

// The fingerprint is one that the original gave to the same conflict in testdata/fixtures.
func TestFingerprintIsTheOriginals(t *testing.T) {
	rec := changeset.RecordID{Type: "Ticket", UUID: must(changeset.ParseUUID("894d7354-2c7c-424e-99a0-c8fc2e34da25"))}
	entries := history("a1 create < status=open; b1 update <a1 status=open>stalled; c1 update <a1 status=open>resolved")
	c := resolution.Merge(rec, entries, nil, nil).Conflict("status")
	if want := "c38716f6e053a773b9ede1976eedc803e42d22df"; c.Fingerprint != want {
		t.Errorf("got %s, want %s", c.Fingerprint, want)
	}
}

func TestAnswerWithMostVotesHolds(t *testing.T) {
	const open = "a1 create < p=x q=v; b1 update <a1 p=x>y; c1 update <a1 p=x>z"
	for _, test := range []struct {
		name  string
		votes []string
		want  string
	}{
		{"no vote", nil, "lives p=z q=v | p? c1=z b1=y latest"},
		{"one", []string{"p=y"}, "lives p=y q=v | p? c1=z b1=y vote"},
		{"for what holds anyway", []string{"p=z"}, "lives p=z q=v | p? c1=z b1=y vote"},
		{"for a value of nobody's", []string{"p=w"}, "lives p=w q=v | p? c1=z b1=y vote"},
		{"two to one", []string{"p=y", "p=z", "p=y"}, "lives p=y q=v | p? c1=z b1=y vote"},
		{"two to one, the other way", []string{"p=z", "p=y", "p=z"}, "lives p=z q=v | p? c1=z b1=y vote"},
		{"a property that the answer lacks is null", []string{""}, "lives q=v | p? c1=z b1=y vote"},
		{"other properties of the answer count for nothing", []string{"p=y q=w r=s"}, "lives p=y q=v | p? c1=z b1=y vote"},
		{"answers that differ elsewhere are different answers", []string{"p=y q=1", "p=y q=2", "p=z", "p=z"}, "lives p=z q=v | p? c1=z b1=y vote"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := ballots{}
			for _, v := range test.votes {
				b[fingerprint("p x: y z")] = append(b[fingerprint("p x: y z")], answer(v))
			}
			r := resolution.Merge(ticket, history(open), b.on, nil)
			if got := show(r) + " " + r.Conflicts[0].Why; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTiedVoteGoesToTheSmallestSHA1OfTheAnswer(t *testing.T) {
	entries := history("a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z")
	for _, values := range [][]string{{"y", "z"}, {"z", "y"}, {"y", "z", "w"}, {"w", "z", "y"}, {"y", "w", "y", "w"}, {"1", "2", "3", "4", "5", "6"}} {
		var votes []map[string]string
		least := values[0]
		hash := func(value string) string {
			sum := sha1.Sum([]byte(`{"_meta":"update_file","p":"` + value + `"}`))
			return string(sum[:])
		}
		for _, v := range values {
			votes = append(votes, answer("p="+v))
			if hash(v) < hash(least) {
				least = v
			}
		}
		r := resolution.Merge(ticket, entries, func(string) []map[string]string { return votes }, nil)
		if got := r.Props["p"]; got != least {
			t.Errorf("votes for %v: got %s, want %s", values, got, least)
		}
	}
}

func TestVoteCountsForTheSameConflictAlone(t *testing.T) {
	b := ballots{fingerprint("p x: y z"): {answer("p=y")}}
	for _, test := range []struct{ name, history, want string }{
		{"the same conflict", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z", "lives p=y | p? c1=z b1=y"},
		{"the same by others", "a1 create < p=x; d1 update <a1 p=x>z; e1 update <a1 p=x>y", "lives p=y | p? e1=y d1=z"},
		{"a third rival makes it another", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>w", "lives p=w | p? d1=w c1=z b1=y"},
		{"another property", "a1 create < q=x; b1 update <a1 q=x>y; c1 update <a1 q=x>z", "lives q=z | q? c1=z b1=y"},
		{"another old value", "a1 create < p=v; b1 update <a1 p=v>y; c1 update <a1 p=v>z", "lives p=z | p? c1=z b1=y"},
		{"no conflict: no vote", "a1 create < p=x; b1 update <a1 p=x>y; b2 update <b1 p=x>z", "lives p=z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := show(resolution.Merge(ticket, history(test.history), b.on, nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestExistenceIsNeverVotedOn(t *testing.T) {
	for _, test := range []struct{ name, history, want string }{
		{"an edit beside a deletion", "a1 create < p=x; b1 delete <a1; c1 update <a1 p=x>y", "lives p=y | exists? keep c1 delete b1"},
		{"a deleted record with rivals", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 delete <b1,c1", "deleted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			r := resolution.Merge(ticket, history(test.history), func(string) []map[string]string { asked++; return nil }, nil)
			if got := show(r); got != test.want || asked > 0 {
				t.Errorf("got %s and %d looks at votes, want %s and none", got, asked, test.want)
			}
		})
	}
}

// three rivals for each of the first n properties.
func openProperties(n int) []resolution.Entry {
	var first, second strings.Builder
	for _, prop := range []string{"p", "q", "r", "s", "t"}[:n] {
		first.WriteString(" " + prop + "=y")
		second.WriteString(" " + prop + "=z")
	}
	return history("b1 create <" + first.String() + "; c1 create <" + second.String())
}

func TestAnswerToSeveralPropertiesAtOnceIsFound(t *testing.T) {
	const p, q, r, s, u = "p: y z", "q: y z", "r: y z", "s: y z", "t: y z"
	for _, test := range []struct {
		name  string
		open  int
		votes map[string]string // by clashes, joined by "/"
		want  string
	}{
		{"to both, sorted", 2, map[string]string{p + "/" + q: "p=1 q=2"}, "p=1 q=2"},
		{"to both, the other way", 2, map[string]string{q + "/" + p: "p=1 q=2"}, "p=1 q=2"},
		{"a property that it lacks is null", 2, map[string]string{q + "/" + p: "p=1"}, "p=1"},
		{"one alone comes first", 2, map[string]string{q + "/" + p: "p=1 q=2", p: "p=3"}, "p=3 q=2"},
		{"to two of three", 3, map[string]string{r + "/" + p: "p=1 r=2"}, "p=1 q=z r=2"},
		{"to all three", 3, map[string]string{q + "/" + r + "/" + p: "p=1 q=2 r=3"}, "p=1 q=2 r=3"},
		{"smaller sets come first", 3, map[string]string{p + "/" + q + "/" + r: "p=1 q=1 r=1", q + "/" + r: "q=2 r=2"}, "p=1 q=2 r=2"},
		{"then by name", 3, map[string]string{p + "/" + q: "p=1 q=1", q + "/" + r: "q=2 r=2"}, "p=1 q=1 r=2"},
		{"to all four", 4, map[string]string{s + "/" + q + "/" + r + "/" + p: "p=1 q=2 r=3 s=4"}, "p=1 q=2 r=3 s=4"},
		{"not while five are open", 5, map[string]string{p + "/" + q: "p=1 q=1"}, "p=z q=z r=z s=z t=z"},
		{"but one alone always", 5, map[string]string{u: "t=1"}, "p=z q=z r=z s=z t=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := ballots{}
			for clashes, vote := range test.votes {
				f := fingerprint(strings.Split(clashes, "/")...)
				b[f] = append(b[f], answer(vote))
			}
			got := strings.TrimPrefix(strings.Split(show(resolution.Merge(ticket, openProperties(test.open), b.on, nil)), " |")[0], "lives ")
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAllOrdersOfNamesArePooled(t *testing.T) {
	b := ballots{
		fingerprint("p: y z", "q: y z"): {answer("p=1 q=1"), answer("p=2 q=2")},
		fingerprint("q: y z", "p: y z"): {answer("p=2 q=2"), answer("p=3 q=3")},
	}
	if got := resolution.Merge(ticket, openProperties(2), b.on, nil).Props; !maps.Equal(got, map[string]string{"p": "2", "q": "2"}) {
		t.Errorf("got %v, want the answer that has two votes in all", got)
	}
}

func TestJointFingerprintIsOfTheConflictsInTheirOrder(t *testing.T) {
	conflicts := resolution.Merge(ticket, openProperties(3), nil, nil).Conflicts
	want := fingerprint("p: y z", "q: y z", "r: y z")
	if got := resolution.JointFingerprint(ticket, conflicts); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	slices.Reverse(conflicts)
	if got, want := resolution.JointFingerprint(ticket, conflicts), fingerprint("r: y z", "q: y z", "p: y z"); got != want {
		t.Errorf("reversed: got %s, want %s", got, want)
	}
	if got, want := resolution.JointFingerprint(ticket, []resolution.Conflict{{Prop: "p"}}), fingerprint("p:"); got != want {
		t.Errorf("without rivals: got %s, want %s", got, want)
	}
}
