package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

func recordOf(id uint32, props ...string) *hit {
	r := &hit{Record: &replica.Record{ID: changeset.RecordID{Type: "Ticket", UUID: uuid.UUID{15: byte(id)}}, LocalID: id, Props: map[string]string{}}}
	for _, p := range props {
		name, value, _ := strings.Cut(p, "=")
		r.Props[name] = value
	}
	return r
}

func deletedOf(h *hit) *hit {
	h.Deleted = true
	return h
}

func TestColumnsAreWhatPeopleWantToSeeFirst(t *testing.T) {
	tests := []struct {
		name  string
		found []*hit
		types bool
		want  string
	}{
		{"a headline, then what is important", []*hit{recordOf(1, "zeta=1", "owner=a", "status=b", "summary=c")}, false, "id summary status owner zeta"},
		{"the most frequent", []*hit{recordOf(1, "a=1", "b=1"), recordOf(2, "b=1")}, false, "id b a"},
		{"no texts of several lines", []*hit{recordOf(1, "a=1", "b=1\n2"), recordOf(2, "b=1"), recordOf(3, "b=1")}, true, "id type a"},
		{"not what all have", []*hit{recordOf(1, "creator=ann", "original_replica=x", "n=1")}, false, "id n"},
		{"five at most", []*hit{recordOf(1, "a=1", "b=1", "c=1", "d=1", "e=1", "f=1")}, false, "id a b c d e"},
		{"nothing", []*hit{recordOf(1)}, true, "id type"},
		{"a text where there is nothing better", []*hit{recordOf(1, "body=a\nb", "ticket=x"), recordOf(2, "ticket=x")}, false, "id body ticket"},
		{"by what each is known", []*hit{recordOf(1, "summary=a", "body=b"), recordOf(2, "body=c", "title=d"), recordOf(3, "body=e")}, false, "id headline body"},
		{"properties with names of columns", []*hit{recordOf(1, "id=1", "type=b", "headline=c")}, true, "id type headline props.id props.type"},
		{"of deleted ones who did it and when", []*hit{deletedOf(recordOf(1, "a=1", "b=2"))}, true, "id type a deleted_at deleted_by"},
	}
	for _, tt := range tests {
		if got := strings.Join(usualColumns(tt.found, tt.types), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestARecordWithoutALocalIDIsNamedByItsUUID(t *testing.T) {
	if got := cellsOf(recordOf(0, "n=1"), []string{"id", "n", "nothing", "type"}); strings.Join(got, " ") != "00000000 1  Ticket" {
		t.Errorf("got %q", got)
	}
}

func TestOnATerminalALongTextIsOneLine(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/bugs")
	w.do(t, "create", "-r", "/bugs", "Comment", "body=> quoted\n\n  answer", "ticket=c443f3d8-8226-5b60-9522-a10431c3103e", "n=two\tthree")
	for _, tt := range []struct {
		width int
		words string
		want  string
	}{
		{80, "search", "ID  TYPE     HEADLINE"},
		{80, "search Comment", "ID  BODY             N           TICKET\n1   > quoted answer  two\\tthree  c443f3d8\n"},
		{80, "search --columns ticket", "TICKET\nc443f3d8-8226-5b60-9522-a10431c3103e\n"},
		{0, "search Comment", "1\t> quoted\\n\\n  answer\ttwo\\tthree\tc443f3d8-8226-5b60-9522-a10431c3103e\n"},
	} {
		w.OutWidth = tt.width
		if tt.words == "search" {
			w.do(t, "create", "-r", "/bugs", "Ticket", "title=x")
		}
		w.do(t, append(strings.Fields(tt.words), "-r", "/bugs")...)
		if got := w.out.String(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("width %d, %s: got\n%swant\n%s", tt.width, tt.words, got, tt.want)
		}
	}
}

func TestSearchOrder(t *testing.T) {
	records := []*hit{recordOf(3, "p=10"), recordOf(0, "p=9"), recordOf(12), recordOf(2, "p=9"), recordOf(1, "p=low")}
	tests := []struct {
		o    searchOptions
		want []uint32
	}{
		{searchOptions{}, []uint32{1, 2, 3, 12, 0}},
		{searchOptions{reverse: true}, []uint32{0, 12, 3, 2, 1}},
		{searchOptions{sort: "p"}, []uint32{2, 0, 3, 1, 12}},
		{searchOptions{sort: "p", reverse: true}, []uint32{1, 3, 0, 2, 12}},
		{searchOptions{sort: "id"}, []uint32{1, 2, 3, 12, 0}},
		{searchOptions{sort: "nothing", reverse: true}, []uint32{0, 12, 3, 2, 1}},
	}
	for _, tt := range tests {
		found := slices.Clone(records)
		tt.o.order(found)
		var got []uint32
		for _, r := range found {
			got = append(got, r.LocalID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.o, got, tt.want)
		}
	}
}

func TestOnATerminalListsAreTables(t *testing.T) {
	fsys := grown(t, 3)
	for _, tt := range []struct{ words, want string }{
		{"search --columns id,status,summary", "ID  STATUS   SUMMARY\n" +
			"1   new      Ticket number 000…\n2   open     Ticket number 000…\n3   stalled  Ticket number 000…\n"},
		{"types", "TYPE    RECORDS  PROPERTIES\nTicket  3        creator 3, or…\n"},
	} {
		w := newWorld()
		w.Fs, w.OutWidth = fsys, 31
		if code := run(t.Context(), w.env, append(strings.Fields(tt.words), "-r", "/bugs")); code != exitDone || w.out.String() != tt.want {
			t.Errorf("%s: exit code %d, got\n%swant\n%s%s", tt.words, code, w.out, tt.want, w.err)
		}
	}
}

func TestALongLogHasLocalIDs(t *testing.T) {
	w := newWorld()
	w.Fs = grown(t, manyLookups+1)
	if code := run(t.Context(), w.env, []string{"log", "--all", "-r", "/bugs"}); code != exitDone {
		t.Fatal(w.err)
	}
	for _, want := range []string{"   create Ticket 1001\n", "   create Ticket 1\n"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("lacks %q", want)
		}
	}
}

func TestSearchMarksWhatIsInConflictOnATerminal(t *testing.T) {
	w := quarrelling(t)
	w.do(t, "create", "-r", "/ann", "Ticket", "summary=plotter")
	for _, tt := range []struct {
		width   int
		columns string
		rows    []string
		note    string
	}{
		{80, "id,summary", []string{"ID  SUMMARY\n", "1!  printer\n", "2!  big scanner\n", "3   plotter\n"}, "in conflict: 2 records, marked with !; "},
		{80, "summary", []string{"printer\n"}, "in conflict: 2 records; "},
		{0, "id,summary", []string{"1\tprinter\n", "2\tbig scanner\n", "3\tplotter\n"}, "in conflict: 2 records; "},
	} {
		w.OutWidth = tt.width
		w.err.Reset()
		w.do(t, "search", "-r", "/ann", "Ticket", "--columns", tt.columns)
		for _, row := range tt.rows {
			if !strings.Contains(w.out.String(), row) {
				t.Errorf("width %d: want %q in %s", tt.width, row, w.out)
			}
		}
		if !strings.Contains(w.err.String(), tt.note) {
			t.Errorf("width %d: want %q in %s", tt.width, tt.note, w.err)
		}
	}
}
