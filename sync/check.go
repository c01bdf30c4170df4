package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/wire"
	"prophet/replica"
)

// Check checks what lies at a location: a replica, an exported copy, or a mirror, of which it checks all databases. See [CheckTree].
func (c Carriers) Check(ctx context.Context, location string, opts replica.Options, report func(replica.Problem), progress func(done, total int)) (trees []string, err error) {
	fsys, shown, err := c.reach(ctx, location)
	if err != nil {
		return nil, err
	}
	opts.Where, opts.Mirror = shown, opts.Mirror || ReadOnly(location)
	return CheckTree(ctx, fsys, opts, report, progress)
}

// CheckTree is [replica.Check] for the root of a file system, where a replica, an exported copy, or a mirror of databases lies. It returns the directories that it checked,
// "" for the root. The paths of problems start at the root. Where directories cannot be listed, as on a web server, as opts.Mirror says, what lies there for nothing is not found.
// The error wraps [replica.ErrNotReplica] if nothing is there.
func CheckTree(ctx context.Context, fsys afero.Fs, opts replica.Options, report func(replica.Problem), progress func(done, total int)) (trees []string, err error) {
	trees, err = checkTrees(ctx, fsys, opts, func(p replica.Problem) {
		if ctx.Err() == nil { // else it may be about what was not read because of that
			report(p)
		}
	}, progress)
	if err == nil {
		err = context.Cause(ctx)
	}
	return trees, err
}

func checkTrees(ctx context.Context, fsys afero.Fs, opts replica.Options, report func(replica.Problem), progress func(done, total int)) (trees []string, err error) {
	m := mirrorCheck{fsys: fsys, opts: opts, report: report}
	for _, name := range []string{changeset.ReplicaVersionFile, changeset.ReplicaUUIDFile, changeset.IndexFile, wire.HeadFile} {
		there, err := exists(fsys, name)
		if err != nil && !(opts.Mirror && errors.Is(err, fs.ErrPermission)) {
			return nil, err
		}
		if there {
			return []string{""}, m.checkTree(ctx, fsys, "", progress)
		}
	}
	if trees, err = m.databases(); err != nil {
		return nil, err
	}
	for _, dir := range trees {
		if err := m.check(ctx, dir, progress); err != nil {
			return trees, err
		}
	}
	return trees, nil
}

// mirrorCheck is a look at a mirror of databases.
type mirrorCheck struct {
	fsys   afero.Fs
	opts   replica.Options
	report func(replica.Problem)
}

func (m *mirrorCheck) problem(harmless bool, file, format string, args ...any) {
	m.report(replica.Problem{Path: file, Text: fmt.Sprintf(format, args...), Harmless: harmless})
}

// databases returns the directories of the databases, those that the MirrorFile names and those that lie beside it.
func (m *mirrorCheck) databases() ([]string, error) {
	beside, err := m.beside()
	if err != nil {
		return nil, err
	}
	beside, coming := m.coming(beside)
	named, err := m.named() // after that: who is no longer at it has named it
	if err != nil {
		return nil, err
	}
	if named == nil && len(beside)+len(coming) == 0 {
		return nil, fmt.Errorf("%s is %w: it has neither a file %s nor a file %s", m.opts.Where, replica.ErrNotReplica, changeset.ReplicaVersionFile, MirrorFile)
	}
	for _, dir := range coming {
		if !slices.Contains(named, dir) {
			m.problem(true, MirrorFile, "it does not name the database %s, which somebody is publishing there", dir)
		}
	}
	for _, dir := range beside {
		if !slices.Contains(named, dir) {
			p := replica.Problem{Path: MirrorFile, Text: fmt.Sprintf("it does not name the database %s, which lies beside it; the next publication writes it anew", dir)}
			if named == nil {
				p.Text, p.Why = fmt.Sprintf("the file is missing, and the database %s lies beside it: %v; the next one writes it", dir, ErrUnpublished), ErrUnpublished
			}
			m.report(p)
		}
	}
	all := append(slices.Clone(named), beside...)
	slices.Sort(all)
	switch info, err := m.fsys.Stat(mirrorLock); {
	case err != nil:
	case !info.Mode().IsRegular():
		m.problem(true, mirrorLock, "it must be a regular file, and is %s: move it to somewhere else", durable.Kind(info.Mode()))
	case info.Size() > 0:
		m.problem(true, mirrorLock, "it holds %d bytes; it stands for a lock, and nobody reads it", info.Size())
	}
	if !m.opts.Mirror {
		err = tellTemps(m.fsys, rootTemps, m.report)
	}
	return slices.Compact(all), err
}

// coming parts the databases to which somebody is publishing now, be it for the first time, from the others.
func (m *mirrorCheck) coming(beside []string) (others, coming []string) {
	for _, dir := range beside {
		if durable.Locked(below(m.fsys, dir), mirrorLock) {
			coming = append(coming, dir)
		} else {
			others = append(others, dir)
		}
	}
	return others, coming
}

// named returns the databases that the MirrorFile names; nil if there is none.
func (m *mirrorCheck) named() ([]string, error) {
	if info, err := m.fsys.Stat(MirrorFile); err == nil && !info.Mode().IsRegular() {
		m.report(replica.Problem{Path: MirrorFile, Text: "it must be a regular file, and is " + durable.Kind(info.Mode()) + ": move it to somewhere else", ByHand: true})
		return []string{}, nil
	}
	b, err := readAtMost(m.fsys, MirrorFile, maxMirrorFile)
	var damage *replica.DamageError
	if errors.As(err, &damage) {
		m.problem(false, MirrorFile, "%v", damage.Err)
		return []string{}, nil
	}
	if b == nil || err != nil {
		return nil, err
	}
	index, err := parseMirrorIndex(b)
	if errors.Is(err, errNewerMirror) {
		return nil, fmt.Errorf("read %s: %w", MirrorFile, err)
	}
	if err != nil {
		m.problem(false, MirrorFile, "%v; the next publication writes it anew", err)
		return []string{}, nil
	}
	if !bytes.Equal(b, index.encode()) {
		m.problem(true, MirrorFile, "it is not as our programs write it")
	}
	return append([]string{}, index.databases...), nil
}

// beside returns the directories at the root that hold a database.
func (m *mirrorCheck) beside() (dirs []string, err error) { return besideIn(m.fsys, m.opts) }

func besideIn(fsys afero.Fs, opts replica.Options) (dirs []string, err error) {
	if opts.Mirror {
		return nil, nil
	}
	infos, err := afero.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		if _, err := changeset.ParseUUID(info.Name()); err != nil || !info.IsDir() {
			continue
		}
		for _, name := range []string{changeset.ReplicaVersionFile, changeset.DatabaseUUIDFile, wire.HeadFile} {
			if there, err := exists(fsys, path.Join(info.Name(), name)); err == nil && there {
				dirs = append(dirs, info.Name())
				break
			}
		}
	}
	return dirs, nil
}

// check checks the tree of one database.
func (m *mirrorCheck) check(ctx context.Context, dir string, progress func(done, total int)) error {
	tree := below(m.fsys, dir)
	err := m.checkTree(ctx, tree, dir, progress)
	if errors.Is(err, replica.ErrNotReplica) {
		m.problem(false, dir, "%s names it, and there is no replica: it has no %s", MirrorFile, changeset.ReplicaVersionFile)
		return nil
	}
	if err != nil {
		return err
	}
	if b, err := readAtMost(tree, changeset.DatabaseUUIDFile, 4096); err == nil && b != nil && !strings.EqualFold(strings.TrimSpace(string(b)), dir) {
		m.problem(false, path.Join(dir, changeset.DatabaseUUIDFile), "it holds %.50q, and the directory is that of %s", strings.TrimSpace(string(b)), dir)
	}
	return nil
}

// checkTree checks the tree in a directory, and the packs beside it, of a state in which nobody publishes there.
func (m *mirrorCheck) checkTree(ctx context.Context, tree afero.Fs, dir string, progress func(done, total int)) error {
	opts := m.opts
	if dir != "" {
		opts.Where = strings.TrimSuffix(opts.Where, "/") + "/" + dir
	}
	mirror := opts.Mirror || IsMirror(tree)
	look := func(ctx context.Context, report func(replica.Problem)) error {
		sent, files := &sentFS{Fs: tree, unsent: map[string]error{}}, tree
		within := func(p replica.Problem) {
			if sent.follows(p) {
				return
			}
			p.Path = path.Join(dir, p.Path)
			report(p)
		}
		end := func() {}
		if opts.Mirror { // a directory sends all, and can tell more of a file, as that it is a link
			files = sent
		} else if mirror {
			files, within, end = replica.WithoutMisplaced(tree, wire.IsFile, within)
		}
		alone, err := checkPacks(ctx, files, opts, within)
		if !alone && err == nil {
			err = replica.Check(ctx, files, opts, within, progress)
		}
		if errors.Is(err, errGaveUp) {
			err = nil
		}
		if err == nil {
			sent.tell(dir, report)
			end()
		}
		if err == nil && mirror && !opts.Mirror {
			err = tellTemps(tree, replica.Temps, within)
		}
		return err
	}
	if !mirror {
		return look(ctx, m.report)
	}
	return whileStill(ctx, tree, opts, m.report, look)
}
