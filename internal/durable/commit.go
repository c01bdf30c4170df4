package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// Commit writes what was collected, and then those points whose Old and New differ, in order. When it
// returns nil, all of it survives a power cut. The lock must be held. If an earlier commit was
// left unfinished, Commit calls [Recover] first.
//
// Without such a point, and without a file to rewrite, nothing can be appended, nor brought: objects are written, then small files replaced, each by itself.
//
// After an error, either the commit was made, and the error wraps [ErrCommitted]; or nobody can tell, and it wraps [ErrUncertain]; or readers see the
// old state. Commit then takes back what it wrote. If that fails too, the next Recover will do it.
func (t *Tx) Commit(points ...Point) error {
	err := t.err
	t.err = errUsed
	if err == nil {
		err = t.commit(changed(points))
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func changed(points []Point) []Point {
	return slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return p.Old == p.New })
}

func (t *Tx) commit(points []Point) error {
	journaled := len(points) > 0 || t.rewritten != nil
	switch {
	case journaled:
	case len(t.growths) > 0:
		return fmt.Errorf("append to %s: no commit point changes", t.growths[0].name)
	case len(t.brought) > 0:
		return fmt.Errorf("bring %s: no commit point changes", t.brought[0])
	}
	if _, err := Recover(t.fs); err != nil {
		return err
	}
	j, err := t.plan(points)
	if err != nil {
		return err
	}
	if !journaled {
		return t.writeUnjournaled()
	}
	objects, err := t.stageObjects()
	if err != nil {
		t.forget()
		return err
	}
	defer objects.drop(t.fs)
	j.brings = slices.DeleteFunc(t.brought, func(name string) bool { return !slices.Contains(t.fresh, name) })
	if err := t.apply(j, &objects); err != nil {
		return t.abort(j, err)
	}
	if err := j.finish(t.fs); err != nil {
		return fmt.Errorf("%w: %w", ErrCommitted, err)
	}
	return nil
}

// plan checks what the commit builds on, and returns the journal that would undo it.
func (t *Tx) plan(points []Point) (*journal, error) {
	j := &journal{points: points, replaced: t.replaced}
	for _, p := range points {
		if err := p.check(t.fs); err != nil {
			return nil, err
		}
	}
	if t.rewritten != nil {
		old, err := sumOf(t.fs, t.rewritten.Name)
		if err != nil {
			return nil, fmt.Errorf("rewrite %s: %w", t.rewritten.Name, err)
		}
		j.rewrite = &Rewritten{t.rewritten.Name, old, sum(t.rewritten.Data)}
		if j.rewrite.Old == j.rewrite.New {
			return nil, fmt.Errorf("rewrite %s: it has that content", t.rewritten.Name)
		}
	}
	for _, g := range t.growths {
		if err := g.measure(t.fs); err != nil {
			return nil, err
		}
		j.lengths = append(j.lengths, Grown{g.name, g.at, g.absent, g.data, true})
	}
	return j, nil
}

// check finds a writer that took no lock, or a mistake of the caller.
func (p Point) check(fs afero.Fs) error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	if p.New == "" || len(p.New) > maxText || strings.TrimSpace(p.New) != p.New {
		return fmt.Errorf("%s: %.40q is not the text of a commit point", p.Name, p.New)
	}
	text, err := readText(fs, p.Name)
	if err != nil {
		return err
	}
	if text != p.Old {
		return fmt.Errorf("%s holds %.40q where %.40q was expected: another program wrote to it", p.Name, text, p.Old)
	}
	return nil
}

// ShortError says that a growing file has lost bytes that were committed. Nothing was written.
type ShortError struct {
	Name    string
	At, End int64 // where the commit was to append, and where the file ends
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("append to %s at byte %d: its end is at byte %d", e.Name, e.At, e.End)
}

// measure compares the file's length with the committed one.
func (g *growth) measure(fs afero.Fs) error {
	info, err := fs.Stat(g.name)
	if g.absent = errors.Is(err, iofs.ErrNotExist); g.absent {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("append to %s: %w", g.name, err)
	}
	var size int64
	if !g.absent {
		size = info.Size()
	}
	if size < g.at {
		return &ShortError{g.name, g.at, size}
	}
	g.cut = size > g.at
	return nil
}

// cutLeftovers cuts what lies beyond the committed ends, before there is a journal: what lies there later, beyond what the commit appends, another program wrote.
func (t *Tx) cutLeftovers() error {
	var left []Grown
	for _, g := range t.growths {
		if g.cut {
			left = append(left, Grown{Name: g.name, At: g.at})
		}
	}
	return cutAll(t.fs, left)
}

// writeUnjournaled writes the objects, then the small files.
func (t *Tx) writeUnjournaled() error {
	lacking, err := t.lacking()
	if err == nil {
		err = t.writeAll(lacking)
	}
	if err != nil {
		t.forget()
		return err
	}
	return t.writeAll(t.replaced)
}

// stageObjects does step 1.
func (t *Tx) stageObjects() (objects staged, err error) {
	lacking, err := t.lacking()
	if err == nil {
		err = t.cutLeftovers()
	}
	if err != nil {
		return objects, err
	}
	return t.stage(lacking)
}

// apply does steps 2 to 5. The new content of a rewritten file lies beside it before the points get their new texts, so that whoever finds these can finish.
func (t *Tx) apply(j *journal, objects *staged) error {
	journal, err := j.write(&t.writer)
	if err := flushAll(t.fs, append(objects.temps(), journal...), nil, err); err != nil {
		return err
	}
	if err := objects.rename(t.fs); err != nil {
		return err
	}
	points, err := t.appendAll(j, objects.dirs)
	if err != nil {
		return err
	}
	defer points.drop(t.fs)
	if t.rewritten == nil {
		return t.renamePoints(&points)
	}
	return t.writeBeside(*t.rewritten, func() error { return t.renamePoints(&points) })
}

// pointTexts are the commit points with their new texts.
func (j *journal) pointTexts() (texts []Content) {
	for _, p := range j.points {
		texts = append(texts, Content{p.Name, []byte(p.New)})
	}
	return texts
}

// renamePoints gives the commit points their new texts, in order.
func (t *Tx) renamePoints(points *staged) error {
	for len(points.files) > 0 {
		name := points.files[0].name
		if err := points.renameNext(t.fs); err != nil {
			return err
		}
		if err := SyncDir(t.fs, path.Dir(name)); err != nil {
			return err
		}
	}
	return nil
}

// abort takes the commit back after err, unless it was made.
func (t *Tx) abort(j *journal, err error) error {
	made, rerr := j.judge(t.fs)
	if made && rerr == nil {
		rerr = j.confirm(t.fs)
	}
	switch {
	case errors.Is(rerr, ErrCommitted):
		return rerr
	case rerr != nil:
		return fmt.Errorf("%w: %w; then %w", ErrUncertain, err, rerr)
	case made:
		return nil
	}
	if rerr := j.undo(t.fs); rerr != nil {
		return fmt.Errorf("%w; taking it back failed too (%w), the next writer will do it", err, rerr)
	}
	t.forget()
	return err
}

// confirm makes the points of a commit that was made anew, and finishes it: what failed was the flush of the last rename. To flush that once more proves nothing,
// because some systems report a loss only once.
func (j *journal) confirm(fs afero.Fs) error {
	for _, p := range j.points {
		if err := WriteFile(fs, p.Name, []byte(p.New)); err != nil {
			return err
		}
	}
	if j.rewrite != nil {
		if err := SyncDir(fs, path.Dir(j.rewrite.Name)); err != nil {
			return err
		}
	}
	if err := j.finish(fs); err != nil {
		return fmt.Errorf("%w: %w", ErrCommitted, err)
	}
	return nil
}

// forget removes the objects and directories that the commit brought.
func (t *Tx) forget() {
	t.dropObjects()
	t.unmake()
}

// dropObjects removes the objects that the commit brought.
func (t *Tx) dropObjects() {
	for _, name := range t.fresh {
		_ = t.fs.Remove(name) // what stays is an object that nothing names
	}
}

// lacking returns the objects that are not there with their bytes. The names of those that are get flushed.
func (t *Tx) lacking() (lacking []Content, err error) {
	var same []Content
	for _, o := range t.objects {
		have, err := t.compare(o)
		if err != nil {
			return nil, err
		}
		if have {
			same = append(same, o)
		} else {
			lacking = append(lacking, o)
		}
	}
	return lacking, syncDirs(t.fs, parents(same, nameOf))
}

func nameOf(f Content) string { return f.Name }

// compare reports whether the object is there with its bytes, and flushes it: who wrote it may have
// died before the flush. Anything less is for writing it anew.
func (t *Tx) compare(o Content) (same bool, err error) {
	f, err := t.fs.Open(o.Name)
	if errors.Is(err, iofs.ErrNotExist) {
		t.fresh = append(t.fresh, o.Name)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at object %s: %w", o.Name, err)
	}
	defer f.Close()
	have, err := io.ReadAll(io.LimitReader(f, int64(len(o.Data))+1))
	return err == nil && bytes.Equal(have, o.Data) && f.Sync() == nil, nil
}

// appendAll does steps 3 and 4, and returns the new texts of the points, staged. The names of objects are flushed in these directories.
func (t *Tx) appendAll(j *journal, objects []string) (points staged, err error) {
	begun := slices.DeleteFunc(slices.Clone(t.growths), func(g *growth) bool { return g.at > 0 })
	dirs := parents(begun, func(g *growth) string { return g.name })
	if err := t.makeDirs(dirs); err != nil {
		return points, err
	}
	growths := t.growths
	for ; len(growths) > maxOpen; growths = growths[maxOpen:] {
		files, err := appendChunk(t.fs, growths[:maxOpen])
		if err := flushAll(t.fs, files, nil, err); err != nil {
			return points, err
		}
	}
	files, err := appendChunk(t.fs, growths)
	if err == nil {
		points, err = t.stage(j.pointTexts())
	}
	if err = flushAll(t.fs, append(files, points.temps()...), append(dirs, objects...), err); err != nil {
		points.drop(t.fs)
	}
	return points, err
}

// appendChunk appends to each file and leaves it open. After an error it returns those opened so far.
func appendChunk(fs afero.Fs, growths []*growth) (files []handle, err error) {
	for _, g := range growths {
		f, err := fs.OpenFile(g.name, os.O_RDWR|os.O_CREATE, filePerm)
		if err != nil {
			return files, fmt.Errorf("append to %s: %w", g.name, err)
		}
		files = append(files, handle{g.name, f})
		if err := g.append(f); err != nil {
			return files, fmt.Errorf("append to %s: %w", g.name, err)
		}
	}
	return files, nil
}

func (g *growth) append(f afero.File) error {
	_, err := f.WriteAt(g.data, g.at)
	return err
}
