package workload

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestTheSameChangesetsEachTime(t *testing.T) {
	s := Source{Changesets: 100, Scattered: 10, Together: 5}
	var one, two, other strings.Builder
	for w, s := range map[*strings.Builder]Source{&one: s, &two: s, &other: {Seed: 1, Changesets: 100, Scattered: 10, Together: 5}} {
		if err := s.WriteLines(w); err != nil {
			t.Fatal(err)
		}
	}
	if one.String() != two.String() || one.String() == other.String() {
		t.Error("the lines are not a function of the source")
	}
}

func TestChangesetsAreAsThePackageSays(t *testing.T) {
	s := Source{Changesets: 1000}
	made := map[uuid.UUID]bool{}
	sizes := map[int]int{}
	for c := range s.All() {
		if c.Update != made[c.Record] || c.Update != (c.Number%5 == 4) {
			t.Fatalf("changeset %d: update %v of a record that is there: %v", c.Number, c.Update, made[c.Record])
		}
		made[c.Record] = true
		for _, v := range c.Values {
			sizes[len(v)]++
		}
	}
	if len(made) != s.Records() {
		t.Errorf("%d records, want %d", len(made), s.Records())
	}
	for size := range sizes {
		if size < shortestValue || size > longestValue {
			t.Errorf("a value of %d bytes", size)
		}
	}
	if len(sizes) < 30 {
		t.Errorf("the sizes of values are only %v", sizes)
	}
}

func TestHotRecordsLieTogetherAndScattered(t *testing.T) {
	s := Source{Changesets: 100, Scattered: 10, Together: 10}
	var scattered, together []int
	for c := range s.All() {
		switch c.Record {
		case s.ScatteredRecord():
			scattered = append(scattered, c.Number)
		case s.TogetherRecord():
			together = append(together, c.Number)
		}
	}
	if want := []int{1, 12, 23, 34, 45, 56, 67, 78, 89, 100}; !slices.Equal(scattered, want) {
		t.Errorf("scattered at %v, want %v", scattered, want)
	}
	if want := []int{110, 111, 112, 113, 114, 115, 116, 117, 118, 119}; !slices.Equal(together, want) {
		t.Errorf("together at %v, want %v", together, want)
	}
}

func TestLastIsWhatTheRecordsAre(t *testing.T) {
	s := Source{Changesets: 100}
	last := s.Last(80)
	for c := range s.All() {
		i := slices.IndexFunc(last, func(l Changeset) bool { return l.Record == c.Record })
		if c.Number > last[i].Number || c.Record != s.Record(i) {
			t.Fatalf("the last of record %d is not number %d", i, last[i].Number)
		}
	}
}

func TestFormats(t *testing.T) {
	var c Changeset
	for c = range (Source{Changesets: 1}).All() {
	}
	c.Values = [5]string{"a b", "c", "d", "e", "f"}
	id := c.Record.String()
	var stream strings.Builder
	if err := c.WriteCommit(&stream, "main", "refs/heads/main^0"); err != nil {
		t.Fatal(err)
	}
	want := "commit refs/heads/main\ncommitter ann <ann@example.com> 1577934245 +0000\ndata 12\nChangeset 0\nfrom refs/heads/main^0\n" +
		"M 100644 inline Ticket/" + id[:2] + "/" + id + "\ndata 53\nbody: a b\ncomponent: c\nowner: d\nstatus: e\nsummary: f\n\n"
	if stream.String() != want {
		t.Errorf("got %q\nwant %q", stream.String(), want)
	}
	if got, want := c.Artifact(), "D 2020-01-02T03:04:05.000\nJ comment a\\sb\nJ foundin c\nJ resolution d\nJ status e\nJ title f\nK "+c.FossilID()+"\nU ann\nZ "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q\nwant %q…", got, want)
	}
}
