package accidents

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"prophet/internal/race"
)

func TestMain(m *testing.M) {
	race.LetGarbageLie()
	os.Exit(m.Run())
}

// TestTableOfAccidents tries every fault at the file operations of everything that writes.
func TestTableOfAccidents(t *testing.T) {
	var lines strings.Builder
	w := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, f := range faults {
		fmt.Fprint(w, strings.Join(f.columns, "\t"), "\t")
	}
	fmt.Fprint(w, "disks left\t\n")
	total, disks := 0, 0
	for _, o := range operations(t) {
		o.undisturbed(t)
		fmt.Fprintf(w, "%s\t", o.name)
		for _, n := range o.row(t) {
			total += n
			fmt.Fprintf(w, "%d\t", n)
		}
		disks += len(o.found)
		fmt.Fprintf(w, "%d\t\n", len(o.found))
	}
	w.Flush()
	t.Logf("%d accidents, after which %d different disks were left:\n%s", total, disks, &lines)
}

// row fills a row of the table.
func (o *operation) row(t *testing.T) (row []int) {
	for _, f := range faults {
		var cells []int
		t.Run(o.name+", "+f.columns[0], func(t *testing.T) { cells = o.sweep(t, f) })
		for i, n := range cells {
			if n == 0 {
				t.Errorf("%s: no %s happened", o.name, f.columns[i])
			}
		}
		row = append(row, cells...)
	}
	return row
}
