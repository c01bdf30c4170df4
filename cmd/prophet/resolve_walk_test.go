package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"prophet/internal/terminal"
)

// quarrelling returns a world with two replicas, /ann and /bob, which have edited the tickets apart, and a terminal; /ann has pulled.
func quarrelling(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	w.vars["EMAIL"], w.vars["NO_COLOR"] = "ann@example.com", "1"
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "Ticket", "summary=printer", "status=new", "body=It burns.\n\nSince noon.\n\nCall Bob.\n")
	w.do(t, "create", "-r", "/ann", "Ticket", "summary=scanner")
	w.do(t, "clone", "/ann", "/bob")
	w.do(t, "update", "-r", "/ann", "1", "status=open", "body=It smokes.\n\nSince noon.\n\nCall Bob.\n")
	w.do(t, "delete", "-r", "/ann", "2")
	w.vars["EMAIL"] = "bob@example.com"
	w.Now = func() time.Time { return time.Date(2026, 11, 22, 1, 16, 51, 0, time.UTC) }
	w.do(t, "update", "-r", "/bob", "1", "status=stalled", "body=It burns.\n\nSince noon.\n\nI call Bob.\n")
	w.do(t, "update", "-r", "/bob", "2", "summary=big scanner")
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.Asks, w.OutWidth = true, 80
	return w
}

// answers runs resolve in /ann with what the user types, and returns the exit code.
func (w *world) answers(t *testing.T, typed string, words ...string) int {
	t.Helper()
	w.out.Reset()
	w.err.Reset()
	w.Stdin = strings.NewReader(typed)
	out := w.Stdout
	defer func() { w.Stdout = out }()
	return run(t.Context(), w.env, append([]string{"resolve", "-r", "/ann"}, words...))
}

// open returns how many conflicts /ann has.
func (w *world) open(t *testing.T) int {
	t.Helper()
	w.do(t, "conflicts", "-r", "/ann", "--json")
	return strings.Count(w.out.String(), "\n")
}

// TestResolveGoesThroughTheConflictsAndAsks holds the walk in docs/merge.md against what is printed.
func TestResolveGoesThroughTheConflictsAndAsks(t *testing.T) {
	w := quarrelling(t)
	w.out.Reset()
	w.err.Reset()
	typed := func(line string) func() string {
		return func() string {
			w.out.WriteString(line) // as a terminal does
			return line
		}
	}
	w.Stderr, w.Stdin = w.out, &typist{[]func() string{typed("m\n"), typed("1\n"), typed("?\n"), typed("d\n")}}
	if code := run(t.Context(), w.env, []string{"resolve", "-r", "/ann"}); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if got := "```\n$ prophet resolve" + w.out.String() + "```\n"; !strings.Contains(readDocument(t, "docs/merge.md"), got) {
		t.Errorf("docs/merge.md does not show\n%s", got)
	}
	w.Stdout, w.Stderr = w.out, w.err
	if w.open(t) > 0 {
		t.Errorf("open still: %s", w.out)
	}
}

func TestResolveAsksUntilItIsAnswered(t *testing.T) {
	for _, tt := range []struct {
		name, typed string
		code, open  int
		says        string
	}{
		{"skip all", "s\nS\n s \n", exitConflicts, 3, "0 conflicts decided, 3 conflicts left"},
		{"quit", "2\nq\n", exitConflicts, 2, "1 conflict decided, 2 conflicts left"},
		{"the input ends", "2\n", exitConflicts, 2, "1 conflict decided, 2 conflicts left"},
		{"the input ends in a line", "2\n2\nk", exitDone, 0, "3 conflicts decided, 0 conflicts left"},
		{"no answers", "\n3\n0\nk\nx\x1b[2J\n?\n1\nq\n", exitConflicts, 2, `"x\x1b[2j" is no answer here; ? shows what is`},
		{"no merge where there is none", "s\nm\nq\n", exitConflicts, 3, `"m" is no answer here`},
		{"no editor where there is no text", "s\ns\ne\nq\n", exitConflicts, 3, `"e" is no answer here`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := quarrelling(t)
			code := w.answers(t, tt.typed)
			says := w.err.String()
			if n := w.open(t); code != tt.code || n != tt.open || !strings.Contains(says, tt.says) {
				t.Errorf("exit code %d, %d open, says %q; want %d, %d, %q", code, n, says, tt.code, tt.open, tt.says)
			}
		})
	}
}

func TestResolveOffersWhatARuleMadeOfTheRivals(t *testing.T) {
	w := quarrelling(t)
	w.Asks, w.OutWidth = false, 0
	w.do(t, "rules", "-r", "/ann", "Ticket", "status", "union")
	w.Asks, w.OutWidth = true, 80
	if code := w.answers(t, "s\nh\n", "1"); code != exitConflicts || !strings.Contains(w.out.String(), "\n*  h  stalled open\n") || !strings.Contains(w.out.String(), "decided: status=stalled open\n") {
		t.Errorf("exit code %d, %s%s", code, w.out, w.err)
	}
}

func TestTheWalkNumbersRivalsAsTheListDoes(t *testing.T) {
	w := quarrelling(t)
	w.do(t, "conflicts", "-r", "/ann", "1")
	list := w.out.String()
	code := w.answers(t, "s\n1\n2\nq\n", "1")
	walk := w.out.String()
	for _, rival := range []string{"\n*  3  stalled\n", "\n   4  open\n"} {
		if !strings.Contains(list, rival) || !strings.Contains(walk, rival) {
			t.Errorf("want %q in %s and in %s", rival, list, walk)
		}
	}
	if code != exitConflicts || !strings.Contains(walk, "[3-4 e s q ?]") || strings.Contains(walk, "decided: ") {
		t.Errorf("exit code %d, %s", code, walk)
	}
	if code := w.answers(t, "s\n4\n", "1"); code != exitConflicts || !strings.Contains(w.out.String(), "Ticket 1: decided: status=open\n") {
		t.Errorf("exit code %d, %s", code, w.out)
	}
}

func TestTheWalkShowsWhatIsMergedBeforeItIsTaken(t *testing.T) {
	w := quarrelling(t)
	w.answers(t, "q\n", "1")
	if want := "\n   m  It [-burns.-]{+smokes.+}\n\n      …\n\n      [-Call-]{+I call+} Bob.\n\n      the changes of both, merged\nWhich"; !strings.Contains(w.out.String(), want) {
		t.Errorf("want %q in %s", want, w.out)
	}
}

func TestResolveAsksAboutRulesByName(t *testing.T) {
	w := quarrelling(t)
	w.Asks, w.OutWidth = false, 0
	w.do(t, "resolve", "-r", "/ann", "--all", "--take", "latest")
	w.do(t, "rules", "-r", "/ann", "Ticket", "status", "union")
	w.do(t, "rules", "-r", "/bob", "Ticket", "status", "ask")
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.Asks, w.OutWidth = true, 80
	code := w.answers(t, "e\n1\n")
	for _, want := range []string{"\nrule of Ticket status: ", "\n*  1  ", "\n      \"prophet rules -r /ann Ticket status RULE\" decides\n", "[1-2 s q ?]", "\nrule of Ticket status: decided: "} {
		if code != exitDone || !strings.Contains(strings.ReplaceAll(w.out.String(), "[1-2 s q ?] ", "[1-2 s q ?]\n"), want) {
			t.Errorf("exit code %d, want %q in %s%s", code, want, w.out, w.err)
		}
	}
}

func TestWhereOneCannotBeMergedTheOthersAreNamed(t *testing.T) {
	w := quarrelling(t)
	code := w.answers(t, "", "1", "--take", "merged")
	want := "prophet: error: Ticket 1: the rivals for \"status\" cannot be merged: their changes overlap, or are too many to tell; nothing was decided\nprophet: hint: --property NAME decides about some alone; in conflict are body, status\n"
	if code != exitFailed || w.err.String() != want || w.open(t) != 3 {
		t.Errorf("exit code %d, got %s", code, w.err)
	}
}

func TestResolveOfOneRecordAsksAboutThatAlone(t *testing.T) {
	w := quarrelling(t)
	if code := w.answers(t, "k\n", "2"); code != exitDone || w.open(t) != 2 {
		t.Errorf("exit code %d, %s", code, w.err)
	}
	for _, others := range []string{"1 other record is: ", "2 other records are: "} {
		want := "prophet: nothing about Ticket 2 is in conflict; " + others + "\"prophet conflicts -r /ann\" lists what is open\n"
		if code := w.answers(t, "", "2"); code != exitDone || w.err.String() != want {
			t.Errorf("exit code %d, %s", code, w.err)
		}
		w.do(t, "create", "-r", "/ann", "Ticket", "summary=plotter")
		w.do(t, "push", "-r", "/ann", "/bob")
		w.do(t, "update", "-r", "/ann", "3", "summary=pen")
		w.do(t, "update", "-r", "/bob", "3", "summary=ink")
		w.do(t, "pull", "-r", "/ann", "/bob")
	}
	w.do(t, "resolve", "-r", "/ann", "--all", "--take", "holds")
	if code := w.answers(t, "", "2"); code != exitDone || w.err.String() != "prophet: nothing about Ticket 2 is in conflict\n" {
		t.Errorf("exit code %d, %s", code, w.err)
	}
}

func TestResolveDoesNotAskWhoCannotAnswer(t *testing.T) {
	w := quarrelling(t)
	w.Asks = false
	if code := w.answers(t, "1\n1\n1\n"); code != exitUsage || !strings.Contains(w.err.String(), "nobody can be asked") || w.open(t) != 3 {
		t.Errorf("exit code %d, %s", code, w.err)
	}
}

func TestResolveAsksOnATerminalWithoutAWidth(t *testing.T) {
	w := quarrelling(t)
	w.OutWidth = 0
	code := w.answers(t, "2\n2\nk\n")
	for _, want := range []string{"  summary: printer\n", "Which shall hold? [1-2 m e s q ?] ", "Ticket 2: decided: it is kept\n"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if code != exitDone || w.open(t) != 0 {
		t.Errorf("exit code %d, %s", code, w.err)
	}
}

// contested returns quarrelling, with ticket 3 in conflict about owner, status and whether it lives.
func contested(t *testing.T) *world {
	t.Helper()
	w := quarrelling(t)
	w.Asks, w.OutWidth = false, 0
	w.do(t, "resolve", "-r", "/ann", "--all", "--take", "holds")
	w.do(t, "create", "-r", "/ann", "Ticket", "owner=zoe", "status=new")
	w.do(t, "push", "-r", "/ann", "/bob")
	w.do(t, "clone", "/ann", "/carol")
	w.do(t, "update", "-r", "/ann", "3", "owner=ann", "status=open")
	w.do(t, "update", "-r", "/bob", "3", "owner=bob", "status=stalled")
	w.do(t, "delete", "-r", "/carol", "3")
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.do(t, "pull", "-r", "/ann", "/carol")
	w.Asks, w.OutWidth = true, 80
	return w
}

func TestPropertiesOfARecordThatIsLeftOpenAreNotAskedAbout(t *testing.T) {
	w := contested(t)
	code := w.answers(t, "s\n4\n6\n")
	want := "prophet: Ticket 3: owner and status wait: an answer would keep the record\nprophet: 0 conflicts decided, 3 conflicts left\n"
	if code != exitConflicts || w.err.String() != want || w.open(t) != 3 {
		t.Errorf("exit code %d, %s%s", code, w.out, w.err)
	}
	if code := w.answers(t, "k\n1\n1\n"); code != exitDone || !strings.Contains(w.err.String(), "3 conflicts decided, 0 conflicts left") {
		t.Errorf("exit code %d, %s%s", code, w.out, w.err)
	}
}

func TestAnAnswerDoesNotKeepARecordThatWasDeletedMeanwhile(t *testing.T) {
	w := quarrelling(t)
	w.beside(t, "clone", "/ann", "/carol")
	w.beside(t, "delete", "-r", "/carol", "1")
	w.Stdin = &typist{[]func() string{func() string {
		w.beside(t, "pull", "-r", "/ann", "/carol")
		w.beside(t, "update", "-r", "/bob", "1", "x=1")
		w.beside(t, "pull", "-r", "/ann", "/bob")
		return "1\n"
	}}}
	w.err.Reset()
	run(t.Context(), w.env, []string{"resolve", "-r", "/ann", "1"})
	if got := w.err.String(); strings.Contains(w.out.String(), "decided: ") || !strings.Contains(got, "prophet: Ticket 1: body and status wait: an answer would keep the record\n") {
		t.Errorf("%s%s", w.out, got)
	}
}

func TestTheWalkSaysWhatGoesWithARecordThatItDeletes(t *testing.T) {
	w := contested(t)
	code := w.answers(t, "d\n")
	want := "prophet: owner and status of Ticket 3 were in conflict, which goes with the record; \"prophet history -r /ann 3\" has the rivals\nprophet: 1 conflict decided, 0 conflicts left\n"
	if code != exitDone || w.err.String() != want {
		t.Errorf("exit code %d, %s", code, w.err)
	}
}

func TestResolveTakesWhatWasWrittenInTheEditor(t *testing.T) {
	for _, tt := range []struct{ name, before, after, want string }{
		{"a text of one line", "stalled", "closed\n", "status=closed"},
		{"as it was", "stalled", "stalled\n", "the text is as it was: nothing was decided"},
		{"emptied", "stalled", "", "the text is empty: nothing was changed"},
		{"the editor fails", "stalled", "fails", "editor vi: it fails"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := quarrelling(t)
			t.Setenv("TMPDIR", t.TempDir())
			w.Exec = func(_ string, args ...string) error {
				path := args[len(args)-1]
				if before, err := os.ReadFile(path); err != nil || string(before) != tt.before {
					t.Errorf("edits %q, %v", before, err)
				}
				if tt.after == "fails" {
					return errors.New("it fails")
				}
				return os.WriteFile(path, []byte(tt.after), 0o600)
			}
			w.answers(t, "s\ne\ns\ns\n", "1")
			if said := w.out.String() + w.err.String(); !strings.Contains(said, tt.want) {
				t.Errorf("says %s", said)
			}
		})
	}
}

func TestTheEditorBeginsWithTheMergedText(t *testing.T) {
	w := quarrelling(t)
	t.Setenv("TMPDIR", t.TempDir())
	w.Exec = func(_ string, args ...string) error {
		path := args[len(args)-1]
		before, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(path, append(before, "Now.\n"...), 0o600))
	}
	w.answers(t, "e\nq\n", "1")
	if want := "decided: body:\n      It smokes.\n\n      Since noon.\n\n      … 2 more lines\n"; !strings.Contains(w.out.String(), want) {
		t.Errorf("got %s", w.out)
	}
	w.OutWidth = 0
	w.do(t, "show", "-r", "/ann", "1", "--json")
	if want := `"body":"It smokes.\n\nSince noon.\n\nI call Bob.\nNow.\n"`; !strings.Contains(w.out.String(), want) {
		t.Errorf("got %s", w.out)
	}
}

// typist is standard input that does something else before it gives what was typed.
type typist struct {
	lines []func() string
}

func (ty *typist) Read(p []byte) (int, error) {
	if len(ty.lines) == 0 {
		return 0, io.EOF
	}
	line := ty.lines[0]()
	ty.lines = ty.lines[1:]
	return copy(p, line), nil
}

// beside runs a command line while another one is under way.
func (w *world) beside(t *testing.T, words ...string) {
	t.Helper()
	e := *w.env
	e.Stdout, e.Stderr, e.Asks, e.OutWidth = io.Discard, io.Discard, false, 0
	if code := run(t.Context(), &e, words); code != exitDone && code != exitConflicts {
		t.Errorf("%q: exit code %d", words, code)
	}
}

func TestWhatChangesWhileItIsAskedAboutIsShownAgain(t *testing.T) {
	w := quarrelling(t)
	w.out.Reset()
	w.err.Reset()
	w.Stdin = &typist{[]func() string{
		func() string {
			w.beside(t, "update", "-r", "/bob", "1", "body=Nothing burns.")
			w.beside(t, "pull", "-r", "/ann", "/bob")
			return "1\n"
		},
		func() string { return "1\n" },
		func() string {
			w.beside(t, "resolve", "-r", "/ann", "1", "status=closed")
			return "1\n"
		},
		func() string { return "k\n" },
	}}
	if code := run(t.Context(), w.env, []string{"resolve", "-r", "/ann"}); code != exitDone {
		t.Errorf("exit code %d, %s", code, w.err)
	}
	if out := w.out.String(); strings.Count(out, "Ticket 1: body (1 of 3)") != 2 || !strings.Contains(out, "decided: body=Nothing burns.\n") || strings.Contains(out, "decided: status") {
		t.Errorf("got %s", out)
	}
	if got := w.err.String(); !strings.Contains(got, "prophet: Ticket 1: decided meanwhile: status=closed\n") || strings.Count(got, "the rivals have changed meanwhile") != 2 || !strings.Contains(got, "2 conflicts decided, 0 conflicts left") {
		t.Errorf("says %s", got)
	}
}

func TestCtrlCEndsTheWalkInOrder(t *testing.T) {
	for _, tt := range []struct {
		typed, says string
		open        int
	}{
		{"", "\nprophet: 0 conflicts decided, 3 conflicts left\nprophet: error: resolve: interrupted\nprophet: hint: nothing was changed; run it again\n", 3},
		{"1\n", "\nprophet: 1 conflict decided, 2 conflicts left\nprophet: error: resolve: interrupted\nprophet: hint: what was decided stays; the next resolve goes on from there\n", 2},
	} {
		w := quarrelling(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		w.Stdin = io.MultiReader(strings.NewReader(tt.typed), &contextReader{ctx: ctx, r: readerFunc(func() { cancel(errInterrupted) })})
		w.err.Reset()
		out := w.Stdout
		code := run(ctx, w.env, []string{"resolve", "-r", "/ann"})
		w.Stdout = out
		if code != exitFailed || w.err.String() != tt.says {
			t.Errorf("exit code %d, %s", code, w.err)
		}
		if n := w.open(t); n != tt.open {
			t.Errorf("%d are open", n)
		}
	}
}

// readerFunc is somebody who presses Ctrl-C and types nothing.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	select {}
}

// A colour ends with its line, so that the indent of the next has none.
func TestALongWordDiffIsFoldedAndColoured(t *testing.T) {
	w := newWorld()
	w.vars["EMAIL"] = "ann@example.com"
	before := strings.Repeat("as it was ", 9)
	w.do(t, "init", "/ann")
	w.do(t, "create", "-r", "/ann", "Ticket", "body="+before+"old")
	w.do(t, "clone", "/ann", "/bob")
	w.do(t, "update", "-r", "/ann", "1", "body="+before+strings.Repeat("and as it is ", 5))
	w.do(t, "update", "-r", "/bob", "1", "body="+before+"older")
	w.do(t, "pull", "-r", "/ann", "/bob")
	w.Asks, w.OutWidth = true, 40
	w.answers(t, "q\n")
	const red, green, plain = "\x1b[31m", "\x1b[32m", "\x1b[m"
	out := w.out.String()
	for _, want := range []string{red + "[-old-]" + plain, "{+older+}" + plain, green + "{+and as it", plain + "\n      " + green} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%q", want, out)
		}
	}
	for line := range strings.Lines(strings.NewReplacer(red, "", green, "", plain, "").Replace(out)) {
		if wide := terminal.Width(strings.TrimSuffix(line, "\n")); wide > 40 && !strings.Contains(line, "Which shall hold?") {
			t.Errorf("%d columns: %q", wide, line)
		}
	}
}
