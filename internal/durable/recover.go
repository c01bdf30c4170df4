package durable

import (
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

// Recover finishes or takes back a commit that its writer did not live to finish, and
// reports whether there was one. Every writer calls it when it has the lock, before it reads what it builds on.
// It may itself be cut short at any moment, and called again. Where another program wrote since, it changes nothing, and the error is a [ForeignError].
func Recover(fs afero.Fs) (recovered bool, err error) {
	j, err := readJournal(fs)
	if errors.Is(err, errTorn) {
		err = emptyJournal(fs)
	}
	if err != nil {
		return false, fmt.Errorf("recover an unfinished commit: %w", err)
	}
	if j == nil {
		return false, nil
	}
	if err := j.recover(fs); err != nil {
		return false, fmt.Errorf("recover an unfinished commit: %w", err)
	}
	return true, nil
}

// TornJournal reports whether there is a journal that was not written to its end, or is damaged: nothing was done by it. A writer at work may be writing it.
func TornJournal(fs afero.Fs) (bool, error) {
	_, err := readJournal(fs)
	if errors.Is(err, errTorn) {
		return true, nil
	}
	return false, err
}

func (j *journal) recover(fs afero.Fs) error {
	made, err := j.judge(fs)
	if err != nil {
		return err
	}
	if made {
		return j.redo(fs)
	}
	if err := j.checkOvergrown(fs); err != nil {
		return err
	}
	return j.undo(fs)
}

// redo makes sure that the points are on the disk, then finishes.
func (j *journal) redo(fs afero.Fs) error {
	for _, p := range j.points {
		if err := restore(fs, p.Name, p.New); err != nil {
			return err
		}
	}
	if j.rewrite != nil {
		if err := SyncDir(fs, path.Dir(j.rewrite.Name)); err != nil {
			return err
		}
	}
	return j.finish(fs)
}

// finish does step 6.
func (j *journal) finish(fs afero.Fs) error {
	w := writer{fs: fs}
	if err := w.writeAll(j.replaced); err != nil {
		return err
	}
	return emptyJournal(fs)
}

// undo gives the points before the commit their old text, for the readers' sake before the rows that they promise go, then cuts every file back, and removes what the commit brought.
func (j *journal) undo(fs afero.Fs) error {
	before := j.points
	if j.rewrite == nil {
		before = before[:len(before)-1]
	}
	for _, p := range before {
		if err := restore(fs, p.Name, p.Old); err != nil {
			return err
		}
	}
	begun := slices.DeleteFunc(slices.Clone(j.lengths), func(l Grown) bool { return !l.Absent })
	grown := slices.DeleteFunc(slices.Clone(j.lengths), func(l Grown) bool { return l.Absent })
	if err := cutAll(fs, grown); err != nil {
		return err
	}
	if err := removeAll(fs, begun); err != nil {
		return err
	}
	return j.drop(fs)
}

// drop removes what a commit brought that was taken back, then the journal that tells of it.
func (j *journal) drop(fs afero.Fs) error {
	var brought []Grown
	for _, name := range j.brings {
		brought = append(brought, Grown{Name: name})
	}
	if err := removeAll(fs, brought); err != nil {
		return err
	}
	return emptyJournal(fs)
}

// cutAll cuts the files, those that exist, and flushes them.
func cutAll(fs afero.Fs, grown []Grown) error {
	for chunk := range slices.Chunk(grown, maxOpen) {
		files, err := cutChunk(fs, chunk)
		if err := flushAll(fs, files, nil, err); err != nil {
			return err
		}
	}
	return nil
}

// restore makes sure that the text of the point is on the disk; "" stands for no file.
func restore(fs afero.Fs, name, text string) error {
	if text == "" {
		return removeAll(fs, []Grown{{Name: name}})
	}
	if now, err := readText(fs, name); err == nil && now == text {
		return SyncDir(fs, path.Dir(name))
	}
	return WriteFile(fs, name, []byte(text))
}

// cutChunk cuts each file to its length and leaves it open. It never makes one longer: what is missing is damage, and not for this to hide.
func cutChunk(fs afero.Fs, lengths []Grown) (files []handle, err error) {
	for _, l := range lengths {
		f, err := fs.OpenFile(l.Name, os.O_RDWR, filePerm)
		if errors.Is(err, iofs.ErrNotExist) {
			continue
		}
		if err != nil {
			return files, fmt.Errorf("cut %s: %w", l.Name, err)
		}
		files = append(files, handle{l.Name, f})
		if err := cut(f, l.At); err != nil {
			return files, fmt.Errorf("cut %s: %w", l.Name, err)
		}
	}
	return files, nil
}

func cut(f afero.File, at int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() <= at {
		return err
	}
	return f.Truncate(at)
}

// removeAll removes the files, those that exist, and flushes the directories that do.
func removeAll(fs afero.Fs, files []Grown) error {
	for _, f := range files {
		if err := fs.Remove(f.Name); err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", f.Name, err)
		}
	}
	dirs := parents(files, func(l Grown) string { return l.Name })
	for _, dir := range dirs {
		if err := SyncDir(fs, dir); err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readText returns the text of a commit point without white space around it, "" if there is no such file.
func readText(fs afero.Fs, name string) (string, error) {
	f, err := fs.Open(name)
	if errors.Is(err, iofs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxText {
		return "", fmt.Errorf("read %s: more than %d bytes", name, maxText)
	}
	return strings.TrimSpace(string(text)), nil
}
