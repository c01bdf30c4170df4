package accidents

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/parts"
	"prophet/replica"
)

// tidyings are what gives the same changesets other files: gc, which folds loose ones into parts, and then merges these, and unpack.
func tidyings(t *testing.T) []*operation {
	was := parts.DefaultFormat
	parts.DefaultFormat = replica.FormatParts
	defer func() { parts.DefaultFormat = was }()
	s := newScene(t).fight()
	s.pull("ann", "bob")
	s.edit("ann", func(e *replica.Edit) error { return e.Take(s.ticket, replica.TakeMine) })
	loose := s.only("ann")
	gc := func(w *work) error {
		r, err := w.open("ann")
		if err == nil {
			_, err = r.GC(context.Background(), replica.GCOptions{})
		}
		return err
	}
	s.check(gc(&work{fs: s.disk, told: func() {}}))
	s.update("ann", "status", "done")
	s.create("ann", "all is well")
	packed := s.only("ann")
	unpack := func(w *work) error {
		r, err := w.open("ann")
		if err != nil {
			return err
		}
		return r.Unpack(context.Background(), nil)
	}
	return []*operation{
		{name: "gc", safe: true, start: loose, do: gc, state: stored},
		{name: "gc that merges", safe: true, start: packed, do: gc, state: stored},
		{name: "unpack", safe: true, whole: true, start: packed, do: unpack, state: formatted},
	}
}

// formatted is views of Ann's replica, with its format.
func formatted(fs afero.Fs) (string, error) {
	text, err := views("ann")(fs)
	if err != nil {
		return "", err
	}
	r, err := replica.Open(dir(fs, "ann"), options("reader", march, ""))
	if err != nil {
		return "", err
	}
	return text + "format " + r.Format(), nil
}

// stored is formatted, with the rows that parts have.
func stored(fs afero.Fs) (string, error) {
	text, err := formatted(fs)
	if err != nil {
		return "", err
	}
	for _, prefix := range []string{"ann/", "ann/resolutions/"} {
		b, err := afero.ReadFile(fs, prefix+parts.ListFile)
		if errors.Is(err, iofs.ErrNotExist) {
			continue
		}
		list, perr := parts.ParseList(string(b))
		if err := errors.Join(err, perr); err != nil {
			return "", err
		}
		for _, ref := range list {
			text += fmt.Sprint("\npart ", prefix, ref.First, "-", ref.Last)
		}
	}
	return text, nil
}
