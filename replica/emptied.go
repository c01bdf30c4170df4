package replica

import (
	"fmt"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
)

// openNumberedBefore opens a log of which the other program emptied latest-sequence-no after a commit of ours was cut off: with the number that it had
// before that.
func openNumberedBefore(root afero.Fs, prefix, where string, u *durable.Unfinished) (*Log, error) {
	held, err := rowsHeld(afero.NewBasePathFs(root, prefix+"."))
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", join(where, prefix+changeset.IndexFile), err)
	}
	number := formatNumber(held)
	for _, p := range u.Points {
		if p.Name == prefix+changeset.LatestFile {
			number = p.Old
		}
	}
	return openLog(root, prefix, where, &limits{View: durable.View{Points: map[string]string{prefix + changeset.LatestFile: number}}})
}

// checkNumber returns an error with the number to write where there is none: n, which the rows come to.
func (h *halted) checkNumber(n uint32) error {
	if !h.empty {
		return nil
	}
	return h.damage(changeset.LatestFile, "%w: %w, so a program that wrote it died, or is at work; %s has rows for %d: if it died, write %d into %s",
		ErrCutOff, errEmptyNumber, h.name(changeset.IndexFile), n, n, h.name(changeset.LatestFile))
}

// lastNumber is the number that the file had, where the rows come to n. If the last of them are the commit's, and it did not come to its own number, it is to
// be taken back: for what it writes before that, a reader goes by it.
func (h *halted) lastNumber(tail []byte, n uint32) uint32 {
	if _, _, kept, _ := h.place(tail, n); !kept || n != h.to {
		return n
	}
	for _, p := range h.u.Points {
		if p.Name == h.name(changeset.LatestFile) {
			return n
		}
		if text, err := readSmall(h.root, p.Name); !h.sound(err) || text != p.New {
			return h.from
		}
	}
	return n
}
