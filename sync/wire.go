package sync

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/afero"

	"prophet/internal/wire"
	"prophet/replica"
)

// openAt opens what lies at the root of a file system: on the web a mirror's packs by their head, where it has one, else the tree; in a directory the tree first.
// A head that is damaged is passed over where there is a tree.
func openAt(fsys afero.Fs, opts replica.Options) (*replica.Replica, error) {
	if !opts.Mirror {
		r, err := replica.Open(fsys, opts)
		if !errors.Is(err, replica.ErrNotReplica) {
			return r, err
		}
		if shown, headErr := wire.Open(fsys); headErr == nil || errors.As(headErr, new(*wire.PackError)) {
			opts.Mirror = true
			return openShown(shown, headErr, opts)
		}
		return nil, err
	}
	shown, err := wire.Open(fsys)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission): // as servers say that do not tell what is not there
		return replica.Open(fsys, opts)
	case !errors.As(err, new(*wire.PackError)):
		return openShown(shown, err, opts)
	}
	tree, treeErr := replica.Open(fsys, opts)
	if treeErr != nil {
		return nil, faultyPacks(opts.Where, err)
	}
	if opts.Warn != nil {
		opts.Warn(readsTree(opts.Where, err))
	}
	return tree, nil
}

// openShown opens what a head shows, unless that cannot be read.
func openShown(shown *wire.FS, err error, opts replica.Options) (*replica.Replica, error) {
	if err != nil {
		return nil, faultyPacks(opts.Where, err)
	}
	return replica.Open(shown, opts)
}

// readsTree is the warning that a mirror is read without its packs.
func readsTree(where string, err error) string {
	return faultyPacks(where, err).Error() + "; so the v1 tree there is read, a request for each changeset"
}

// faultyPacks adds to an error of reading packs, or the head, in which mirror they are.
func faultyPacks(where string, err error) error {
	var fault *wire.PackError
	if !errors.As(err, &fault) || errors.As(err, new(*replica.FaultyError)) {
		return err
	}
	return &replica.FaultyError{Where: where, Mirror: true, Err: &replica.DamageError{Where: where, Path: fault.Path, Err: fault.Err}}
}

// runPacks is runWhole. Where a pack of the source is missing or damaged, its head is read once more, without caches, and then its v1 tree, if it has one.
func (p *pull) runPacks(ctx context.Context) error {
	source := p.from
	err := p.runWhole(ctx)
	shown, isShown := source.FS().(*wire.FS)
	if !isShown || !errors.As(err, new(*wire.PackError)) {
		return err
	}
	if err := p.lookAgain(ctx, source, pauses[0]); err != nil {
		return err
	}
	if err = p.runWhole(ctx); !errors.As(err, new(*wire.PackError)) {
		return err
	}
	err = faultyPacks(source.Where(), err)
	if !shown.HasTree() {
		return err
	}
	tree, treeErr := replica.Open(shown.Under(), replica.Options{Where: source.Where(), Mirror: source.Mirror(), Warn: p.opts.Warn})
	if treeErr != nil {
		return err
	}
	p.opts.warn("%s", readsTree(source.Where(), err))
	p.restart()
	p.from = tree
	return p.runWhole(ctx)
}

// runWindows pulls what is new in a state of a mirror's packs but for the last window of it, each window as if it were the state: so a pull does that was cut off, and another one after it.
func (p *pull) runWindows(ctx context.Context, source *replica.Replica, state replica.Published) error {
	shown, ok := source.FS().(*wire.FS)
	defer func() { p.later = 0 }()
	for ok && !p.all {
		read, err := p.readOf(source, state)
		if err != nil {
			return err
		}
		after, last := read[replica.PublishedLog], state.Rows[replica.PublishedLog]
		end := shown.Window(wire.Log, after, last)
		if end <= after || end >= last {
			return nil
		}
		part := state
		part.Rows[replica.PublishedLog], part.Sums[replica.PublishedLog] = end, ""
		part.Rows[replica.PublishedList] = min(part.Rows[replica.PublishedList], read[replica.PublishedList])
		p.from, p.older, p.later = source.At(part), nil, int(last-end)
		if err := p.run(ctx); err != nil {
			return err
		}
		if now, err := p.readOf(source, state); err != nil || now[replica.PublishedLog] != end {
			return err // something is lost there: the rest comes in one go
		}
	}
	return nil
}
