package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// cells counts the columns that text takes, the same on every machine whatever its locale.
var cells = runewidth.Condition{StrictEmojiNeutral: true}

// Width returns the columns that s takes on a terminal: 2 for a wide character, 0 for an accent of its own.
func Width(s string) int { return cells.StringWidth(s) }

// Truncate returns s if it takes at most width columns, else as much of it as fits with "…" behind it.
func Truncate(s string, width int) string { return cells.Truncate(s, width, "…") }

const (
	gap       = 2    // spaces between columns
	lookAhead = 1000 // rows that are kept until the widths of the columns are settled by them
)

// Table writes rows of cells, each made safe. On a terminal the columns are aligned under a header, and
// cut so that a line fits the width; elsewhere cells are whole and separated by tabs, with no header.
type Table struct {
	w      io.Writer
	width  int // of the terminal; 0 when there is none
	header []string
	rows   [][]string // not yet written
	widths []int      // of the columns; nil until they are settled
	favor  int        // the column that gives way last, counted from 1; 0: none
	whole  []bool     // the columns that are never cut; nil: none
}

// NewTable returns a table that writes to w, which is a terminal of that width, or none if width is 0.
// The header is shown above the first row, if there is any.
func NewTable(w io.Writer, width int, header ...string) *Table {
	return &Table{w: w, width: width, header: header}
}

// Favor makes a column, counted from 0, the last one to be cut: the others give way before it, down to a few letters. Less than 0 is none, as without it.
func (t *Table) Favor(column int) { t.favor = max(column+1, 0) }

// Whole makes columns, counted from 0, never be cut, for what is read out or copied: a line may be longer than the terminal is wide then. Less than 0 is none.
func (t *Table) Whole(columns ...int) {
	t.whole = make([]bool, len(t.header))
	for _, c := range columns {
		if c >= 0 {
			t.whole[c] = true
		}
	}
}

// isWhole reports whether a column is never cut.
func (t *Table) isWhole(column int) bool { return t.whole != nil && t.whole[column] }

// Row adds a row with as many cells as the header has. It may be kept until [Table.Flush].
func (t *Table) Row(cells ...string) error {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = t.cell(c, t.isWhole(i))
	}
	if t.width == 0 {
		return t.write(strings.Join(row, "\t"))
	}
	t.rows = append(t.rows, row)
	if t.widths == nil && len(t.rows) < lookAhead {
		return nil
	}
	return t.Flush()
}

// Flush writes the rows that were kept.
func (t *Table) Flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	if t.widths == nil {
		t.rows = append([][]string{t.header}, t.rows...)
		t.widths = t.fit()
	}
	for _, row := range t.rows {
		if err := t.write(align(row, t.widths)); err != nil {
			return err
		}
	}
	t.rows = t.rows[:0]
	return nil
}

func (t *Table) write(line string) error {
	_, err := fmt.Fprintln(t.w, line)
	return err
}

// cell returns a cell's text, made safe; for a terminal no more of it than a line can show, because a value may be long, unless all is wanted.
func (t *Table) cell(s string, all bool) string {
	if t.width == 0 || all {
		return Safe(s)
	}
	if most := 64 * t.width; len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return Truncate(Safe(s), t.width)
}

// fewLetters is how wide a column stays at least that gives way to the one in favor.
const fewLetters = 12

// leastBeside is how wide a column stays at least beside one that is never cut.
const leastBeside = 4

// fit returns the widths of the columns. Where they do not fit into the terminal's together, the widest give way, the one in favor (if there is one) last.
func (t *Table) fit() []int {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], Width(c))
		}
	}
	room, least := t.width-gap*(len(widths)-1), 1
	if t.whole != nil {
		least = leastBeside
	}
	if favor := t.favor - 1; favor >= 0 {
		cut(widths, room, fewLetters, func(i int) bool { return i == favor || t.isWhole(i) })
		cut(widths, room, fewLetters, func(i int) bool { return i != favor || t.isWhole(i) })
	}
	cut(widths, room, least, t.isWhole)
	return widths
}

// cut makes the widest columns, but for some, narrower until all together take no more than room, or each has no more than least.
func cut(widths []int, room, least int, but func(i int) bool) {
	for most := slices.Max(widths); most >= least && sum(widths) > room; most-- {
		for i := range widths {
			if !but(i) {
				widths[i] = min(widths[i], most)
			}
		}
	}
}

func sum(widths []int) (n int) {
	for _, w := range widths {
		n += w
	}
	return n
}

// align returns a line with each cell cut and padded to the width of its column; nothing is padded at the end.
func align(row []string, widths []int) string {
	var b strings.Builder
	for i, c := range row {
		c = Truncate(c, widths[i])
		b.WriteString(c)
		b.WriteString(strings.Repeat(" ", widths[i]-Width(c)+gap))
	}
	return strings.TrimRight(b.String(), " ")
}
