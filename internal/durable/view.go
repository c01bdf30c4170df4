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

// Uncommitted returns the view of a reader: an empty one if no commit is under way. It writes nothing and needs no lock.
func Uncommitted(fs afero.Fs) (View, error) {
	j, err := readJournal(fs)
	if errors.Is(err, errTorn) {
		return View{}, nil // nothing was done by it
	}
	if err != nil {
		return View{}, fmt.Errorf("look for an unfinished commit: %w", err)
	}
	if j == nil {
		return View{}, nil
	}
	made, err := j.committed(fs)
	if err != nil {
		return View{}, nil // if another program wrote in between, nobody can say what is committed
	}
	if made {
		return View{Replaced: j.texts()}, nil
	}
	v := View{Lengths: make(map[string]int64, len(j.lengths)), Points: make(map[string]string, len(j.points))}
	for _, l := range j.lengths {
		v.Lengths[l.name] = l.at
		if l.absent {
			v.Lengths[l.name] = -1
		}
	}
	for _, p := range j.points {
		v.Points[p.Name] = p.Old
	}
	return v, nil
}

// texts returns what the small files hold after the commit.
func (j *journal) texts() map[string]string {
	texts := make(map[string]string, len(j.replaced))
	for _, f := range j.replaced {
		texts[f.name] = string(f.data)
	}
	return texts
}
