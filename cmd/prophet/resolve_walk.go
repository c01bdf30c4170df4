package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"prophet/changeset"
	"prophet/replica"
	"prophet/resolution"
)

// runWalk goes through the open conflicts, those of one record or all, and asks about each. Each answer is committed at once.
func runWalk(ctx context.Context, e *env, o resolveOptions) error {
	r, err := e.open(o.globals)
	switch {
	case err != nil:
		return err
	case o.json:
		return o.errNobodyAsked("--json is for programs")
	}
	open, err := openConflicts(r, o.id)
	if err != nil {
		return err
	}
	w := &walk{e: e, p: e.printer(o.globals), r: r, list: newConflictLister(e.printer(o.globals), r, r, 0), in: bufio.NewReader(e.Stdin),
		waiting: map[changeset.RecordID]bool{}, deleted: map[changeset.RecordID]bool{}}
	if err := w.choose(o, open); err != nil {
		return err
	}
	if len(w.items) == 0 {
		return w.noteNone(o, open)
	}
	if !e.Asks {
		return o.errNobodyAsked("this is no terminal")
	}
	return w.run(ctx)
}

// choose notes what is to be asked about of all that is open. Of one record, what --property names has to be open, as with --take.
func (w *walk) choose(o resolveOptions, open []replica.OpenConflict) error {
	for _, c := range open {
		if o.id != "" && c.Result.Open() {
			name, err := nameRecord(w.r, c.Record)
			if err != nil {
				return err
			}
			if err := o.mustBeOpen(c.Result, name, o.props); err != nil {
				return err
			}
		}
		for _, prop := range c.Result.OpenProps() {
			if len(o.props) == 0 || slices.Contains(o.props, prop) {
				w.items = append(w.items, item{c.Record, prop})
			}
		}
	}
	return nil
}

// noteNone says that there is nothing to ask about.
func (w *walk) noteNone(o resolveOptions, open []replica.OpenConflict) error {
	if o.id != "" {
		return noteNothing(w.p, w.r, o.id, open)
	}
	others, err := openBeside(w.r, o.props)
	if err == nil {
		w.p.notef("%s", nothingAbout(o.props, others))
	}
	return err
}

// errNobodyAsked says that what shall hold is to be given, because nobody can be asked.
func (o *resolveOptions) errNobodyAsked(because string) error {
	resolve := commandLine("prophet", "resolve", cmp.Or(o.id, "ID"))
	return withHint(usagef("what shall hold is missing: nobody can be asked, because %s", because),
		`"%s NAME=VALUE" says it, "%[1]s --take N" takes a rival by its number, "prophet resolve --all --take holds" takes what holds for now, of all records`, resolve)
}

// walk is a way through conflicts with somebody who decides.
type walk struct {
	e       *env
	p       *printer
	r       *replica.Replica
	list    *conflictLister
	in      *bufio.Reader
	items   []item
	decided int
	waiting map[changeset.RecordID]bool // records of which it was said that their properties wait
	deleted map[changeset.RecordID]bool // records that were deleted here
}

// item is a conflict to ask about.
type item struct {
	rec  changeset.RecordID
	prop string // "" is the record's existence
}

// What ends a question without a decision.
var (
	errSkip    = errors.New("skipped")
	errQuit    = errors.New("no more")
	errChanged = errors.New("the rivals have changed meanwhile")
)

func (w *walk) run(ctx context.Context) error {
	for i, it := range w.items {
		err := w.settle(ctx, i, it)
		if err == errQuit {
			break
		}
		if err != nil && err != errSkip {
			return w.stopped(ctx, err)
		}
	}
	left, err := w.noteDone()
	if err != nil {
		return err
	}
	if left > 0 {
		return errLeft
	}
	return nil
}

// stopped says, where an error ends the walk, what was decided so far, which stays.
func (w *walk) stopped(ctx context.Context, err error) error {
	w.p.beside("") // the prompt has no end of line
	if !interrupted(ctx, err) {
		return err
	}
	switch left, failed := w.noteDone(); {
	case failed != nil || w.decided > 0 && left == 0:
		return withHint(err, "what was decided stays")
	case w.decided > 0:
		return withHint(err, "what was decided stays; the next resolve goes on from there")
	}
	return err
}

// noteDone says how many conflicts were decided, and how many of those that were to be are left, and returns that.
func (w *walk) noteDone() (left int, err error) {
	if left, err = w.left(); err == nil {
		w.p.notef("%s decided, %s left", counted(w.decided, "conflict"), counted(left, "conflict"))
	}
	return left, err
}

// left counts the conflicts that are open still.
func (w *walk) left() (n int, err error) {
	for _, it := range w.items {
		result, err := w.r.State(it.rec)
		if err != nil {
			return 0, err
		}
		if isOpen(result, it.prop) {
			n++
		}
	}
	return n, nil
}

func isOpen(result *resolution.Result, prop string) bool {
	return slices.Contains(result.OpenProps(), prop)
}

// settle asks about one conflict until it is decided, or is open no more.
func (w *walk) settle(ctx context.Context, i int, it item) error {
	for {
		q, err := w.question(it)
		if err != nil || q == nil {
			return err
		}
		if err := q.show(fmt.Sprintf("%d of %d", i+1, len(w.items))); err != nil {
			return err
		}
		if err := q.ask(ctx); !errors.Is(err, errChanged) {
			return err
		}
		w.p.notef("somebody else was faster: %v", errChanged)
	}
}

// question is one conflict, with its rivals under the numbers that they have in the list of conflicts.
type question struct {
	*walk
	item
	result  *resolution.Result
	choices []replica.Choice
	doc     conflictDoc
}

// question returns what is to be asked about a conflict as it is now, nil if it is open no more, or waits.
func (w *walk) question(it item) (*question, error) {
	result, err := w.r.Merged(it.rec)
	if err != nil {
		return nil, err
	}
	if waits(it.prop, result) {
		return nil, w.noteWaits(it.rec, result)
	}
	docs, err := conflictDocs(w.list.at, w.r, it.rec, result)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(docs, func(d conflictDoc) bool { return d.Prop == it.prop })
	if i < 0 {
		return nil, w.gone(it, result)
	}
	return &question{walk: w, item: it, result: result, choices: choicesOf(result, it.prop), doc: docs[i]}, nil
}

// waits reports whether a property is not to be asked about because it is open whether its record lives: an answer would decide that.
func waits(prop string, result *resolution.Result) bool { return prop != "" && result.Existence != nil }

// noteWaits says once of a record why its properties are not asked about.
func (w *walk) noteWaits(rec changeset.RecordID, result *resolution.Result) error {
	if w.waiting[rec] {
		return nil
	}
	name, err := nameRecord(w.r, rec)
	if err != nil {
		return err
	}
	w.waiting[rec] = true
	var props []string
	for _, c := range result.Conflicts {
		props = append(props, c.Prop)
	}
	wait := "waits"
	if len(props) > 1 {
		wait = "wait"
	}
	w.p.notef("%s: %s %s: an answer would keep the record", name, list(props), wait)
	return nil
}

// gone says of a conflict that is open no more what it was decided as, unless that was said when it was decided here.
func (w *walk) gone(it item, result *resolution.Result) error {
	if w.deleted[it.rec] && !result.Exists {
		return nil
	}
	name, err := nameRecord(w.r, it.rec)
	if err != nil {
		return err
	}
	d := decisionDoc{Prop: it.prop, Value: setOrNull(result.Props[it.prop])}
	switch {
	case !result.Exists:
		w.p.notef("%s: decided meanwhile: it is deleted", name)
		return nil
	case it.prop == "":
		keep := replica.TakeKeep
		d.Value = &keep
	}
	w.p.notef("%s: decided meanwhile: %.200s", name, d.text())
	return nil
}

func choicesOf(result *resolution.Result, prop string) []replica.Choice {
	return slices.DeleteFunc(replica.Choices(result), func(c replica.Choice) bool { return c.Prop != prop })
}

// decide makes the decision, if the rivals are those that were shown.
func (q *question) decide(ctx context.Context, value string) error {
	var open []string
	edited, err := q.r.Edit(ctx, checked(func(e *replica.Edit) error {
		now, err := e.Merged(q.rec)
		if err != nil {
			return err
		}
		same := func(a, b replica.Choice) bool { return a.Entry.ID == b.Entry.ID && a.Value == b.Value }
		if waits(q.prop, now) || !slices.EqualFunc(choicesOf(now, q.prop), q.choices, same) {
			return errChanged
		}
		if open, err = conflictsOf(e, q.rec); err != nil {
			return err
		}
		return q.write(e, value)
	}))
	if err != nil {
		return err
	}
	decided, err := decisionDocs(q.r, edited.Decided)
	if err != nil {
		return err
	}
	q.decided += len(decided)
	if err := printDecisions(q.p, decided, false); err != nil || q.prop != "" || value != replica.TakeDelete {
		return err
	}
	q.deleted[q.rec] = true
	return noteGone(q.p, q.r, q.rec, open)
}

func (q *question) write(e *replica.Edit, value string) error {
	switch {
	case q.prop != "":
		return e.Update(q.rec, map[string]string{q.prop: value})
	case value == replica.TakeDelete:
		return e.Delete(q.rec)
	}
	return e.Keep(q.rec)
}

// readLine reads what the user answers. The end of input is the end of the walk.
func (w *walk) readLine() (string, error) {
	w.p.flush()
	line, err := w.in.ReadString('\n')
	if err == io.EOF {
		if line == "" {
			w.p.beside("")
			return "", errQuit
		}
		return line, nil
	}
	return line, err
}
