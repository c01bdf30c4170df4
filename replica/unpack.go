package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// What unpack does: what parts have is written beside them, as format 1 has it, which harms nobody; then one commit empties the lists of parts and notes format 1; then the
// parts are removed. Whoever reads meanwhile finds all in parts, or all loose.

// unpackRecords is how many record indexes are written at once.
const unpackRecords = 1024

// Unpack makes a replica of format 2 one of format 1: the plain tree that programs of the original read. Writers wait meanwhile, readers do not. One that is cut off, or whose
// ctx is done, leaves a replica of format 2, and the next one goes on. Of a replica of format 1 it removes what one left that was cut off at its end.
// progress is told how many of the rows that parts have were written; it may be nil.
func (r *Replica) Unpack(ctx context.Context, progress func(done, total int)) error {
	if err := r.refuseExported(); err != nil {
		return err
	}
	if there, err := afero.DirExists(r.fs, parts.Dir); err == nil && !there && r.format == FormatLoose {
		return nil
	}
	if err := r.underPartsLock(ctx, r.opts.patience(), func() error { return r.unpackLocked(ctx, progress) }); err != nil {
		return fmt.Errorf("unpack %s: %w", r.where(), err)
	}
	return nil
}

func (r *Replica) unpackLocked(ctx context.Context, progress func(done, total int)) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return r.unpack(ctx, progress)
}

func (r *Replica) unpack(ctx context.Context, progress func(done, total int)) error {
	if err := r.reopen(); err != nil {
		return err
	}
	if err := r.checkIdentity(); err != nil {
		return err
	}
	if r.format == FormatParts {
		defer r.holdLists()()
		if err := r.refuseAhead(); err != nil {
			return err
		}
		if err := r.checkAllUnlisted(ctx); err != nil {
			return err
		}
		left, err := r.refuseLeft(ctx)
		if err == nil {
			err = r.setLeftAside(left)
		}
		if err != nil {
			return err
		}
		u := &unpacking{ctx: ctx, r: r, progress: progress}
		if err := u.run(); err != nil {
			return err
		}
		if err := r.noteFormat1(); err != nil {
			return err
		}
	} else if err := r.checkAllUnlisted(ctx); err != nil {
		return err
	}
	if err := r.removeAllParts(); err != nil {
		r.warn(fmt.Sprintf("it is done, but parts that count no more are left in %s: %v; the next \"prophet unpack\" removes them", r.where(), err))
	}
	_ = r.reopen() // it is done, whatever that comes to
	return nil
}

// refuseAhead returns an error where a log was turned back and something is left of the rows that it lost: what is unpacked, and replaced by that, ends with the log.
func (r *Replica) refuseAhead() error {
	for _, l := range []*Log{r.votes, r.log} {
		noted, err := l.notedAhead()
		if err != nil {
			return err
		}
		packed, err := l.packedAhead()
		if err != nil {
			return err
		}
		if noted || packed > 0 {
			return l.damaged(changeset.LatestFile, fmt.Errorf("it counts %d changesets, and other files tell of more: it was turned back, or copied while somebody wrote; "+
				"\"prophet fsck --repair\" takes up again what is left of the rest, which this would destroy", l.latest))
		}
	}
	return nil
}

// checkAllUnlisted returns an error where a row of a log has neither a changeset nor an entry in the list of lost ones, or files that no list of parts names have what is nowhere else.
func (r *Replica) checkAllUnlisted(ctx context.Context) error {
	for _, l := range []*Log{r.votes, r.log} {
		packs, err := l.packs()
		if err != nil {
			return err
		}
		names, err := l.unlisted(packs.list)
		if err == nil {
			err = l.checkUnlisted(ctx, packs.list, names)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leftIn is what packs that no list names have of a log, and is nowhere else.
type leftIn struct {
	l *Log
	lookedBeside
}

// refuseLeft returns an error where a pack that no list names has what was made here and is nowhere else, or may have; else what such packs have of others'.
func (r *Replica) refuseLeft(ctx context.Context) (all []leftIn, err error) {
	for _, l := range []*Log{r.votes, r.log} {
		packs, err := l.packs()
		if err != nil {
			return nil, err
		}
		names, err := l.unlisted(packs.list)
		if err != nil {
			return nil, err
		}
		found, err := l.lookBeside(ctx, names)
		if err != nil {
			return nil, err
		}
		for _, p := range found.left {
			if p.mayBeOurs() {
				return nil, l.damaged(p.name, errors.New(p.problem(l.prefix, found, l.latest).Text))
			}
		}
		all = append(all, leftIn{l, found})
	}
	return all, nil
}

// setLeftAside sets aside the packs that have what others made and is nowhere else.
func (r *Replica) setLeftAside(all []leftIn) error {
	for _, in := range all {
		for _, p := range in.left {
			if p.only == 0 {
				continue
			}
			name := in.l.prefix + p.name
			if err := durable.CopyFile(r.fs, name, path.Join(SetAsideDir, name)); err != nil {
				return err
			}
			r.warn(fmt.Sprintf("%s is set aside: it has %s that the log does not have", name, p.words()))
		}
	}
	return nil
}

// unpacking writes what parts have into loose files.
type unpacking struct {
	ctx         context.Context
	r           *Replica
	progress    func(done, total int)
	done, total int // rows
}

func (u *unpacking) run() error {
	logs := []*Log{u.r.votes, u.r.log}
	for _, l := range logs {
		packs, err := l.packs()
		if err != nil {
			return err
		}
		u.total += int(l.latest - packs.loose(l.latest))
	}
	for _, l := range logs {
		packs, err := l.packs()
		if err != nil {
			return err
		}
		for _, ref := range packs.list {
			for first := ref.First; first <= ref.Last && first != 0; {
				if first, err = u.rows(l, first, min(ref.Last, first+(foldRows-1))); err != nil {
					return err
				}
			}
		}
		if err := u.indexes(l, packs); err != nil {
			return err
		}
	}
	return nil
}

// rows writes the changesets of rows, and the versions that they made, and returns the row after the last of them.
func (u *unpacking) rows(l *Log, first, last uint32) (next uint32, err error) {
	f := &fold{l: l, b: &bundle{from: math.MaxInt, since: map[changeset.RecordID]uint32{}}, states: map[changeset.RecordID]*foldState{}, first: first, last: last}
	for row, err := range l.Rows(first, last) {
		if err == nil {
			err = u.ctx.Err()
		}
		if err == nil {
			err = f.add(row)
		}
		if err != nil {
			return 0, err
		}
		if next = row.Seq + 1; f.b.size+f.held >= foldBytes {
			break
		}
	}
	tx := durable.Begin(u.r.fs)
	for _, row := range f.b.rows {
		tx.Put(l.objects.Path(row.key), row.object)
		for _, touch := range row.touches {
			if touch.Text != nil {
				tx.Put(l.versions.Path(touch.Key), touch.Text)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	u.done += len(f.b.rows)
	if u.progress != nil {
		u.progress(u.done, u.total)
	}
	return next, nil
}

// indexes writes the indexes of the records that parts have touched.
func (u *unpacking) indexes(l *Log, packs *packs) error {
	types, err := l.Types()
	if err != nil {
		return err
	}
	tx, n := durable.Begin(u.r.fs), 0
	for _, typ := range types {
		for rec, err := range l.Records(typ) {
			if err == nil {
				err = u.ctx.Err()
			}
			if err != nil {
				return err
			}
			index, err := l.wholeIndex(packs, rec)
			if err != nil {
				return err
			}
			if index == nil {
				continue
			}
			tx.Replace(l.prefix+changeset.RecordPath(rec), index)
			if n++; n%unpackRecords == 0 {
				if err := tx.Commit(); err != nil {
					return err
				}
				tx = durable.Begin(u.r.fs)
			}
		}
	}
	return tx.Commit()
}

// wholeIndex is the index of a record as format 1 has it, nil if no part touches the record.
func (l *Log) wholeIndex(packs *packs, rec changeset.RecordID) (index []byte, err error) {
	touched := false
	for _, p := range packs.parts {
		touches, err := p.Touches(rec)
		if err != nil {
			return nil, l.packError(p, err)
		}
		touched = touched || touches.Len() > 0
	}
	if !touched {
		return nil, nil
	}
	versions, err := l.Versions(rec)
	for _, v := range versions {
		index = changeset.AppendVersion(index, v)
	}
	return index, err
}

// noteFormat1 empties the lists of parts and notes the format, in one commit.
func (r *Replica) noteFormat1() error {
	var points []durable.Point
	for _, l := range []*Log{r.votes, r.log} {
		packs, err := l.packs()
		if err != nil {
			return err
		}
		points = append(points, durable.Point{Name: l.prefix + parts.ListFile, Old: packs.text, New: parts.List{}.Encode()})
	}
	for _, l := range []*Log{r.votes, r.log} {
		name := changeset.ReplicaVersionFile
		old, err := readSmall(l.fs, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", l.prefix+name, err)
		}
		points = append(points, durable.Point{Name: l.prefix + name, Old: old, New: FormatLoose})
	}
	tx := durable.Begin(r.fs)
	if r.identity != nil {
		id := maps.Clone(r.identity)
		delete(id, changeset.ReplicaVersionFile)
		tx.Replace(IdentityFile, id.encode())
	}
	err := tx.Commit(points...)
	if errors.Is(err, durable.ErrCommitted) {
		r.warn(fmt.Sprintf("it is done, but not all notes beside it could be written to %s; the next edit does that: %v", r.where(), err))
		return nil
	}
	return err
}

// removeAllParts removes the parts, which do not count any more, and their lists.
func (r *Replica) removeAllParts() error {
	for _, l := range []*Log{r.votes, r.log} {
		names, err := l.list(parts.Dir)
		if err != nil {
			return err
		}
		if err := durable.Remove(r.fs, l.prefix+parts.ListFile); err != nil {
			return err
		}
		var gone []string
		for _, name := range names {
			if name := path.Join(l.prefix, parts.Dir, name); name != gcLock {
				gone = append(gone, name)
			}
		}
		if _, err := durable.RemoveLeft(r.fs, gone); err != nil {
			return err
		}
	}
	return nil
}
