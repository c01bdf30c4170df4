package replica_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

// votedOn returns a replica with two rows in its log, and some in that of its resolutions.
func votedOn(t *testing.T) afero.Fs {
	t.Helper()
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	votedTwice(t, r)
	votedTwice(t, r)
	return fsys
}

// numbers are what a program of the original leaves of the number for a moment.
var numbers = map[string]func(b []byte) []byte{
	"emptied":   func([]byte) []byte { return nil },
	"one ahead": func(b []byte) []byte { b[len(b)-1]++; return b },
}

func TestAReaderWaitsForAProgramOfTheOriginal(t *testing.T) {
	for _, file := range []string{"latest-sequence-no", "resolutions/latest-sequence-no"} {
		for name, write := range numbers {
			fsys := votedOn(t)
			before, err := afero.ReadFile(fsys, file)
			if err != nil {
				t.Fatal(err)
			}
			change(t, fsys, file, write)
			var waited []time.Duration
			sleep := func(d time.Duration) {
				if waited = append(waited, d); len(waited) == 3 {
					change(t, fsys, file, setBack(string(before)))
				}
			}
			r, err := replica.Open(fsys, replica.Options{Sleep: sleep})
			if err != nil || len(waited) != 3 {
				t.Errorf("%s, %s: %v after %v", file, name, err, waited)
				continue
			}
			if err := listAll(r, ""); err != nil {
				t.Errorf("%s, %s: %v", file, name, err)
			}
			change(t, fsys, file, write)
			waited = nil
			if _, err := r.Scratch(t.Context()); err != nil || len(waited) != 3 {
				t.Errorf("%s, %s: a rehearsal gave %v after %v", file, name, err, waited)
			}
		}
	}
}

// A program of the original that dies between the number and the row leaves a replica that nobody can use until somebody mends the number.
func TestTheNumberThatARepairSetsIsNamedWhereNoRowStandsBehindIt(t *testing.T) {
	advice := regexp.MustCompile(`a repair sets it to (\d+)`)
	for _, prefix := range []string{"", "resolutions/"} {
		for name, write := range numbers {
			for _, without := range []bool{false, prefix != ""} { // the index
				fsys := votedOn(t)
				file, want := prefix+"latest-sequence-no", ""
				if without {
					fsys, _ = noted(t) // nobody voted
				}
				b, err := afero.ReadFile(fsys, file)
				if err != nil {
					t.Fatal(err)
				}
				want = string(b)
				change(t, fsys, file, write)
				waited := time.Duration(0)
				opts := replica.Options{Sleep: func(d time.Duration) { waited += d }}
				told := func(what, text string) {
					if m := advice.FindStringSubmatch(text); m == nil || m[1] != want || !strings.Contains(text, file) {
						t.Errorf("%s, %s, %s: want %s; said %s", file, name, what, want, text)
					}
				}
				r, err := replica.Open(fsys, opts)
				if err == nil {
					_, err = r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Ticket", nil); return err })
				}
				if err == nil {
					t.Fatalf("%s, %s: no error", file, name)
				}
				told("an edit", err.Error())
				told("fsck", problems(t, fsys))
				if waited < 400*time.Millisecond || waited > 3*time.Second {
					t.Errorf("%s, %s: waited for %s", file, name, waited)
				}
				mend(t, fsys)
				if b, err := afero.ReadFile(fsys, file); err != nil || string(b) != want {
					t.Errorf("%s, %s: a repair set it to %q, %v", file, name, b, err)
				}
				sound(t, fsys)
			}
		}
	}
}
