package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/durable"
	"prophet/replica"
)

// MirrorError says that a mirror that is to be brought up to date lacks something, or has it damaged. A publication with [PublishOptions.Check] mends it.
// Its text is that of Err.
type MirrorError struct{ Err error }

func (e *MirrorError) Error() string { return e.Err.Error() }
func (e *MirrorError) Unwrap() error { return e.Err }

// inMirror adds to an error of reading the mirror that it is one, if it is one of the files there.
func inMirror(err error) error {
	if !lacksOrDamaged(err) {
		return err
	}
	return &MirrorError{err}
}

// lacksOrDamaged reports whether an error is one of a file that is missing or does not hold what it must.
func lacksOrDamaged(err error) bool {
	var damage *replica.DamageError
	var corrupt *cas.CorruptError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &damage) || errors.As(err, &corrupt) || errors.As(err, new(*cas.LargeError))
}

// readUnsure is readMirrored of a mirror that may be damaged. A small file that cannot be what it must counts as missing; without a number, the rows count.
func readUnsure(tree afero.Fs, prefix string) (mirrored, error) {
	m := mirrored{texts: map[string]string{}, unsure: true}
	for _, name := range []string{changeset.ReplicaUUIDFile, changeset.DatabaseUUIDFile, changeset.ReplicaVersionFile, changeset.LatestFile} {
		text, err := readSound(tree, prefix+name)
		if err != nil {
			return m, err
		}
		m.texts[prefix+name] = text
	}
	index, err := readIndex(tree, prefix+changeset.IndexFile)
	if err != nil {
		return m, err
	}
	m.rows, m.have = parseSoundRows(index), rowsThere(m.texts[prefix+changeset.LatestFile], index)
	return m, nil
}

// rowsThere returns how many rows count, as a sound number says; without one, all that are there.
func rowsThere(number string, index []byte) uint32 {
	if number == "" {
		return uint32(len(index) / changeset.RowSize)
	}
	n, _ := changeset.ParseSeq(number) // 0 for "0"
	return n
}

// readSound reads a file of a line, "" if it is missing or cannot be what it must.
func readSound(tree afero.Fs, name string) (string, error) {
	b, err := readAtMost(tree, name, 4096)
	text := strings.TrimSpace(string(b))
	var damage *replica.DamageError
	switch {
	case errors.As(err, &damage):
		return "", nil
	case err != nil:
		return "", err
	case strings.HasSuffix(name, changeset.ReplicaUUIDFile), strings.HasSuffix(name, changeset.DatabaseUUIDFile):
		_, err = changeset.ParseUUID(text)
	case text != "0": // numbers
		_, err = changeset.ParseSeq(text)
	}
	if err != nil {
		return "", nil
	}
	return text, nil
}

// readIndex reads the rows of a log, or of a list; none if they are missing.
func readIndex(tree afero.Fs, name string) ([]byte, error) {
	b, err := afero.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// parseSoundRows returns the rows of an index that are where they say.
func parseSoundRows(index []byte) (rows []changeset.Row) {
	for seq := uint32(1); len(index) >= changeset.RowSize; seq++ {
		if row, err := changeset.ParseRow(index[:changeset.RowSize]); err == nil && row.Seq == seq {
			rows = append(rows, row)
		}
		index = index[changeset.RowSize:]
	}
	return rows
}

// followsUnsure is follows of a mirror that may be damaged. A row that is not ours is refused if the mirror holds what it names, which would be lost; else
// the row is damaged.
func (p *publisher) followsUnsure(l *treeLog, m mirrored) error {
	l.have = min(m.have, l.Latest())
	if m.have > l.Latest() { // readers shall not look for more rows than there will be
		p.begin = append(p.begin, l.latestFile())
	}
	other, err := p.firstWhole(l, l.Log, m.rows)
	if err != nil || other == nil {
		return err
	}
	return fmt.Errorf("row %d of %s is changeset %s in the mirror and not here: %w", other.Seq, l.prefix+changeset.IndexFile, other.ID, ErrMirrorAhead)
}

// firstWhole returns the first of these rows of the mirror that is not that of a log, or a list, and of which the mirror holds the changeset; nil if there
// is none.
func (p *publisher) firstWhole(l *treeLog, log *replica.Log, rows []changeset.Row) (*changeset.Row, error) {
	mine, err := log.Collect(1, log.Latest())
	if err != nil {
		return nil, err
	}
	for _, theirs := range rows {
		if int(theirs.Seq) <= len(mine) && mine[theirs.Seq-1] == theirs {
			continue
		}
		if whole, err := p.whole(l, theirs); whole || err != nil {
			return &theirs, err
		}
	}
	return nil, nil
}

// whole reports whether the mirror holds what a row of it names.
func (p *publisher) whole(l *treeLog, row changeset.Row) (bool, error) {
	c, err := p.mirrored(l, row)
	if lacksOrDamaged(err) {
		return false, nil
	}
	return err == nil && c.ID == row.ID, err
}

// wholeRows returns those rows of the mirror of which it holds the changeset.
func (p *publisher) wholeRows(l *treeLog, rows []changeset.Row) (whole []changeset.Row, err error) {
	for _, row := range rows {
		ok, err := p.whole(l, row)
		if err != nil {
			return nil, err
		}
		if ok {
			whole = append(whole, row)
		}
	}
	return whole, nil
}

// lookAtUnsureList is lookAtList of a mirror that may be damaged.
func (p *publisher) lookAtUnsureList() error {
	text, err := readSound(p.tree, replica.LatestRepresentationFile)
	if err != nil || p.main.anew {
		return err
	}
	index, err := readIndex(p.tree, replica.RepresentationsFile)
	if err != nil {
		return err
	}
	there := rowsThere(text, index)
	p.reps.have = min(there, p.reps.Latest())
	p.reps.misnumbered = p.reps.Latest() > 0 && (text == "" || there > p.reps.Latest())
	other, err := p.firstWhole(&p.main, p.reps.Log, parseSoundRows(index))
	if err != nil || other == nil {
		return err
	}
	return p.otherList(other.Seq)
}

// readOurs reads a file that is written as a whole where it is not what it must be. If the mirror is checked, one that is too long is only that.
func (p *publisher) readOurs(name string, most int64) ([]byte, error) {
	b, err := readAtMost(p.tree, name, most)
	var damage *replica.DamageError
	if p.opts.Check && errors.As(err, &damage) {
		return b, nil
	}
	return b, inMirror(err)
}

// readIndexFile reads the MirrorFile. If the mirror is checked, one that is damaged is as good as none.
func (p *publisher) readIndexFile() (*mirrorIndex, error) {
	index, err := readMirrorIndex(p.dest)
	var damage *replica.DamageError
	if p.opts.Check && errors.As(err, &damage) {
		return nil, nil
	}
	return index, inMirror(err)
}

// listAnew returns what the MirrorFile has to say where there is none: if the mirror is checked, it may have been lost, and names all databases that are there.
func (p *publisher) listAnew() (*mirrorIndex, error) {
	index := &mirrorIndex{}
	if !p.opts.Check {
		return index, nil
	}
	entries, err := afero.ReadDir(p.dest, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		u, err := changeset.ParseUUID(e.Name())
		if err != nil || u == p.from.Database() {
			continue
		}
		if ok, err := exists(p.dest, e.Name()+"/"+changeset.ReplicaVersionFile); err != nil {
			return nil, err
		} else if ok {
			index.add(u)
		}
	}
	return index, nil
}

// mended returns how many of the small files to be written were missing or damaged, and not only of an earlier state. Of a mirror that is new, none was.
func (p *publisher) mended() int {
	if p.fresh || !p.opts.Check {
		return 0
	}
	news := p.main.news() || p.votes.news() || p.reps.news()
	names := map[string]bool{}
	for _, f := range slices.Concat(p.begin, p.digests, p.end) {
		if identity := strings.HasSuffix(f.name, "-uuid") || strings.HasSuffix(f.name, changeset.ReplicaVersionFile); identity && !p.main.anew && !p.votes.anew || !news {
			names[f.name] = true
		}
	}
	if p.unlisted {
		names[MirrorFile] = true
	}
	return len(names)
}

// holdsFile reports whether a file has these bytes.
func holdsFile(fsys afero.Fs, name string, data []byte) (bool, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(len(data))+1))
	if err != nil {
		return false, fmt.Errorf("check the mirror: %w", err)
	}
	return bytes.Equal(b, data), nil
}

// needs reports whether a file has to be written: always, unless the tree is checked and has it. If it is of rows that the tree had, it is restored.
func (w *treeWriter) needs(name string, data []byte) (bool, error) {
	if !w.check || !w.old {
		return true, nil
	}
	if w.pending[name] {
		return false, nil
	}
	same, err := holdsFile(w.fs, name, data)
	if same || err != nil {
		return false, err
	}
	w.restored++
	w.pending[name] = true
	return true, nil
}

// takeDamaged removes the objects whose bytes are not those that name them, once what the tree should have was compared: nothing names them but readers who began before.
func (w *treeWriter) takeDamaged(ctx context.Context) error {
	if !w.check {
		return nil
	}
	for _, prefix := range []string{changeset.ResolutionsDir + "/", ""} {
		for _, objects := range []string{changeset.ChangesetObjects, changeset.RecordObjects} {
			if err := w.takeDamagedOf(ctx, cas.New(w.fs, prefix+"cas/"+objects)); err != nil {
				return fmt.Errorf("check the mirror: %w", err)
			}
		}
	}
	return nil
}

func (w *treeWriter) takeDamagedOf(ctx context.Context, store *cas.Store) error {
	var damaged []string
	err := store.Walk(func(key cas.Key, file string) error {
		if err := ctx.Err(); err != nil || key.IsZero() {
			return err
		}
		_, err := store.Get(key)
		if lacksOrDamaged(err) {
			damaged = append(damaged, file)
			return nil
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range damaged {
		if err := durable.Remove(w.fs, file); err != nil {
			return err
		}
	}
	w.restored += len(damaged)
	return nil
}

// needsIndex reports whether the rows of a log or a list have to be written. If what the tree has of them is not what it must be, they are restored.
func (w *treeWriter) needsIndex(name string, index []byte, have uint32, news bool) (bool, error) {
	if !w.check {
		return news, nil
	}
	old, err := readIndex(w.fs, name)
	if err != nil {
		return false, err
	}
	if !news && bytes.Equal(old, index) {
		return false, nil
	}
	if had := index[:int(have)*changeset.RowSize]; !news || !bytes.HasPrefix(old, had) {
		w.restored++
	}
	return true, nil
}
