// Package lanes draws a graph of changes as lines of text, one column for each line of work: what git log --graph does, with
// the oldest change above.
//
//	o      the first change
//	+-o    a branch begins: the line on the left goes on
//	o |    a change on the left line
//	| | o  a change that has no parent
//	*-'-'  a change with three parents, whose lines end there
//
// A horizontal line belongs to one change. It touches the lines at "+", which go on, and at "'", which end, and crosses those shown as "|". So
// any number of branches stays readable, and a branch takes a column only from its change to its last child.
package lanes

import (
	"bytes"
	"slices"
)

// Row is what stands to the left of the text about one change. Both parts are equally long.
type Row struct {
	Head string // beside the first line of the text
	Rest string // beside all further ones
}

// Draw returns a row for each change. parents are the numbers of the changes that each has as its parents, which are all smaller than its own. Marks are
// the letters for the changes, of one byte each.
func Draw(parents [][]int, marks string) []Row {
	d := drawing{waits: make([]int, len(parents))}
	for _, ps := range parents {
		for _, p := range ps {
			d.waits[p]++
		}
	}
	rows := make([]Row, len(parents))
	for at, ps := range parents {
		rows[at] = d.row(at, ps, marks[at])
	}
	return rows
}

// drawing is how far a drawing has come.
type drawing struct {
	waits   []int // how many children of each change are still to come
	columns []int // the change whose children each column waits for; free if none
}

const free = -1

// row draws the next change.
func (d *drawing) row(at int, parents []int, mark byte) Row {
	before := slices.Clone(d.columns)
	var touched []int // columns of the parents
	for _, p := range parents {
		d.waits[p]--
		if c := slices.Index(before, p); !slices.Contains(touched, c) {
			touched = append(touched, c)
		}
	}
	slices.Sort(touched)
	for _, c := range touched {
		if d.waits[before[c]] == 0 {
			d.columns[c] = free
		}
	}
	column := d.place(touched)
	head := d.head(before, column, touched, mark)
	if d.waits[at] > 0 {
		d.columns[column] = at
	}
	rest := d.lines(d.columns)
	d.trim()
	width := max(len(head), len(rest))
	return Row{pad(head, width), pad(rest, width)}
}

// place returns the column for a change: the first of its parents' that end, else the first one that is free.
func (d *drawing) place(touched []int) int {
	for _, c := range touched {
		if d.columns[c] == free {
			return c
		}
	}
	if c := slices.Index(d.columns, free); c >= 0 {
		return c
	}
	d.columns = append(d.columns, free)
	return len(d.columns) - 1
}

// head draws a change among the lines that come from above.
func (d *drawing) head(before []int, column int, touched []int, mark byte) []byte {
	line := d.lines(before)
	line = padded(line, 2*column+1)
	first, last := column, column
	if len(touched) > 0 {
		first, last = min(column, touched[0]), max(column, touched[len(touched)-1])
	}
	for i := 2 * first; i <= 2*last; i++ {
		if line[i] == ' ' {
			line[i] = '-'
		}
	}
	for _, c := range touched {
		line[2*c] = '+'
		if d.columns[c] == free {
			line[2*c] = '\''
		}
	}
	line[2*column] = mark
	return line
}

// lines draws the columns that are not free, without what is blank at the end.
func (d *drawing) lines(columns []int) []byte {
	line := []byte{}
	for i, c := range columns {
		if c != free {
			line = append(padded(line, 2*i), '|')
		}
	}
	return line
}

// trim drops the free columns at the end.
func (d *drawing) trim() {
	for n := len(d.columns); n > 0 && d.columns[n-1] == free; n-- {
		d.columns = d.columns[:n-1]
	}
}

// padded returns the line with at least that many characters.
func padded(line []byte, width int) []byte {
	return append(line, bytes.Repeat([]byte{' '}, max(0, width-len(line)))...)
}

func pad(line []byte, width int) string { return string(padded(line, width)) }
