package main

import (
	"context"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/replica"
)

// garble writes to settings records what the commands refuse, as another program may.
func (w *world) garble(t *testing.T, dir string, write func(e *replica.Edit, rule changeset.RecordID) error) {
	t.Helper()
	r, err := w.openDir(dir, globals{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Rule("Ticket", "votes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Edit(context.Background(), func(e *replica.Edit) error { return write(e, s.Record) }); err != nil {
		t.Fatal(err)
	}
}

func TestARuleThatNobodyCanReadIsShownWithWhatMendsIt(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "Ticket", "votes=1")
	w.do(t, "rules", "-r", "/ann", "Ticket", "votes", "max")
	w.do(t, "clone", "/ann", "/bob")
	w.garble(t, "/bob", func(e *replica.Edit, rule changeset.RecordID) error {
		other := changeset.RecordID{Type: changeset.SettingsType, UUID: changeset.RecordID{}.UUID}
		other.UUID[0] = 0xab
		if err := e.Restore(other, map[string]string{"label": "merge:Ticket:size", "content": `["max"]`}); err != nil {
			return err
		}
		return e.Update(rule, map[string]string{"content": "garbage"})
	})
	w.do(t, "pull", "-r", "/ann", "/bob")
	shown := func(want, warned string, words ...string) {
		t.Helper()
		w.err.Reset()
		w.do(t, append(words, "-r", "/ann")...)
		if got := w.out.String(); got != want {
			t.Errorf("%q: got %s", words, got)
		}
		if got := w.err.String(); !strings.HasPrefix(got, warned) || strings.Count(got, "\n") != strings.Count(warned, "\n") {
			t.Errorf("%q: got %s", words, got)
		}
	}
	const unreadable = `prophet: warning: the rule of Ticket votes cannot be read, so the latest holds: "garbage" is not the content of a rule, such as ["latest"]; "prophet rules -r /ann Ticket votes RULE" mends it
`
	other := `prophet: warning: settings record ab000000-0000-0000-0000-000000000000 sets no rule for Ticket size: it is kept in settings record ` + w.ruleRecord(t, "size") +
		` and in no other; "prophet rules -r /ann Ticket size RULE" sets it, "prophet delete -r /ann ab000000-0000-0000-0000-000000000000" removes the record
`
	shown("Ticket\tvotes\tlatest, unreadable\n", unreadable+other, "rules")
	shown(`{"conflict":false,"prop":"votes","rule":"latest","type":"Ticket","unreadable":"\"garbage\" is not the content of a rule, such as [\"latest\"]"}`+"\n", unreadable+other, "rules", "--json")
	shown("Ticket: votes: latest\n", unreadable, "rules", "Ticket", "votes")
	shown("Ticket: votes: sum\n", "", "rules", "Ticket", "votes", "sum")
	shown("Ticket\tvotes\tsum\n", other, "rules")
}

// ruleRecord returns the UUID of the record of the rule for a property of tickets.
func (w *world) ruleRecord(t *testing.T, prop string) string {
	t.Helper()
	r, err := w.openDir("/ann", globals{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Rule("Ticket", prop)
	if err != nil {
		t.Fatal(err)
	}
	return s.Record.UUID.String()
}

func TestTheWalkDoesNotTakeARuleThatNobodyCanRead(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/ann")
	w.do(t, "rules", "-r", "/ann", "Ticket", "votes", "max")
	w.do(t, "clone", "/ann", "/bob")
	w.garble(t, "/bob", func(e *replica.Edit, rule changeset.RecordID) error {
		return e.Update(rule, map[string]string{"content": "garbage"})
	})
	w.do(t, "rules", "-r", "/ann", "Ticket", "votes", "min")
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.Asks, w.OutWidth = true, 80
	w.do(t, "conflicts", "-r", "/ann")
	garbage, min := "1", "2"
	if strings.Index(w.out.String(), "  min\n") < strings.Index(w.out.String(), "  garbage\n") {
		garbage, min = min, garbage
	}
	if code := w.answers(t, garbage+"\n"+min+"\n"); code != exitDone {
		t.Errorf("exit code %d: %s", code, w.out)
	}
	const said = `prophet: error: rule of Ticket votes: "garbage" is not the content of a rule, such as ["latest"]
prophet: hint: "prophet rules -r /ann Ticket votes RULE" sets that rule
prophet: 1 conflict decided, 0 conflicts left
`
	if got := w.err.String(); got != said {
		t.Errorf("got %s", got)
	}
	if got := w.out.String(); !strings.Contains(got, "rule of Ticket votes: decided: min\n") {
		t.Errorf("got %s", got)
	}
}
