package sync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
)

// ErrNotEmpty is wrapped by the error of an export into a directory that holds something.
var ErrNotEmpty = errors.New("not empty")

// Export writes a copy of the state that from shows, as the original's export makes it, at the root of dest, which must be empty or absent: the identity of the
// replica, its changesets byte for byte, of each living record its present version with an index of one row, the changesets of the
// resolutions, and nothing of ours but the list of representations, if there is one. The copy is made to be cloned, by the original too, and not to be edited.
//
// replica-version is written last: a copy that was cut off is not a replica. progress is told how many changesets were written; it may be nil. What from has lost does
// not come to who reads the copy, and from does not warn of it meanwhile: see [Withheld].
func Export(ctx context.Context, from *replica.Replica, dest afero.Fs, progress func(done, total int)) error {
	defer from.LossIsTold()()
	if err := export(ctx, from, dest, progress); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func export(ctx context.Context, from *replica.Replica, dest afero.Fs, progress func(done, total int)) error {
	if err := checkEmpty(dest); err != nil {
		return err
	}
	if err := makeRoot(dest); err != nil {
		return err
	}
	w, err := newTreeWriter(from, dest, progress)
	if err != nil {
		return err
	}
	main, votes, err := logs(from)
	if err != nil {
		return err
	}
	w.total = int(main.Latest()) + int(votes.Latest())
	list, err := from.Representations()
	if err != nil {
		return err
	}
	for _, l := range []treeLog{votes, main} {
		if err := w.exportLog(ctx, l, from); err != nil {
			return err
		}
	}
	end := []text{votes.versionFile(), main.versionFile()}
	if l := (treeList{Log: list}); l.news() {
		if err := w.copyList(ctx, l); err != nil {
			return err
		}
		end = append([]text{l.numberFile()}, end...)
	}
	return w.writeTexts(end)
}

// exportLog writes a log and its identity. The original makes the directories whether it puts something into them or not.
func (w *treeWriter) exportLog(ctx context.Context, l treeLog, from *replica.Replica) error {
	for _, dir := range []string{"cas/" + changeset.ChangesetObjects, "cas/" + changeset.RecordObjects, changeset.RecordsDir, "userdata"} {
		if err := durable.MkdirAll(w.fs, l.prefix+dir); err != nil {
			return err
		}
	}
	if err := w.copyNews(ctx, l); err != nil {
		return err
	}
	if err := w.writeIndex(l, from); err != nil {
		return err
	}
	if len(l.lost) > 0 {
		if err := w.writeLeft(l); err != nil {
			return err
		}
		list, err := l.lostFile()
		if err != nil {
			return err
		}
		if err := w.writeTexts([]text{list}); err != nil {
			return err
		}
	}
	return w.writeTexts(append(l.identity(), l.latestFile()))
}

func checkEmpty(dest afero.Fs) error {
	d, err := dest.Open(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(1)
	if err == nil && len(names) > 0 {
		return fmt.Errorf("the directory is %w: it holds %s; a copy is made where nothing is", ErrNotEmpty, names[0])
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
