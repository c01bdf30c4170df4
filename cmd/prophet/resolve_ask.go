package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"prophet/internal/terminal"
	"prophet/replica"
)

// show prints the conflict: what it is about, the record's headline, and the rivals.
func (q *question) show(place string) error {
	if err := q.p.linef("\n%s (%s)", q.doc.heading(), place); err != nil {
		return err
	}
	for _, name := range headlines {
		if text := q.result.Props[name]; text != "" && name != q.prop {
			if err := q.p.linef("  %s: %s", name, terminal.Truncate(terminal.Safe(text), max(cmp.Or(q.e.OutWidth, helpWidth)-len(name)-4, 10))); err != nil {
				return err
			}
			break
		}
	}
	if err := q.list.nobodys(q.doc, "h"); err != nil {
		return err
	}
	for i, rival := range q.doc.Rivals {
		if err := q.list.rival(rival, q.doc.because(i), q.valueLines(i)); err != nil {
			return err
		}
	}
	if err := q.showMerged(); err != nil {
		return err
	}
	return q.list.rule(q.doc)
}

// showMerged shows the merged text as one of the choices.
func (q *question) showMerged() error {
	if q.doc.Merged == nil {
		return nil
	}
	if err := q.p.indented("   m  ", q.textLines(q.doc.text(*q.doc.Merged), 0)); err != nil {
		return err
	}
	return q.p.linef("      the changes of both, merged")
}

// keys are the answers that can be given, and what they do.
func (q *question) keys() (keys []string, help []string) {
	add := func(key, what string) { keys, help = append(keys, key), append(help, key+"  "+what) }
	add(fmt.Sprintf("%d-%d", q.choices[0].N, q.choices[len(q.choices)-1].N), "take the rival with this number")
	switch {
	case q.prop == "":
		add("k", "keep the record")
		add("d", "delete the record")
	case q.doc.Merged != nil:
		add("m", "take the changes of both, merged")
	}
	if q.doc.isNobodys() {
		add("h", "take what holds for now")
	}
	if q.isText() {
		add("e", "write what shall hold in the editor")
	}
	add("s", "skip: leave it open")
	add("q", "quit: leave the rest open")
	add("?", "show this")
	return keys, help
}

// isText reports whether the conflict is about a value that may be any text: not one about a record's existence, or a rule.
func (q *question) isText() bool { return q.prop != "" && q.doc.sets == nil }

// ask asks until there is a decision, or the user wants none.
func (q *question) ask(ctx context.Context) error {
	keys, help := q.keys()
	for {
		fmt.Fprintf(q.e.Stdout, "Which shall hold? [%s] ", strings.Join(keys, " "))
		line, err := q.readLine()
		if err != nil {
			return err
		}
		answer := strings.ToLower(strings.TrimSpace(line))
		switch answer {
		case "":
			continue
		case "?":
			if _, err := fmt.Fprintln(q.e.Stdout, strings.Join(help, "\n")); err != nil {
				return err
			}
			continue
		}
		again, err := q.answer(ctx, answer)
		if !again {
			return err
		}
	}
}

// answer does what the user answered. Again is set if that was no decision, and the question stands.
func (q *question) answer(ctx context.Context, answer string) (again bool, err error) {
	n, notNumber := strconv.Atoi(answer)
	switch {
	case answer == "s":
		return false, errSkip
	case answer == "q":
		return false, errQuit
	case notNumber == nil && q.offers(n):
		err := q.decide(ctx, q.choices[n-q.choices[0].N].Value)
		if again = errors.As(err, new(*replica.RuleError)); again {
			q.refused(err)
			return true, nil
		}
		return false, err
	case answer == "k" && q.prop == "":
		return false, q.decide(ctx, replica.TakeKeep)
	case answer == "d" && q.prop == "":
		return false, q.decide(ctx, replica.TakeDelete)
	case answer == "m" && q.doc.Merged != nil:
		return false, q.decide(ctx, *q.doc.Merged)
	case answer == "h" && q.doc.isNobodys():
		return false, q.decide(ctx, q.result.Props[q.prop])
	case answer == "e" && q.isText():
		return q.edit(ctx)
	}
	q.p.beside(safef(`"%.100s" is no answer here; ? shows what is`, answer))
	return true, nil
}

// offers reports whether a rival that is asked about has the number.
func (q *question) offers(n int) bool {
	return slices.ContainsFunc(q.choices, func(c replica.Choice) bool { return c.N == n })
}

// edit lets the user write what shall hold, beginning with the merged text if there is one, else with what holds for now. A text that is left as it
// was decides nothing.
func (q *question) edit(ctx context.Context) (again bool, err error) {
	text := q.result.Props[q.prop]
	if q.doc.Merged != nil {
		text = *q.doc.Merged
	}
	unchanged := false
	err = q.e.edit(text, func(edited string) error {
		if !strings.HasSuffix(text, "\n") {
			edited = strings.TrimSuffix(edited, "\n") // which editors add
		}
		if unchanged = edited == text; unchanged {
			return nil
		}
		if edited == "" {
			return errEmptied
		}
		return q.decide(ctx, edited)
	})
	switch {
	case unchanged:
		q.p.beside("prophet: the text is as it was: nothing was decided")
		return true, nil
	case err == nil || ctx.Err() != nil:
		return false, err
	}
	q.refused(err)
	if errors.Is(err, errChanged) {
		return false, errChanged
	}
	return true, nil
}

// refused says why an answer was not taken.
func (q *question) refused(err error) {
	q.p.beside("prophet: error: " + safef("%s", err))
	if hint := hintOf(err); hint != "" {
		q.p.beside(hintText(q.p.e.here(hint)))
	}
}
