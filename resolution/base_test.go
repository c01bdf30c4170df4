package resolution_test

import (
	"fmt"
	"sync"
	"testing"

	"prophet/resolution"
)

func TestBaseIsTheValueThatAllRivalsHaveSeen(t *testing.T) {
	const none = "(none)"
	for _, tt := range []struct{ name, changes, want string }{
		{"two edits of one value", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z", "x"},
		{"one side edited twice", "a1 create < p=x; b1 update <a1 p=x>y; b2 update <b1 p=y>v; c1 update <a1 p=x>z", "x"},
		{"edits of another property stand between", "a1 create < p=x; a2 update <a1 q=1; b1 update <a2 p=x>y; c1 update <a2 p=x>z; c2 update <c1 q=2", "x"},
		{"one side saw more", "a1 create < p=x; a2 update <a1 p=x>w; b1 update <a1 p=x>y; c1 update <a2 p=w>z", "x"},
		{"three edits of one value", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; d1 update <a1 p=x>w", "x"},
		{"what only two of three saw does not count", "a1 create < p=x; a2 update <a1 p=x>v; b1 update <a2 p=v>y; c1 update <a2 p=v>z; d1 update <a1 p=x>w", "x"},
		{"two creates", "a1 create < p=y; b1 create < p=z", none},
		{"nobody wrote it before", "a1 create < q=1; b1 update <a1 p=y; c1 update <a1 p=z", none},
		{"it was removed before", "a1 create < p=x; a2 update <a1 p=x>; b1 update <a2 p=y; c1 update <a2 p=z", none},
		{"two decisions of one conflict", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 update <b1,c1 p=z>v; d1 update <b1,c1 p=z>w", none},
		{"a decision, and an edit that had not seen all", "a1 create < p=x; b1 update <a1 p=x>y; c1 update <a1 p=x>z; a2 update <b1,c1 p=z>v; c2 update <c1 p=z>w", "z"},
		{"the record was deleted before", "a1 create < p=x; a2 delete <a1; b1 create <a2 p=y; c1 create <a2 p=z", none},
		{"a deletion that says what it saw", "a1 create < p=x; b1 delete <; c1 update <a1,b1 p=x>y; d1 update <a1,b1 p=x>z", "x"},
		{"bare edits know their own chain", "a1 create p=x; a2 update p=x>y; b1 update <a1 p=x>z", "x"},
		{"bare edits of two know of nothing in common", "a1 create p=x; a2 update p=x>y; b1 update p=x>z", none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result := resolution.Merge(ticket, history(tt.changes), nil, nil)
			c := result.Conflict("p")
			if c == nil {
				t.Fatalf("p is not in conflict: %+v", result)
			}
			got, ok := c.Base()
			if !ok {
				got += none
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestABareDeletionHasSeenAllThatIsEarlier(t *testing.T) {
	const changes = "a1 create < p=x; b1 delete; c1 update <b1 p=x>y; d1 update <b1 p=x>z"
	c := resolution.Merge(ticket, history(changes), nil, nil).Conflict("p")
	if c == nil {
		t.Fatal("p is not in conflict")
	}
	if got, ok := c.Base(); ok {
		t.Errorf("got %q: the record was deleted in what both had seen", got)
	}
	c = resolution.Merge(ticket, history("a1 create < p=x; b1 delete; c1 update <b1; d1 update <c1 p=x>y; e1 update <c1 p=x>z"), nil, nil).Conflict("p")
	if got, ok := c.Base(); !ok || got != "x" {
		t.Errorf("got %q, %v, want x, which came back with the record", got, ok)
	}
}

func TestConflictsOfARecordMayBeAskedForTheirBasesAtTheSameTime(t *testing.T) {
	const props = 20
	var create, left, right string
	for i := range props {
		p := string(rune('a' + i))
		create += fmt.Sprintf(" %s=was-%s", p, p)
		left += fmt.Sprintf(" %s=was-%s>l", p, p)
		right += fmt.Sprintf(" %s=was-%s>r", p, p)
	}
	conflicts := merge("a1 create <" + create + "; b1 update <a1" + left + "; c1 update <a1" + right).Conflicts
	if len(conflicts) != props {
		t.Fatalf("%d conflicts, want %d", len(conflicts), props)
	}
	var wait sync.WaitGroup
	for _, c := range conflicts {
		wait.Go(func() {
			if got, ok := c.Base(); !ok || got != "was-"+c.Prop {
				t.Errorf("%s: got %q, %v", c.Prop, got, ok)
			}
		})
	}
	wait.Wait()
}
