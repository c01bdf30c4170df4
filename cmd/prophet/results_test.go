package main

import (
	"errors"
	"strings"
	"testing"

	"prophet/changeset"
)

func TestWhatIsPrintedIsSafe(t *testing.T) {
	w := newWorld()
	p := w.printer(globals{})
	id := changeset.RecordID{Type: "T\x1b"}
	if err := p.linef("%s %v %s %d %q", "a\x1b[2J\nb", errors.New("\u202e"), id, 3, "x"); err != nil {
		t.Fatal(err)
	}
	p.notef("note %s", "\x1b")
	p.warnf("warn %s", "\x1b")
	if got, want := w.out.String(), `a\x1b[2J\nb \u202e T\x1b 00000000-0000-0000-0000-000000000000 3 "x"`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := w.err.String(), "prophet: note \\x1b\nprophet: warning: warn \\x1b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQuietLeavesOutNotesOnly(t *testing.T) {
	w := newWorld()
	p := w.printer(globals{quiet: true})
	p.notef("a note")
	p.warnf("careful")
	if err := p.linef("a result"); err != nil || w.out.String() != "a result\n" || w.err.String() != "prophet: warning: careful\n" {
		t.Errorf("got %q, %q, %v", w.out, w.err, err)
	}
}

func TestNotesComeAfterTheResultsBeforeThem(t *testing.T) {
	w := newWorld()
	w.Stdout, w.Stderr = newResults(w.out), w.out
	p := w.printer(globals{})
	if err := p.linef("one"); err != nil {
		t.Fatal(err)
	}
	p.notef("two")
	if got := w.out.String(); got != "one\nprophet: two\n" {
		t.Errorf("got %q", got)
	}
}

func TestTableKnowsWhetherATerminalIsThere(t *testing.T) {
	for width, want := range map[int]string{0: "1\ta b\n", 80: "ID  NAME\n1   a b\n"} {
		w := newWorld()
		w.OutWidth = width
		table := w.printer(globals{}).table("ID", "NAME")
		if err := errors.Join(table.Row("1", "a b"), table.Flush()); err != nil || w.out.String() != want {
			t.Errorf("width %d: got %q, %v", width, w.out, err)
		}
	}
}

func TestProgressIsForTerminalsOnly(t *testing.T) {
	w := newWorld()
	for _, tt := range []struct {
		width int
		g     globals
		want  bool
	}{{0, globals{}, false}, {80, globals{}, true}, {80, globals{quiet: true}, false}, {80, globals{json: true}, false}} {
		w.ErrWidth = tt.width
		bar := w.printer(tt.g).progress("importing", false)
		bar.Done()
		if got := bar != nil; got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	tests := []struct {
		in   any
		want string
	}{
		{map[string]any{"b": 1, "a": nil, "é": true, "B": []string{}}, `{"B":[],"a":null,"b":1,"é":true}`},
		{"<a> & \"b\" \\ /", `"<a> & \"b\" \\ /"`},
		{"\x00\x1f\x7f\b\f\n\r\t", `"\u0000\u001f` + "\x7f" + `\b\f\n\r\t"`},
		{"\u2028\u2029", "\"\u2028\u2029\""},
		{`\u2028`, `"\\u2028"`},
		{`\\u2029` + "\u2029", `"\\\\u2029` + "\u2029" + `"`},
		{versionDoc{Formats: []string{"1"}}, `{"formats":["1"],"go":"","platform":"","revision":"","version":""}`},
	}
	for _, tt := range tests {
		got, err := appendJSON([]byte("x"), tt.in)
		if err != nil || string(got) != "x"+tt.want {
			t.Errorf("%#v: got %s, want %s, %v", tt.in, got, tt.want, err)
		}
	}
	if _, err := appendJSON(nil, func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

func FuzzCanonicalJSONEscapesAsFormat1(f *testing.F) {
	f.Add("a\\u2028\u2028\\")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ToValidUTF8(s, "") != s {
			return
		}
		got, err := appendJSON(nil, s)
		if want := changeset.AppendJSONString(nil, s); err != nil || string(got) != string(want) {
			t.Errorf("got %s, want %s, %v", got, want, err)
		}
	})
}

func TestNotesAndErrorsAreDividedBetweenWords(t *testing.T) {
	for width, want := range map[int]string{
		0:  "prophet: error: there is no command \"frobnicate\"\nprophet: hint: \"prophet help\" lists the commands\n",
		46: "prophet: error: there is no command\n\"frobnicate\"\nprophet: hint: \"prophet help\" lists the\ncommands\n",
	} {
		w := newWorld()
		w.ErrWidth = width
		if run(t.Context(), w.env, []string{"frobnicate"}); w.err.String() != want {
			t.Errorf("%d columns: got\n%s", width, w.err)
		}
	}
}

func TestADecisionIsShownWhole(t *testing.T) {
	w := newWorld()
	w.do(t, "init", "/bugs")
	w.OutWidth = 40
	for _, tt := range []struct{ value, want string }{
		{"short", "Ticket 1: decided: summary=short\n"},
		{"a printer that burns every Monday morning", "Ticket 1: decided: summary=a printer\nthat burns every Monday morning\n"},
		{strings.Repeat("burns ", 100), "burns burns burns burns burns burns\n… 14 more lines\n"},
	} {
		w.out.Reset()
		if err := printDecisions(w.printer(globals{}), []decisionDoc{{Prop: "summary", Value: &tt.value, name: "Ticket 1"}}, false); err != nil || !strings.HasSuffix(w.out.String(), tt.want) {
			t.Errorf("got\n%swant\n%s%v", w.out, tt.want, err)
		}
	}
}

func TestCommandsInAHintAreNotDivided(t *testing.T) {
	w := newWorld()
	w.ErrWidth = 30
	w.say(hintText("run this, which gives it a new identity:\n  prophet pull -r /home/ann/laptop /home/ann/bugs\nthen\tgo on"))
	want := "prophet: hint: run this, which\ngives it a new identity:\n    prophet pull -r /home/ann/laptop /home/ann/bugs\n  then    go on\n"
	if w.err.String() != want {
		t.Errorf("got\n%s", w.err)
	}
}
