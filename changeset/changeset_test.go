package changeset

import (
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	const origin = "10b1e589-83c2-4e27-917c-42dae1b8cf11"
	for _, s := range []string{origin + ":1", origin + ":4294967295", strings.ToUpper(origin) + ":77"} {
		id, err := ParseID(s)
		if err != nil || id.String() != strings.ToLower(s) {
			t.Errorf("%s came back as %s, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", ":", origin, origin + ":", ":1", origin + ":0", origin + ":01", origin + ":+1", origin + ":-1", origin + ":1 ",
		origin + ":4294967296", origin + ":1:2", origin[1:] + ":1", "{" + origin + "}:1", "urn:uuid:" + origin + ":1",
		strings.ReplaceAll(origin, "-", "") + ":1", strings.Repeat("x", 1<<20),
	} {
		id, err := ParseID(s)
		if err == nil || len(err.Error()) > 300 {
			t.Errorf("%.50q: got %s, %.300v", s, id, err)
		}
	}
}

func TestOrderOfIDs(t *testing.T) {
	sorted := []string{
		"10b1e589-83c2-4e27-917c-42dae1b8cf11:9", "10b1e589-83c2-4e27-917c-42dae1b8cf11:10",
		"a0b1e589-83c2-4e27-917c-42dae1b8cf11:1", "f0b1e589-83c2-4e27-917c-42dae1b8cf11:1",
	}
	for i := range sorted {
		for j := range sorted {
			a, errA := ParseID(sorted[i])
			b, errB := ParseID(sorted[j])
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s against %s: %d", a, b, got)
			}
		}
	}
}

func TestChangeFindsTheRecord(t *testing.T) {
	c := mustDecode(t, sample)
	for i := range c.Changes {
		if got := c.Change(c.Changes[i].Record); got != &c.Changes[i] {
			t.Errorf("change %d: got %+v", i, got)
		}
	}
	if got := c.Change(RecordID{"Comment", c.Changes[0].Record.UUID}); got != nil {
		t.Errorf("another type: got %+v", got)
	}
}

func TestShortNamesOfChangesets(t *testing.T) {
	id := ID{mustUUID(t, "10b1e589-4d3f-4a6e-9c1f-0a6f2d1c9b11"), 1<<32 - 1}
	if got := id.Short(); got != "10b1e589:4294967295" {
		t.Errorf("got %s", got)
	}
}
