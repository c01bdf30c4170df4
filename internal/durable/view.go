package durable

import (
	"errors"
	"fmt"

	"github.com/spf13/afero"
)

// View is what a reader must not look beyond while a commit is not made, because a power cut or a kill stopped it
// or its writer is at work: past these lengths anything may lie.
type View struct {
	Lengths map[string]int64  // committed length in bytes of each file that the commit grows, -1 if there was no such file
	Points  map[string]string // text of the commit files before it
	// Replaced is the text of the small files that a commit replaces which is made, and whose writer is at that or did not live to do it.
	Replaced map[string]string
}

// Uncommitted returns the view of a reader: an empty one if no commit is under way. It writes nothing and needs no lock. Where another program wrote
// since a commit was cut off, the error is a [ForeignError].
func Uncommitted(fs afero.Fs) (View, error) {
	for {
		j, err := readJournal(fs)
		if j == nil || errors.Is(err, errTorn) {
			return View{}, lookError(err)
		}
		made, err := j.judge(fs)
		if err == nil {
			return j.view(made), nil
		}
		// A writer at work empties its journal before it begins the next one. So if this one is still there, no other commit was judged by it.
		if now, nerr := readJournal(fs); nerr == nil && now != nil && now.text() == j.text() {
			return View{}, lookError(err)
		}
	}
}

func lookError(err error) error {
	if err == nil || errors.Is(err, errTorn) { // by a torn journal nothing was done
		return nil
	}
	return fmt.Errorf("look for an unfinished commit: %w", err)
}

// view is what a reader sees of a commit that was made or not.
func (j *journal) view(made bool) View {
	if made {
		return View{Replaced: j.texts()}
	}
	v := View{Lengths: make(map[string]int64, len(j.lengths)), Points: make(map[string]string, len(j.points))}
	for _, l := range j.lengths {
		v.Lengths[l.Name] = l.At
		if l.Absent {
			v.Lengths[l.Name] = -1
		}
	}
	for _, p := range j.points {
		v.Points[p.Name] = p.Old
	}
	return v
}

// texts returns what the small files hold after the commit.
func (j *journal) texts() map[string]string {
	texts := make(map[string]string, len(j.replaced))
	for _, f := range j.replaced {
		texts[f.Name] = string(f.Data)
	}
	return texts
}
