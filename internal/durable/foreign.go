package durable

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strconv"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"
)

// ForeignError says that a commit was cut off, and that another program, which takes no lock and knows of no journal, wrote to the same files since.
// To finish the commit or to take it back by lengths and texts alone could destroy what it wrote. Who knows what the files hold calls [Unfinished.Mend].
type ForeignError struct {
	Unfinished *Unfinished
	Found      string // in words
}

func (e *ForeignError) Error() string { return e.Found + ": another program wrote to it in between" }

// Unfinished is a commit that its writer did not live to finish, as its journal has it.
type Unfinished struct {
	Grown     []Grown
	Points    []Point
	Rewritten *Rewritten // nil if no file was to be rewritten
	Brings    []string   // the files that go if the commit does not count as made
	journal   *journal
}

// Grown is a file that a commit extends.
type Grown struct {
	Name   string
	At     int64  // its length in bytes before the commit
	Absent bool   // there was no such file
	Data   []byte // what is appended
	Known  bool   // what that is: earlier versions did not note it
}

// Rewritten is a file that gets a new content as a whole: the SHA-256 of the old one and of the new, in lower-case hex.
type Rewritten struct{ Name, Old, New string }

// Mend is what is to become of the files of an unfinished commit.
type Mend struct {
	Objects  []Content         // are written first
	Points   map[string]string // the texts that these files get; "" stands for no file
	Lengths  map[string]int64  // so long these files become, if they are longer; -1: they go
	Contents []Content         // these files get another content as a whole, one after another; each has the old one or the new at any moment
	Made     bool              // the commit counts as made: what was to be replaced after it is replaced; else what it brought goes
}

// Content is a file and its bytes.
type Content struct {
	Name string
	Data []byte
}

// foreign is the error for what another program wrote.
func (j *journal) foreign(format string, args ...any) error {
	u := &Unfinished{Grown: j.lengths, Points: j.points, Rewritten: j.rewrite, Brings: j.brings, journal: j}
	return &ForeignError{u, fmt.Sprintf(format, args...)}
}

// judge reports whether the commit was made: whether the last point has its new text, or the rewritten file its new content. Another program may
// have written the very text that the commit was to write. So where it is there, every file must have been extended as the commit was to extend it.
// Otherwise, and where a point has a third text, the error is a ForeignError.
func (j *journal) judge(fs afero.Fs) (made bool, err error) {
	for _, p := range j.points {
		text, err := readText(fs, p.Name)
		if err != nil {
			return false, err
		}
		if text != p.New && text != p.Old {
			return false, j.foreign("%s holds %.40q, neither %.40q nor %.40q", p.Name, text, p.Old, p.New)
		}
		made = text == p.New
	}
	if j.rewrite != nil {
		if made, err = j.rewriteMade(fs); err != nil {
			return false, err
		}
	}
	if !made {
		return false, nil
	}
	return true, j.checkWhole(fs)
}

// rewriteMade is judge for a rewritten file.
func (j *journal) rewriteMade(fs afero.Fs) (bool, error) {
	r := j.rewrite
	now, err := sumOf(fs, r.Name)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", r.Name, err)
	}
	if now != r.New && now != r.Old {
		return false, j.foreign("%s is neither as it was nor as it was to be", r.Name)
	}
	return now == r.New, nil
}

// checkWhole returns a ForeignError unless every file ends in what the commit appends to it. Of a journal that does not say, nobody knows without
// knowing what the files hold, except where a rewritten file tells.
func (j *journal) checkWhole(fs afero.Fs) error {
	for _, l := range j.lengths {
		tail, err := readTail(fs, l.Name, l.At, len(l.Data)+1)
		switch {
		case err != nil:
			return err
		case !l.Known && j.rewrite != nil:
		case !l.Known:
			return j.foreign("an earlier version of this program was cut off while it wrote %s, and whether it came to an end does not stand in its journal", l.Name)
		case !bytes.Equal(tail, l.Data):
			return j.foreign("%s does not end in what was to be appended to it at byte %d", l.Name, l.At)
		}
	}
	return nil
}

// checkOvergrown returns a ForeignError if a file that is to be cut is longer than the commit was to make it.
func (j *journal) checkOvergrown(fs afero.Fs) error {
	for _, l := range j.lengths {
		info, err := fs.Stat(l.Name)
		if errors.Is(err, iofs.ErrNotExist) || !l.Known {
			continue
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", l.Name, err)
		}
		if end := l.At + int64(len(l.Data)); info.Size() > end {
			return j.foreign("%s has %d bytes, and was to have %d", l.Name, info.Size(), end)
		}
	}
	return nil
}

// readTail reads up to most bytes from byte at of a file on, none of one that does not exist.
func readTail(fs afero.Fs, name string, at int64, most int) ([]byte, error) {
	f, err := fs.Open(name)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	tail, err := io.ReadAll(io.NewSectionReader(f, at, int64(most)))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return tail, nil
}

// Rewrite returns the new content of the file that was to be rewritten, if it still lies beside it under a temporary name.
func (u *Unfinished) Rewrite(fs afero.Fs) (data []byte, ok bool, err error) {
	for n := 0; n < maxTemps && u.Rewritten != nil; n++ {
		data, err := afero.ReadFile(fs, tempFor(u.Rewritten.Name, n))
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return nil, false, err
		}
		if err == nil && sum(data) == u.Rewritten.New {
			return data, true, nil
		}
	}
	return nil, false, nil
}

// Prefix returns how many bytes at the beginning of data, a multiple of step, are the old content or the new.
func (r *Rewritten) Prefix(data []byte, step int) (n int, isNew, ok bool) {
	h := sha256.New()
	for n = 0; ; n += step {
		now := hex.EncodeToString(h.Sum(nil))
		if now == r.Old || now == r.New {
			return n, now == r.New, true
		}
		if n+step > len(data) {
			return 0, false, false
		}
		h.Write(data[n : n+step])
	}
}

// Replaced is the text of the small files that the commit was to replace after it was made.
func (u *Unfinished) Replaced() map[string]string { return u.journal.texts() }

// Mend writes what is to become of the files, then empties the journal. It may be cut short at any moment: the journal is there until the end, so
// whoever comes next finds it, decides again by what the files hold then, and calls Mend again. The lock must be held.
func (u *Unfinished) Mend(fs afero.Fs, m Mend) error {
	if err := u.mend(fs, m); err != nil {
		return fmt.Errorf("repair an unfinished commit: %w", err)
	}
	return nil
}

func (u *Unfinished) mend(fs afero.Fs, m Mend) error {
	w := writer{fs: fs}
	if err := w.writeAll(m.Objects); err != nil {
		return err
	}
	for _, p := range u.Points {
		if text, ok := m.Points[p.Name]; ok {
			if err := restore(fs, p.Name, text); err != nil {
				return err
			}
		}
	}
	if err := u.cut(fs, m.Lengths); err != nil {
		return err
	}
	for _, c := range m.Contents {
		if err := w.writeAll([]Content{c}); err != nil {
			return err
		}
	}
	if !m.Made {
		return u.journal.drop(fs)
	}
	replaced, err := u.journal.notLower(fs)
	if err != nil {
		return err
	}
	return (&journal{replaced: replaced}).finish(fs)
}

// cut cuts or removes the files that are in lengths, in the order of the journal.
func (u *Unfinished) cut(fs afero.Fs, lengths map[string]int64) error {
	var begun, grown []Grown
	for _, g := range u.Grown {
		switch at, ok := lengths[g.Name]; {
		case ok && at < 0:
			begun = append(begun, Grown{Name: g.Name})
		case ok:
			grown = append(grown, Grown{Name: g.Name, At: at})
		}
	}
	if err := cutAll(fs, grown); err != nil {
		return err
	}
	return removeAll(fs, begun)
}

// notLower leaves out what would replace a number by a lower one: the other program went on from there.
func (j *journal) notLower(fs afero.Fs) (replaced []Content, err error) {
	for _, f := range j.replaced {
		then, err := strconv.ParseUint(string(f.Data), 10, 64)
		if err != nil {
			replaced = append(replaced, f)
			continue
		}
		text, err := readText(fs, f.Name)
		if err != nil {
			return nil, err
		}
		if now, err := strconv.ParseUint(text, 10, 64); err != nil || then > now {
			replaced = append(replaced, f)
		}
	}
	return replaced, nil
}
