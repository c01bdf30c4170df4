package lanes

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the drawings in testdata")

// line is a history without forks.
func line(n int) (parents [][]int) {
	for i := range n {
		parents = append(parents, nil)
		if i > 0 {
			parents[i] = []int{i - 1}
		}
	}
	return parents
}

// star is a change with so many children, and one that has all of these as its parents.
func star(n int) [][]int {
	parents := [][]int{nil}
	var all []int
	for i := range n {
		parents = append(parents, []int{0})
		all = append(all, i+1)
	}
	return append(parents, all)
}

// open is a change with so many children, which have a child each.
func open(n int) [][]int {
	parents := star(n)[:n+1]
	for i := range n {
		parents = append(parents, []int{i + 1})
	}
	return parents
}

var drawings = map[string][][]int{
	"nothing":                         {},
	"one":                             {nil},
	"line":                            line(4),
	"fork":                            {nil, {0}, {0}},
	"fork and merge":                  {nil, {0}, {0}, {1, 2}, {3}},
	"merge with the line that ended":  {nil, {0}, {0}, {2}, {1}, {3, 4}},
	"criss-cross":                     {nil, {0}, {0}, {1, 2}, {1, 2}, {3, 4}},
	"crossing":                        {nil, {0}, {0}, {0}, {1, 3}, {2}, {4, 5}},
	"parent goes on":                  {nil, {0}, {0}, {1, 2}, {1}, {0}, {3, 4, 5}},
	"a parent and its ancestor":       {nil, {0}, {0, 1}},
	"roots":                           {nil, nil, nil, {0, 2}, {1}, {3, 4}},
	"short branches reuse a column":   {nil, {0}, {0}, {0}, {0}, {0}},
	"a hole is filled":                {nil, {0}, {0}, {0}, {1, 2}, nil, {3, 4, 5}},
	"ten parents":                     star(10),
	"ten parents of which some go on": append(star(10), []int{2}, []int{7, 9}),
	"hundred branches":                open(100),
	"hundred parents":                 star(100),
}

func TestDrawingsAreAsTheyWere(t *testing.T) {
	for name, parents := range drawings {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".txt")
			got := drawn(parents)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%v; got\n%swant\n%s", err, got, want)
			}
		})
	}
}

// drawn is a drawing with two lines of text for each change: its number and its parents, and a second one.
func drawn(parents [][]int) string {
	var b strings.Builder
	for i, row := range Draw(parents, marksOf(parents)) {
		fmt.Fprintf(&b, "%s  %d %d\n%s  text\n", row.Head, i, parents[i], row.Rest)
	}
	return b.String()
}

func marksOf(parents [][]int) string {
	marks := []byte(strings.Repeat("*", len(parents)))
	for _, ps := range parents {
		for _, p := range ps {
			marks[p] = 'o'
		}
	}
	return string(marks)
}

// TestDrawingsCanBeReadBack follows the lines of every drawing, as a reader does, and finds the parents.
func TestDrawingsCanBeReadBack(t *testing.T) {
	for name, parents := range drawings {
		var columns []int
		for i, row := range Draw(parents, marksOf(parents)) {
			got, next := readRow(row, columns, i)
			if fmt.Sprint(got) != fmt.Sprint(append([]int{}, parents[i]...)) {
				t.Errorf("%s: change %d seems to have the parents %d, it has %d", name, i, got, parents[i])
			}
			columns = next
		}
	}
}

// readRow returns the parents of a change as the row shows them, sorted, and what stands in the columns below.
func readRow(row Row, columns []int, at int) (parents, below []int) {
	mark := strings.IndexAny(row.Head, "o*")
	touches := func(i int) bool { return row.Head[i] == '+' || row.Head[i] == '\'' }
	seen := map[int]bool{}
	for c := range columns {
		if i := 2 * c; columns[c] != free && (i == mark || i < len(row.Head) && touches(i)) {
			seen[columns[c]] = true
		}
	}
	parents = []int{}
	for p := range at {
		if seen[p] {
			parents = append(parents, p)
		}
	}
	for i := 0; i < len(row.Rest); i += 2 {
		switch {
		case row.Rest[i] != '|':
			below = append(below, free)
		case i == mark:
			below = append(below, at)
		default:
			below = append(below, columns[i/2])
		}
	}
	return parents, below
}
