package resolution_test

import (
	"fmt"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/resolution"
)

func TestRivalsAreTheWritesThatNoOtherWriteHasSeen(t *testing.T) {
	merges{
		{"one writer", "a1 create < p=x", "lives p=x"},
		{"a write that has seen the other", "a1 create < p=x; b1 update <a1 p=x>y", "lives p=y"},
		{"seen through others that did not write", "a1 create < p=x; b1 update <a1 q=v; c1 update <b1 p=x>y", "lives p=y q=v"},
		{"an earlier clock does not matter", "a1 create < p=x @9; b1 update <a1 p=x>y @2", "lives p=y"},
		{"neither has seen the other", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z", "lives p=z | p? c1=z b1=y"},
		{"three of them", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>w", "lives p=w | p? d1=w c1=z b1=y"},
		{"different properties do not clash", "a1 create <; b1 update <a1 p=y; c1 update <a1 q=z", "lives p=y q=z"},
		{"a changeset may hold in one and lose in another", "a1 create <; b1 update <a1 p=y q=y @9; b2 update <b1 p=y>v; c1 update <a1 q=z",
			"lives p=v q=y | q? b1=y c1=z"},
		{"a rival two changes back", "a1 create < p=x; b1 update <a1 p=x>y; b2 update <b1 q=v; c1 update <a1 p=x>z", "lives p=z q=v | p? c1=z b1=y"},
		{"a rewrite of the same value is a write", "a1 create < p=x; b1 update <a1 p=x>x; c1 update <a1 p=x>z", "lives p=z | p? c1=z b1=x"},
		{"and has seen what it has seen", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; c2 update <b1,c1 p=z>z", "lives p=z"},
		{"one that lost is no rival again", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; c2 update <c1 p=z>w", "lives p=w | p? c2=w b1=y"},
		{"heads that did not write it are no rivals", "a1 create < p=x; b1 update <a1 q=y; c1 update <a1 r=z", "lives p=x q=y r=z"},
		{"two creates of one record", "a1 create < p=x q=v; b1 create < p=y r=w", "lives p=y q=v r=w | p? b1=y a1=x"},
	}.run(t)
}

func TestRivalsOfOneValueAgree(t *testing.T) {
	merges{
		{"two", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>y", "lives p=y"},
		{"two of three", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>y", "lives p=y | p? d1=y c1=z b1=y"},
		{"two that remove it", "a1 create < p=x; b1 update <a1 p=x>; c1 update <a1 p=x>", "lives"},
		{"after other old values", "a1 create < p=x; b1 update <a1 p=x>y; c1 update < p=z>y", "lives p=y"},
		{"values are compared as bytes", "a1 create <; b1 update <a1 p=Y; c1 update <a1 p=y", "lives p=y | p? c1=y b1=Y"},
	}.run(t)
}

func TestNullTheEmptyTextAndAbsentAreOneValue(t *testing.T) {
	merges{
		{"null holds: the property is absent", "a1 create < p=x; a2 update <a1 p=x>", "lives"},
		{"the empty text holds: the property is absent", `a1 create < p=x; a2 update <a1 p=x>""`, "lives"},
		{"null and the empty text agree", `a1 create < p=x; b1 update <a1 p=x>""; c1 update <a1 p=x>`, "lives"},
		{"null beside a value clashes", "a1 create < p=x; b1 update <a1 p=x>; c1 update <a1 p=x>y", "lives p=y | p? c1=y b1=null"},
		{"null may win", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>", "lives | p? c1=null b1=y"},
		{"the empty text may win", `a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>""`, "lives | p? c1=null b1=y"},
	}.run(t)
}

func TestDeletedRecordShowsNoConflict(t *testing.T) {
	merges{
		{"of its properties", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 delete <b1,c1", "deleted"},
		{"by deletions on both sides", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; b2 delete <b1; c2 delete <c1", "deleted"},
	}.run(t)
}

func TestLatestRivalHoldsProvisionally(t *testing.T) {
	merges{
		{"the greatest time", "b1 create < p=y @8; a1 create < p=x @9; c1 create < p=z @7", "lives p=x | p? a1=x b1=y c1=z"},
		{"then the greatest origin", "b1 create < p=y @5; c1 create < p=z @5; a1 create < p=x @5", "lives p=z | p? c1=z b1=y a1=x"},
		{"then the greatest number, as a number", "a9 create < p=x @5; a10 create < p=y @5", "lives p=y | p? a10=y a9=x"},
		{"the origin before the number", "a9 create < p=x @5; b1 create < p=y @5", "lives p=y | p? b1=y a9=x"},
		{"the depth does not matter", "a1 create < q=v @5; a2 update <a1 p=x @5; b1 create < p=y @5", "lives p=y q=v | p? b1=y a2=x"},
		{"by its own time, not its ancestors'", "a1 create < q=v @9; a2 update <a1 p=x @2; b1 create < p=y @3", "lives p=y q=v | p? b1=y a2=x"},
		{"among the rivals only", "a1 create < p=x @9; a2 update <a1 p=x>y @2; b1 create < p=z @3", "lives p=z | p? b1=z a2=y"},
	}.run(t)
	t.Run("times are compared as bytes", func(t *testing.T) {
		entries := history("a1 create < p=x; b1 create < p=y")
		entries[0].Created, entries[1].Created = "2026-01-01 00:00:05", "10000-01-01 00:00:00"
		if got, want := show(resolution.Merge(ticket, entries, nil, nil)), "lives p=x | p? a1=x b1=y"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestConflictSaysWhatRivalsReplaced(t *testing.T) {
	c := merge("a1 create < p=x; b1 update <a1 p=x>y; c1 update < p=w>z").Conflict("p")
	if c == nil || len(c.Rivals) != 2 {
		t.Fatalf("got conflict %+v, want one of two rivals", c)
	}
	var said []string
	for _, r := range c.Rivals {
		said = append(said, fmt.Sprintf("%s by %s at %s: %s for %s", name(r.ID), r.Creator, r.Created[17:], r.Value, r.Old.Text))
	}
	want := "c1 by c@example.com at 03: z for w, b1 by b@example.com at 02: y for x"
	if got := strings.Join(said, ", "); got != want || c.Value != "z" || c.Why != resolution.WhyLatest {
		t.Errorf("got %s; holds %s, %s\nwant %s; holds z, latest", got, c.Value, c.Why, want)
	}
}

func TestWriteByOneWhoHasSeenAllRivalsDecides(t *testing.T) {
	const open = "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; "
	merges{
		{"for a rival's value", open + "a2 update <b1,c1 p=z>y", "lives p=y"},
		{"for what holds already", open + "a2 update <b1,c1 p=z>z", "lives p=z"},
		{"for another value", open + "a2 update <b1,c1 p=z>w", "lives p=w"},
		{"for null", open + "a2 update <b1,c1 p=z>", "lives"},
		{"with an earlier clock", open + "a2 update <b1,c1 p=z>w @0", "lives p=w"},
		{"an edit of another property leaves it open", open + "a2 update <b1,c1 q=v", "lives p=z q=v | p? c1=z b1=y"},
		{"and a later write decides still", open + "a2 update <b1,c1 q=v; a3 update <a2 p=z>y", "lives p=y q=v"},
		{"an edit on top of the winner does not decide", open + "c2 update <c1 p=z>w", "lives p=w | p? c2=w b1=y"},
		{"two decisions are a conflict like any other", open + "a2 update <b1,c1 p=z>y; d1 update <b1,c1 p=z>z", "lives p=z | p? d1=z a2=y"},
		{"two decisions for one value agree", open + "a2 update <b1,c1 p=z>y; d1 update <b1,c1 p=z>y", "lives p=y"},
		{"a rival that was not seen opens it again", open + "a2 update <b1,c1 p=z>y; d1 update <a1 p=x>w", "lives p=w | p? d1=w a2=y"},
		{"a parent that is an ancestor of another adds nothing", open + "a2 update <a1,b1,c1 p=z>y", "lives p=y"},
	}.run(t)
}

func TestHeadsAreWhatNoChangeHasSeen(t *testing.T) {
	for _, test := range []struct{ name, history, want string }{
		{"none", "", ""},
		{"a line", "a1 create <; a2 update <a1; b1 update <a2", "b1"},
		{"a fork, sorted by origin and number", "a1 create <; c1 update <a1; b10 update <a1; b9 update <a1", "b9 b10 c1"},
		{"a fork that was joined", "a1 create <; b1 update <a1; c1 update <a1; a2 update <b1,c1", "a2"},
		{"deletions are heads", "a1 create <; b1 delete <a1; c1 update <a1", "b1 c1"},
		{"of a deleted record", "a1 create <; b1 delete <a1; c1 delete <a1", "b1 c1"},
		{"by own chains", "a1 create; a2 update; b1 create; b2 update", "a2 b2"},
		{"not by T: a bare deletion is a head beside what it has seen", "a1 create <; b1 update <a1; c1 delete", "b1 c1"},
		{"not by old values", "a1 create < p=x; b1 update p=x>y", "a1 b1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			heads := merge(test.history).Heads
			if got := names(heads); got != test.want {
				t.Errorf("got heads %s, want %s", got, test.want)
			}
			if heads == nil {
				t.Error("the heads are nil, which as parents of the next change would say that they are not known")
			}
		})
	}
}

func TestChangeMayHaveAsManyParentsAsTheFormatAllows(t *testing.T) {
	text := "a1 create < p=v\n"
	var all []string
	for i := range changeset.MaxParents {
		text += fmt.Sprintf("b%d update <a1 p=v>%d\n", i+1, i%7)
		all = append(all, fmt.Sprintf("b%d", i+1))
	}
	r := merge(text)
	if got := len(r.Conflict("p").Rivals); got != changeset.MaxParents || len(r.Heads) != got {
		t.Errorf("got %d rivals and %d heads, want %d", got, len(r.Heads), changeset.MaxParents)
	}
	if got := show(merge(text + "c1 update <" + strings.Join(all, ",") + " p=w")); got != "lives p=w" {
		t.Errorf("after a decision with %d parents: got %s", len(all), got)
	}
}

// TestPropertiesDoNotTouchEachOther merges a record of more properties than are looked at together, and each of them alone.
func TestPropertiesDoNotTouchEachOther(t *testing.T) {
	values := []string{"x", "y", ""}
	text := func(only int) string {
		var b strings.Builder
		for line, change := range []string{"a1 create <", "b1 update <a1", "c1 update <a1", "d1 delete <b1", "d2 create <d1", "e1 update", "e2 update <e1"} {
			b.WriteString(change)
			for p := range 200 {
				if (p+1)*(line+3)%4 == 0 && (only < 0 || p == only) {
					fmt.Fprintf(&b, " p%d=%s>%s", p, values[p*(line+1)%3], values[(p+line)%3])
				}
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	together := merge(text(-1))
	if len(together.Conflicts) < 20 || len(together.Props) < 20 {
		t.Fatalf("%d conflicts and %d properties: too few to tell anything", len(together.Conflicts), len(together.Props))
	}
	for p := range 200 {
		prop := fmt.Sprint("p", p)
		alone := merge(text(p))
		if got, want := together.Props[prop], alone.Props[prop]; got != want {
			t.Errorf("%s=%q with the others, %q alone", prop, got, want)
		}
		got, want := together.Conflict(prop), alone.Conflict(prop)
		if (got == nil) != (want == nil) || got != nil && (got.Fingerprint != want.Fingerprint || len(got.Rivals) != len(want.Rivals)) {
			t.Errorf("%s: conflict %v with the others, %v alone", prop, got, want)
		}
	}
}
