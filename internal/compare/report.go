package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// outcome is what came out of a row at one place and size.
type outcome struct {
	row, place string
	size       int // changesets; 0: several
	verdicts   []verdict
	measured   []measured
	steady     map[string]float64 // what must be the same at any size, by what it is
	failure    error
}

// report is what is printed.
type report struct {
	about    []string
	outcomes []outcome
	failures []error
}

func (r *report) add(o outcome) {
	if o.failure != nil {
		r.failed(fmt.Errorf("%s, %s, %d: %w", o.row, o.place, o.size, o.failure))
	}
	r.outcomes = append(r.outcomes, o)
}

func (r *report) failed(err error) { r.failures = append(r.failures, err) }

func (r *report) err() error { return errors.Join(r.failures...) }

// write prints the tables as Markdown.
func (r *report) write(w io.Writer) error {
	text := strings.Join(r.about, "\n") + "\n\n"
	text += "| row | what | on | changesets | prophet | beside | ratio (of medians) | of CPU | target | met |\n|---|---|---|---|---|---|---|---|---|---|\n"
	for _, o := range r.outcomes {
		for _, v := range o.verdicts {
			text += line(o.row, v.what, o.place, shownSize(o.size), v.ours, v.theirs, v.ratio, v.cpu, v.target, string(v.met))
		}
		if o.failure != nil {
			text += line(o.row, "failed: "+strings.ReplaceAll(o.failure.Error(), "\n", " "), o.place, shownSize(o.size), "", "", "", "", "", string(unknown))
		}
	}
	text += "\n| row | program | on | changesets | least | median | CPU | memory | requests | sent | files | content | on the disk |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
	for _, o := range r.outcomes {
		for _, m := range o.measured {
			text += line(append([]string{o.row, m.name, o.place, shownSize(o.size)}, m.cells()...)...)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

// cells are what the program took.
func (m measured) cells() []string {
	if m.missing != "" {
		return []string{m.missing, "", "", "", "", "", "", "", ""}
	}
	cells := []string{shownTime(m.least()), shownTime(m.median()), shownTime(m.cpu()), shownBytes(m.memory())}
	for _, counted := range []struct {
		n     int64
		shown func(int64) string
	}{
		{m.requests(), shownCount},
		{m.sent(), shownBytes},
		{m.files(), shownCount},
		{m.most(func(s sample) int64 { return s.tree.bytes }), shownBytes},
		{m.most(func(s sample) int64 { return s.tree.allocated }), shownBytes},
	} {
		if counted.n == 0 {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, counted.shown(counted.n))
	}
	return cells
}

func shownCount(n int64) string { return fmt.Sprint(n) }

func shownSize(n int) string {
	if n == 0 {
		return "all"
	}
	return fmt.Sprint(n)
}

func line(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// steadiness holds what must be the same at any size: of each row and figure, by size.
type steadiness map[string]map[int]float64

func (s steadiness) note(size int, o outcome) {
	for what, value := range o.steady {
		key := o.row + ": " + what
		if s[key] == nil {
			s[key] = map[int]float64{}
		}
		s[key][size] = value
	}
}
