package replica

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"time"

	"github.com/minio/sha256-simd"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/internal/parts"
)

// What gc does, step by step, each of which leaves the replica whole (docs/adr/0015-parts.md):
//
//  1. Loose rows become a part, or parts that follow each other become one. It is made beside readers and writers, of what is committed, and each row is held against the log.
//  2. Pack and table are written, flushed and read again; then, under the writers' lock, the log is asked whether it still has these rows, and the list that names the
//     part is the commit.
//  3. When no step is left, what parts have is removed where it is loose, and so are parts that no list names: under the writers' lock, a portion at a time.
//
// A reader that opened the replica before and finds something gone takes up the new list ([Log.relisted]).

// gcLock is held by the one gc that is at work: it leaves the parts alone that others write, and they those that it writes.
const gcLock = parts.Dir + "/lock"

// Bounds of gc.
const (
	foldRows  = 8192     // that one step makes a part of at most
	foldBytes = 16 << 20 // of changesets and texts, about, that it has in memory
	autoFolds = 4        // steps that fold, where it runs by itself
	autoClear = 16384    // files that it removes then
	autoRows  = 1 << 17  // of a part that it leaves alone then
	autoLoose = 1000     // loose rows, with more of which it runs by itself
	autoParts = 24       // small parts, likewise

	autoWait = time.Second // that it waits for another writer at most; what it had begun is lost then
)

// GCOptions are for [Replica.GC]. The zero value does all there is to do.
type GCOptions struct {
	Auto     bool                  // only as much as can be done beside an edit, and nothing where another gc is at work
	Progress func(done, total int) // is told how many rows of the logs are in parts; may be nil
}

// GCReport says what a gc did.
type GCReport struct {
	Folded  int // rows of both logs that were loose
	Merged  int // parts that became part of larger ones
	Removed int // files: loose ones whose content parts have, and parts that were merged
	Parts   int // that there are in the end
	Loose   int // rows that stay loose: what is lost, and what came meanwhile
	Lost    int // those of these that are listed as lost, so that nothing of them can be folded
}

// GC folds the loose files of a replica of format 2 into parts, and merges small parts, so that there are O(log n) of n rows: each is at least twice as large as the
// next one. Readers and writers work beside it. One that is cut off, or whose ctx is done, has lost nothing, and the next one goes on. In a replica of format 1 it does nothing.
func (r *Replica) GC(ctx context.Context, opts GCOptions) (GCReport, error) {
	if r.format != FormatParts {
		return GCReport{}, nil
	}
	patience := r.opts.patience()
	if opts.Auto {
		patience = durable.Patience{Most: -1}
	}
	g := &gc{ctx: ctx, r: r, opts: opts, wrote: map[parts.Sum]bool{}, replaced: map[string]bool{}}
	err := r.underPartsLock(ctx, patience, g.run)
	if err != nil {
		err = fmt.Errorf("fold loose files of %s into parts: %w", r.where(), err)
	}
	return g.report, err
}

// underPartsLock runs do under the lock of the parts. Where the replica is of format 1 afterwards, it takes the file of the lock away. Where somebody unpacks the replica who had the
// lock, or has it meanwhile, the directory may be gone in which the lock lay: then there is nothing to be done any more.
func (r *Replica) underPartsLock(ctx context.Context, patience durable.Patience, do func() error) error {
	unlock, err := durable.Lock(ctx, r.fs, gcLock, patience)
	if errors.Is(err, fs.ErrNotExist) && r.isUnpacked() {
		return r.reopen()
	}
	if err != nil {
		return err
	}
	if err := errors.Join(do(), unlock()); err != nil || !r.isUnpacked() {
		return err
	}
	_, _ = durable.RemoveLeft(r.fs, []string{gcLock}) // it harms nobody; and who waits for it finds that there is nothing to do
	if r.format == FormatLoose {
		return nil
	}
	return r.reopen()
}

// isUnpacked reports whether the replica is of format 1 now, whatever it was when it was opened.
func (r *Replica) isUnpacked() bool {
	version, err := readSmall(r.fs, changeset.ReplicaVersionFile)
	return err == nil && version == FormatLoose
}

func rowsOf(ref parts.Ref) uint64 { return uint64(ref.Last) - uint64(ref.First) + 1 }

// gc is one that is under way.
type gc struct {
	ctx      context.Context
	r        *Replica
	opts     GCOptions
	report   GCReport
	folds    int
	last     uint32             // row of the log at hand that was there when the gc came to it: it ends, however many others write
	wrote    map[parts.Sum]bool // the packs of parts that it wrote, and read again
	replaced map[string]bool    // the packs, by their files within the log, of those that it merged
}

func (g *gc) run() error {
	for _, prefix := range logPrefixes {
		if err := g.log(prefix); err != nil {
			return err
		}
	}
	return nil
}

// log does all that is to be done in one log.
func (g *gc) log(prefix string) error {
	_, l, err := g.now(prefix)
	if l == nil || err != nil {
		return err
	}
	g.last = l.latest
	changed := false
	for {
		did, err := g.step(prefix)
		if err != nil {
			return g.orUnlisted(err)
		}
		if changed = changed || did; !did {
			break
		}
	}
	if changed || !g.opts.Auto {
		if err := g.clear(prefix); err != nil {
			return err
		}
	}
	if _, l, err = g.now(prefix); l == nil || err != nil {
		return err
	}
	packs, err := l.packs()
	if err != nil {
		return err
	}
	g.report.Parts += len(packs.list)
	loose := packs.loose(l.latest)
	g.report.Loose += int(loose)
	foldable, err := l.foldable(packs)
	g.report.Lost += int(loose - foldable)
	return err
}

// orUnlisted returns the error with which a step ended, or which list of parts is damaged, if what the step missed is in a pack that it does not name.
func (g *gc) orUnlisted(err error) error {
	if !isDamage(err) && !isMissingObject(err) {
		return err
	}
	now, failed := Open(g.r.fs, Options{Where: g.r.opts.Where})
	if failed != nil {
		return err
	}
	if found := now.checkAllUnlisted(g.ctx); isDamage(found) {
		return found
	}
	return err
}

// now opens the replica as it is now; the log is nil where it is not of format 2 any more.
func (g *gc) now(prefix string) (*Replica, *Log, error) {
	if err := g.ctx.Err(); err != nil {
		return nil, nil, err
	}
	opts := Options{Where: g.r.opts.Where, Now: g.r.opts.Now, NewUUID: g.r.opts.NewUUID, Sleep: g.r.opts.Sleep, Wait: g.r.opts.Wait, Waiting: g.r.opts.Waiting}
	if g.opts.Auto {
		opts.Wait, opts.Waiting = autoWait, nil
	}
	now, err := Open(g.r.fs, opts)
	if err != nil || now.format != FormatParts {
		return nil, nil, err
	}
	return now, now.logAt(prefix), nil
}

func (r *Replica) logAt(prefix string) *Log {
	if prefix == "" {
		return r.log
	}
	return r.votes
}

// step folds some rows, or merges some parts, and reports whether there was anything to do.
func (g *gc) step(prefix string) (did bool, err error) {
	_, l, err := g.now(prefix)
	if l == nil || err != nil {
		return false, err
	}
	packs, err := l.packs()
	if err != nil {
		return false, err
	}
	g.tell(l, packs)
	if from, to := g.toMerge(endingBy(packs.list, g.last)); to > from {
		return true, g.merge(l, packs, from, to)
	}
	first, last, err := g.toFold(l, packs.list, min(l.latest, g.last))
	if last == 0 || err != nil {
		return false, err
	}
	g.folds++
	return true, g.fold(l, first, last)
}

func (g *gc) tell(l *Log, packs *packs) {
	if g.opts.Progress != nil && l.latest > 0 {
		g.opts.Progress(int(l.latest-packs.loose(l.latest)), int(l.latest))
	}
}

// endingBy returns the parts that end at a row or before it.
func endingBy(list parts.List, row uint32) parts.List {
	n := len(list)
	for n > 0 && list[n-1].Last > row {
		n--
	}
	return list[:n]
}

// toMerge returns which parts become one, from one to another, exclusive; none if they are equal. Of parts that follow each other without gaps each is to be at least twice as large as the next.
func (g *gc) toMerge(list parts.List) (from, to int) {
	type group struct {
		from, to int
		rows     uint64
	}
	var groups []group
	begins := 0 // groups below that are left alone: there is a gap, or a part that is too large
	for i, ref := range list {
		if g.opts.Auto && rowsOf(ref) >= autoRows {
			groups, begins = append(groups, group{i, i + 1, rowsOf(ref)}), len(groups)+1
			continue
		}
		if i > 0 && list[i-1].Last+1 != ref.First {
			begins = len(groups)
		}
		groups = append(groups, group{i, i + 1, rowsOf(ref)})
		for n := len(groups); n-begins >= 2 && groups[n-2].rows < 2*groups[n-1].rows; n-- {
			groups[n-2].to = groups[n-1].to
			groups[n-2].rows += groups[n-1].rows
			groups = groups[:n-1]
		}
	}
	for _, group := range groups {
		if group.to-group.from > 1 {
			return group.from, group.to
		}
	}
	return 0, 0
}

// toFold returns the first and the last of rows that are to be folded next, of those up to one, zero if there are none. What is lost stays loose, with what is left of it.
func (g *gc) toFold(l *Log, list parts.List, most uint32) (first, last uint32, err error) {
	if len(list) >= parts.MaxParts || g.opts.Auto && g.folds >= autoFolds {
		return 0, 0, nil
	}
	lost, err := l.lostRows()
	if err != nil {
		return 0, 0, err
	}
	for row := uint32(1); row <= most && row != 0; row++ {
		if i, covered := list.Covering(row); covered {
			row = list[i].Last
			continue
		}
		if _, is := lost[row]; is {
			continue
		}
		i, _ := list.Covering(row)
		last = min(most, row+foldRows-1)
		if i < len(list) {
			last = min(last, list[i].First-1)
		}
		for next := row + 1; next <= last; next++ {
			if _, is := lost[next]; is {
				last = next - 1
			}
		}
		return row, last, nil
	}
	return 0, 0, nil
}

// merge makes one part of several.
func (g *gc) merge(l *Log, packs *packs, from, to int) error {
	rows := &rowSum{Hash: sha256.New()}
	var at uint32
	next, stop := pullRows(l, packs.list[from].First, packs.list[to-1].Last)
	defer stop()
	files, ref, err := g.write(l, func(pack, table *durable.File) (parts.Ref, error) {
		return parts.Merge(g.ctx, packs.parts[from:to], pack, table, func(seq uint32, has []byte) (is []byte, err error) {
			row, err := next()
			if err != nil {
				return nil, err
			}
			if at = row.Seq; at != seq {
				return nil, l.damaged(changeset.IndexFile, fmt.Errorf("row %d comes where row %d must be", at, seq))
			}
			rows.add(row)
			return l.objectOf(row, has)
		})
	})
	if err != nil {
		files.discard()
		return err
	}
	done, err := g.commit(l, rows, ref, packs.list[from:to], nil)
	if done {
		g.report.Merged += to - from
		for _, ref := range packs.list[from:to] {
			g.replaced[ref.PackFile()] = true
		}
	}
	return err
}

// partFiles are the files of a part while they are written.
type partFiles struct{ pack, table *durable.File }

func (f *partFiles) discard() {
	for _, file := range []*durable.File{f.pack, f.table} {
		if file != nil {
			file.Discard()
		}
	}
}

// write writes a part into files beside the others, flushes them, and reads them again.
func (g *gc) write(l *Log, fill func(pack, table *durable.File) (parts.Ref, error)) (f partFiles, ref parts.Ref, err error) {
	if f.pack, err = durable.Create(g.r.fs, l.prefix+parts.Dir+"/new"+parts.PackExt); err != nil {
		return f, ref, err
	}
	if f.table, err = durable.Create(g.r.fs, l.prefix+parts.Dir+"/new"+parts.TableExt); err != nil {
		return f, ref, err
	}
	if ref, err = fill(f.pack, f.table); err != nil {
		return f, ref, err
	}
	pack, table := f.pack, f.table
	f.pack = nil
	if err = pack.Keep(l.prefix + ref.PackFile()); err != nil {
		return f, ref, err
	}
	f.table = nil
	if err = table.Keep(l.prefix + ref.TableFile()); err != nil {
		return f, ref, err
	}
	for _, file := range filesOfPart(ref) {
		if err := parts.CheckFile(g.ctx, g.r.fs, path.Clean(l.prefix+"."), file.name, file.sum); err != nil {
			return f, ref, err
		}
	}
	g.wrote[ref.Pack] = true
	return f, ref, nil
}

// rowSum is the SHA-256 of rows of a log: of what a part was made.
type rowSum struct{ hash.Hash }

func (s *rowSum) add(row changeset.Row) { s.Write(changeset.AppendRow(nil, row)) }

// commit has the list name a part, in place of others, if the log still has the rows of which it was made, and the list those parts.
func (g *gc) commit(l *Log, rows *rowSum, ref parts.Ref, instead parts.List, objects []durable.Content) (done bool, err error) {
	w, _, err := g.now(l.prefix)
	if w == nil || err != nil {
		return false, err
	}
	unlock, err := w.lock(g.ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	if err := w.reopen(); err != nil || w.format != FormatParts {
		return false, err
	}
	now := w.logAt(l.prefix)
	packs, err := now.packs()
	if err != nil || now.latest < ref.Last {
		return false, err
	}
	list, fits := packs.list.Replace(instead, ref)
	if !fits {
		return false, nil
	}
	is := &rowSum{sha256.New()}
	for row, err := range now.Rows(ref.First, ref.Last) {
		if err != nil {
			return false, err
		}
		is.add(row)
	}
	if string(is.Sum(nil)) != string(rows.Sum(nil)) {
		return false, nil // it was moved, or turned back
	}
	tx := durable.Begin(w.fs)
	for _, o := range objects {
		tx.Put(o.Name, o.Data)
	}
	err = tx.Commit(durable.Point{Name: l.prefix + parts.ListFile, Old: packs.text, New: list.Encode()})
	if errors.Is(err, durable.ErrCommitted) {
		err = nil // only the journal is not empty; the next writer sees to that
	}
	return err == nil, err
}

// objectOf returns the bytes of the changeset of a row. A part has them, unless it was moved since.
func (l *Log) objectOf(row changeset.Row, has []byte) (is []byte, err error) {
	if cas.Sum(has) == row.Key {
		return has, nil
	}
	err = l.useChangeset(row, func(b []byte) error {
		is = b
		return nil
	})
	return is, err
}
