package sync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
)

// How much is written between two flushes. Small objects cost more memory than their bytes, so both are bounded.
const (
	flushBytes = 8 << 20
	flushFiles = 8192
)

// formatVersion is what replica-version holds.
const formatVersion = "1"

// treeWriter writes what replicas hold as a tree that is only read: changesets as they are stored, and of each living record its present
// version and an index of one row, with sequence number 0. It holds one batch of files in memory.
type treeWriter struct {
	fs       afero.Fs
	batch    *durable.Tx
	files    int      // in the batch
	deleted  []string // record indexes to remove once the batch is written
	progress func(done, total int)

	done, total      int // rows
	records, removed int
	books            int // rows of bookkeeping

	awaited map[changeset.RecordID]awaited // records that are not written yet, though rows that touch them went by
	copied  bool                           // the source is an exported copy

	none  bool              // there is no tree: small files are for the head alone,
	texts map[string]string // which is told of them

	check    bool            // what the tree should have already is looked at too
	old      bool            // it should have what is being copied
	restored int             // files that it should have had
	pending  map[string]bool // of them, those in the batch
}

func newTreeWriter(from *replica.Replica, fsys afero.Fs, progress func(done, total int)) (*treeWriter, error) {
	copied, err := from.LooksExported()
	return &treeWriter{fs: fsys, batch: durable.Begin(fsys), progress: progress, pending: map[string]bool{}, texts: map[string]string{}, awaited: map[changeset.RecordID]awaited{}, copied: copied}, err
}

// treeLog is a log to be written. The log of the resolutions is written without its records, as the original does.
type treeLog struct {
	*replica.Log
	prefix string // of its files in the tree
	have   uint32 // rows that the tree has already
	anew   bool   // the tree has them under former names
	lost   map[uint32]bool
}

func (l treeLog) news() bool { return l.anew || l.have < l.Latest() }

// treeList is a list of representations to be written.
type treeList struct {
	*replica.Log
	have        uint32
	misnumbered bool // the tree does not say so, or that it has more
}

func (l treeList) news() bool { return l.have < l.Latest() }

// numberFile is the file that says how many rows of the list count. It is written after that of the log, in which is what the list names.
func (l treeList) numberFile() text {
	return text{replica.LatestRepresentationFile, formatNumber(l.Latest())}
}

// copyList writes the objects that the tree lacks of a list, then its rows in one piece.
func (w *treeWriter) copyList(ctx context.Context, l treeList) error {
	if !l.news() && !w.check || w.none {
		return nil
	}
	var rows []byte
	for row, err := range l.Rows(1, l.Latest()) {
		if err != nil {
			return err
		}
		rows = changeset.AppendRow(rows, row)
		if w.old = row.Seq <= l.have; w.old && !w.check {
			continue
		}
		raw, _, err := readOrLeft(l.Log, row)
		if err != nil {
			return err
		}
		if raw == nil {
			continue
		}
		if err := w.put(changeset.ObjectPath(changeset.ChangesetObjects, row.Key), raw); err != nil {
			return err
		}
		if err := w.flushFull(ctx); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if write, err := w.needsIndex(replica.RepresentationsFile, rows, l.have, l.news()); !write || err != nil {
		return err
	}
	if err := durable.MkdirAll(w.fs, path.Dir(replica.RepresentationsFile)); err != nil {
		return err
	}
	return durable.WriteFile(w.fs, replica.RepresentationsFile, rows)
}

// logs returns both logs of a replica, as a tree that has nothing lacks them.
func logs(from *replica.Replica) (main, votes treeLog, err error) {
	main, votes = treeLog{Log: from.Log()}, treeLog{Log: from.Resolutions(), prefix: changeset.ResolutionsDir + "/"}
	return main, votes, errors.Join(main.loadLost(), votes.loadLost())
}

// copyNews writes the objects that the tree lacks and the indexes of the records that changed; nothing refers to the former yet.
func (w *treeWriter) copyNews(ctx context.Context, l treeLog) error {
	first := l.have + 1
	if w.check {
		first = 1
	}
	for row, err := range l.Rows(first, l.Latest()) {
		if err != nil {
			return err
		}
		w.old = row.Seq <= l.have
		if w.none {
			err = w.countRow(l, row)
		} else {
			err = w.copyRow(l, row)
		}
		if err != nil {
			return err
		}
		if err := w.flushFull(ctx); err != nil {
			return err
		}
		w.done++
		if w.progress != nil {
			w.progress(w.done, w.total)
		}
	}
	if err := w.settle(ctx, l); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	return ctx.Err() // so far readers see nothing of it
}

// countRow is copyRow where there is no tree: the packs have it already.
func (w *treeWriter) countRow(l treeLog, row changeset.Row) error {
	if l.prefix != "" {
		return nil
	}
	_, c, err := l.read(row)
	if err == nil && c.Bookkeeping() {
		w.books++
	}
	return err
}

func (w *treeWriter) copyRow(l treeLog, row changeset.Row) error {
	raw, c, err := l.read(row)
	if err != nil {
		return err
	}
	if raw != nil {
		if err := w.put(l.prefix+changeset.ObjectPath(changeset.ChangesetObjects, row.Key), raw); err != nil {
			return err
		}
	}
	if l.prefix != "" {
		return nil
	}
	if c.Bookkeeping() && !w.old {
		w.books++
	}
	for i := range c.Changes {
		if err := w.copyRecord(l, row, c, &c.Changes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) put(name string, data []byte) error {
	if write, err := w.needs(name, data); !write || err != nil {
		return err
	}
	w.batch.Put(name, data)
	w.files++
	return nil
}

// remove removes the index of a deleted record with the next flush. One that the tree should not have any longer is looked for first: there may be many.
func (w *treeWriter) remove(name string) error {
	if w.old {
		if ok, err := exists(w.fs, name); !ok || err != nil {
			return err
		}
	}
	w.deleted = append(w.deleted, name)
	return nil
}

// flushFull writes the batch if it is large enough.
func (w *treeWriter) flushFull(ctx context.Context) error {
	if err := ctx.Err(); err != nil || w.batch.Size() <= flushBytes && w.files <= flushFiles {
		return err
	}
	return w.flush()
}

// flush writes the batch: objects, then record indexes. Then it removes the indexes of deleted records.
func (w *treeWriter) flush() error {
	if err := w.batch.Commit(); err != nil {
		return err
	}
	w.batch, w.files = durable.Begin(w.fs), 0
	clear(w.pending)
	var dirs []string
	for _, name := range w.deleted {
		err := w.fs.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("remove the index of a deleted record: %w", err)
		}
		dirs = append(dirs, path.Dir(name))
		w.removed++
	}
	w.deleted = nil
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := durable.SyncDir(w.fs, dir); err != nil {
			return err
		}
	}
	return nil
}

// writeIndex writes the whole index of a log, in one piece: 44 bytes a row.
func (w *treeWriter) writeIndex(l treeLog, from *replica.Replica) error {
	if !l.news() && !w.check || w.none {
		return nil
	}
	index := make([]byte, 0, int(l.Latest())*changeset.RowSize)
	for row, err := range l.Rows(1, l.Latest()) {
		if err != nil {
			return err
		}
		index = changeset.AppendRow(index, row)
	}
	if write, err := w.needsIndex(l.prefix+changeset.IndexFile, index, l.have, l.news()); !write || err != nil {
		return err
	}
	if err := stillNamed(from, "publish or export it again"); err != nil { // its objects are not those that were copied
		return err
	}
	return durable.WriteFile(w.fs, l.prefix+changeset.IndexFile, index)
}

// text is a small file.
type text struct{ name, text string }

// identity returns the files that say of which replica and which database a log is.
func (l treeLog) identity() []text {
	return []text{
		{l.prefix + changeset.ReplicaUUIDFile, l.UUID().String()},
		{l.prefix + changeset.DatabaseUUIDFile, l.Database().String()},
	}
}

// latestFile is the file that says how many rows of the log count.
func (l treeLog) latestFile() text {
	return text{l.prefix + changeset.LatestFile, formatNumber(l.Latest())}
}

// versionFile is the file without which there is no replica.
func (l treeLog) versionFile() text {
	return text{l.prefix + changeset.ReplicaVersionFile, formatVersion}
}

func formatNumber(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// writeTexts writes the files one after another.
func (w *treeWriter) writeTexts(files []text) error {
	for _, f := range files {
		if w.none {
			w.texts[f.name] = f.text
			continue
		}
		if err := durable.WriteFile(w.fs, f.name, []byte(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// makeRoot makes the directory that is the root of a file system, if there is none. From within it cannot be flushed in its parent: whoever
// wants it to survive a power cut makes it before, with [durable.MakeRoot].
func makeRoot(fsys afero.Fs) error {
	if _, err := fsys.Stat("."); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.MkdirAll(".", 0o777)
}
