package sync

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/httpfs"
	"prophet/internal/wire"
	"prophet/replica"
)

// openAt opens what lies at the root of a file system: a mirror's packs by their head, where it has one, with the records beside it; else the tree.
// A head that is damaged is passed over where there is a tree; in a directory also one that cannot be read at all, or is not of the state that the tree shows: an older version, or the original, published there last.
func openAt(fsys afero.Fs, opts replica.Options) (*replica.Replica, error) {
	if !opts.Mirror {
		return openDirectory(fsys, opts)
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

// openDirectory is openAt where directories can be listed.
func openDirectory(fsys afero.Fs, opts replica.Options) (*replica.Replica, error) {
	shown, headErr := wire.Open(fsys)
	if headErr == nil && shown.HasTree() && isOfTree(shown) {
		return openShown(shown, nil, opts)
	}
	tree, err := replica.Open(fsys, opts)
	switch {
	case err == nil:
		return tree, nil
	case headErr == nil && shown.HasTree():
		return openShown(shown, nil, opts)
	case errors.Is(err, replica.ErrNotReplica) && (headErr == nil || errors.As(headErr, new(*wire.PackError))):
		opts.Mirror = true
		return openShown(shown, headErr, opts)
	}
	return nil, err
}

// isOfTree reports whether a head is of the state that the tree beside it shows: whatever says so there, and is not missing, is what the head has of it.
func isOfTree(shown *wire.FS) bool {
	for _, name := range []string{replica.MirrorMark, changeset.LatestFile, changeset.ResolutionsDir + "/" + changeset.LatestFile} {
		has, err := readAtMost(shown, name, wire.MaxHead)
		there, treeErr := readAtMost(shown.Under(), name, wire.MaxHead)
		if err == nil && treeErr == nil && there != nil && !bytes.Equal(has, there) {
			return false
		}
	}
	return true
}

// beside opens what else a mirror has of what a replica was read from: the v1 tree beside packs and, in a directory, packs beside a tree. It returns nil if there is no such, or it cannot be opened.
func beside(r *replica.Replica, warn func(string)) *replica.Replica {
	opts := replica.Options{Where: r.Where(), Mirror: r.Mirror(), Warn: warn}
	if shown, isShown := r.FS().(*wire.FS); isShown {
		if !shown.HasTree() {
			return nil
		}
		tree, _ := replica.Open(shown.Under(), opts)
		return tree
	}
	if opts.Mirror {
		return nil
	}
	shown, err := wire.Open(r.FS())
	if err != nil {
		return nil
	}
	packs, _ := replica.Open(shown, opts)
	return packs
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
	err = faultyPacks(where, err)
	var unread *wire.UnreadError
	if errors.As(err, &unread) && isUnsent(err) { // which names the URL
		err = unread.Err
	}
	text := err.Error() + "; so the v1 tree there is read"
	if ReadOnly(where) {
		text += ", a request for each changeset"
	}
	return text
}

// faultyPacks adds to an error of reading packs, or the head, in which mirror they are.
func faultyPacks(where string, err error) error {
	var fault *wire.PackError
	if !errors.As(err, &fault) || errors.As(err, new(*replica.FaultyError)) {
		return err
	}
	return &replica.FaultyError{Where: where, Mirror: true, Err: &replica.DamageError{Where: where, Path: fault.Path, Err: fault.Err}}
}

// runKnown is runWhole. Where the source was not asked for what is known of it, and is not what it was any more, it is asked for everything.
func (p *pull) runKnown(ctx context.Context) error {
	source := p.from
	err := p.runWhole(ctx)
	if _, isKnown := source.FS().(*known); !isKnown || !p.torn(err) {
		return err
	}
	if err := p.lookAgain(ctx, source, pauses[0]); err != nil {
		return err
	}
	if err := source.Refresh(); err != nil {
		return err
	}
	return p.runWhole(ctx)
}

// runPacks is runKnown. Where a pack of the source is missing or damaged, or is not sent to its end, its head is read once more, without caches, and then its v1 tree, if it has one. As long as something
// comes of packs that are not sent to their end, they are asked for again.
func (p *pull) runPacks(ctx context.Context) error {
	source := p.from
	_, p.packs = source.FS().(*wire.FS)
	err := p.runKnown(ctx)
	for more := true; more && p.packs && packsFail(ctx, err); {
		if err := p.lookAgain(ctx, source, pauses[0]); err != nil {
			return err
		}
		came := p.report.Integrated
		err = p.runWhole(ctx)
		more = p.report.Integrated > came && !p.opts.DryRun && errors.As(err, new(*wire.UnreadError))
	}
	if !p.packs || !packsFail(ctx, err) {
		return err
	}
	err = faultyPacks(source.Where(), err)
	tree := beside(source, p.opts.Warn)
	if tree == nil {
		return err
	}
	p.opts.warn("%s", readsTree(source.Where(), err))
	p.restart()
	p.from = tree
	return p.runWhole(ctx)
}

// packsFail reports whether an error is one of packs, which may be had otherwise: not where the server was not reached at all.
func packsFail(ctx context.Context, err error) bool {
	if errors.As(err, new(*wire.PackError)) {
		return true
	}
	var fetch *httpfs.FetchError
	return ctx.Err() == nil && errors.As(err, new(*wire.UnreadError)) && (!errors.As(err, &fetch) || fetch.Answered)
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
