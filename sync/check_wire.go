package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/wire"
	"prophet/replica"
)

// packCheck is a look at the head of a mirror and its packs, in constant memory.
type packCheck struct {
	tree   afero.Fs // where the replica's files are in the mirror
	opts   replica.Options
	report func(replica.Problem)
	head   *wire.Head
	beside *replica.Replica // the v1 tree; nil if there is none, or it cannot be opened
}

func (c *packCheck) problem(file, format string, args ...any) {
	c.report(replica.Problem{Path: file, Text: fmt.Sprintf(format, args...)})
}

// remakes ends the text of a problem of packs: whoever publishes the mirror has all of it.
const remakes = `; "prophet publish --check" writes it anew`

// checkPacks checks the head of a mirror and its packs, if it has any, and reports whether they are all that it has.
func checkPacks(ctx context.Context, tree afero.Fs, opts replica.Options, report func(replica.Problem)) (alone bool, err error) {
	c := &packCheck{tree: tree, opts: opts, report: report}
	c.head, err = wire.ReadHead(tree)
	var fault *wire.PackError
	switch {
	case errors.Is(err, fs.ErrNotExist) || opts.Mirror && errors.Is(err, fs.ErrPermission):
		return false, c.withoutHead()
	case errors.As(err, &fault):
		c.problem(fault.Path, "%v"+remakes, fault.Err)
		there, err := exists(tree, changeset.ReplicaVersionFile)
		return err == nil && !there, nil
	case err != nil:
		return false, err
	}
	if c.head.Tree {
		if err := c.files(); err != nil {
			return false, err
		}
		c.beside, _ = replica.Open(tree, opts) // what is wrong with it is told elsewhere
	}
	sound := true
	for log := range c.head.Logs {
		ok, err := c.log(ctx, log)
		if sound = sound && ok; err != nil {
			return false, err
		}
	}
	if sound {
		err = c.sums()
	}
	return !c.head.Tree, err
}

// withoutHead looks for packs that no head names. Without a head, an older version published the mirror.
func (c *packCheck) withoutHead() error {
	if c.opts.Mirror {
		return nil
	}
	infos, err := afero.ReadDir(c.tree, path.Dir(wire.PackFile("")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(infos) > 0 {
		c.problem(wire.HeadFile, "it is missing, and there are packs"+remakes)
	}
	return err
}

// files compares the small files in the head with those of the tree.
func (c *packCheck) files() error {
	has := map[string][]byte{}
	maps.Copy(has, c.head.Binary)
	for name, text := range c.head.Files {
		has[name] = []byte(text)
	}
	for _, name := range slices.Concat(headTexts, headBinary) {
		b, err := readAtMost(c.tree, name, wire.MaxHead)
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		if !bytes.Equal(b, has[name]) {
			c.problem(wire.HeadFile, "its %s is not the one beside it: one of the two is damaged, or an older version published there, or somebody is publishing; the next publication writes the head anew", name)
			return nil
		}
	}
	return nil
}

// log checks the packs of a log, and reports whether nothing is wrong with them.
func (c *packCheck) log(ctx context.Context, log int) (sound bool, err error) {
	sound = true
	rows, err := c.rowsBeside(log)
	if err != nil {
		return false, err
	}
	err = c.head.Check(ctx, c.tree, log, func(f *wire.Frame) error {
		if rows == nil {
			return nil
		}
		there, err := rows.Collect(f.Rows[0].Seq, f.Rows[len(f.Rows)-1].Seq)
		if err == nil && !slices.Equal(there, f.Rows) { // an index that cannot be read is told elsewhere
			return fmt.Errorf("its rows %d to %d are not those beside it: one of the two is damaged", f.Rows[0].Seq, f.Rows[len(f.Rows)-1].Seq)
		}
		return nil
	}, func(p wire.Pack, err error) {
		sound = false
		if replica.IsUnread(err) {
			c.report(replica.Unread(wire.PackFile(p.Name), err))
			return
		}
		c.problem(wire.PackFile(p.Name), "%v"+remakes, reasonOf(err))
	})
	if err != nil && ctx.Err() == nil {
		sound = false
		c.problem(wire.HeadFile, "the newest rows in it: %v"+remakes, reasonOf(err))
		err = nil
	}
	return sound, err
}

func reasonOf(err error) error {
	var fault *wire.PackError
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}

// rowsBeside returns the log of the tree with which the rows in packs are compared; nil if there is none.
func (c *packCheck) rowsBeside(log int) (*replica.Log, error) {
	switch {
	case c.beside == nil:
		return nil, nil
	case log == wire.Log:
		return c.beside.Log(), nil
	case log == wire.Votes:
		return c.beside.Resolutions(), nil
	}
	list, err := c.beside.Representations()
	if err != nil {
		return nil, nil // that is told elsewhere
	}
	return list, nil
}

// sums holds the rows of each log against the latest state that the mark in the head names.
func (c *packCheck) sums() error {
	mark, ok := replica.ParseMark(c.head.Files[replica.MirrorMark])
	if !ok || mark.States[0].IsZero() || mark.Changesets.Seq == 0 {
		return nil
	}
	shown, err := wire.Open(c.tree)
	if err != nil {
		return err
	}
	opts := c.opts
	opts.Mirror = true
	r, err := replica.Open(shown, opts)
	if err != nil {
		c.problem(wire.HeadFile, "it shows no replica: %v"+remakes, err)
		return nil
	}
	list, err := r.Representations()
	if err != nil {
		return err
	}
	for i, l := range []*replica.Log{replica.PublishedLog: r.Log(), replica.PublishedList: list, replica.PublishedVotes: r.Resolutions()} {
		sum, err := replica.RowsSum(l, l.Latest())
		if err != nil {
			return err
		}
		if s := mark.States[0]; s.Rows[i] != l.Latest() || s.Sums[i] != sum {
			c.problem(wire.HeadFile, "its rows are not those that the mark in it names: it is of no state that was published"+remakes)
			return nil
		}
	}
	return nil
}
