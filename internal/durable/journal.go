package durable

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/minio/sha256-simd"
	"github.com/spf13/afero"
)

// Journal is the file that a commit in progress keeps its undo in. Its text, one example:
//
//	prophet journal 1
//	append 44 "changesets.idx" "AAAAAhCx5Ykuw04nkXxC2uGLjPEAAAAC…"
//	append absent "records/bug/1/2/12b5e0c4-7a3c-4f0e-9d58-0b8f6f6a1c11" "AAAAAo82…"
//	point "latest-sequence-no" "1" "2"
//	rewrite "changesets.idx" "9f86…" "60303…"
//	replace "local_metadata/last-changeset-from-10b1e589-83c2-4e27-917c-42dae1b8cf11" "7"
//	bring "prophet/parts/3f0a….pack"
//	sha256 6f1f…
//
// An append says how long a growing file is, or that it is absent, and what the commit appends to it, in base64 ([base64.RawStdEncoding]). Earlier
// versions wrote "length 44 "changesets.idx"" instead, without what is appended.
// A bring names a file that the commit brings, and that goes where it is taken back. A rewrite names the SHA-256 of a file before and after the commit that it is. The last line is the SHA-256 of all before it, in lower-case hex.
// Quoted text is written and read as Go does ([strconv.Quote]). An empty journal is its first line, or nothing while its place in the directory is
// not flushed yet.
const Journal = "prophet/journal"

const (
	journalHead = "prophet journal 1\n"
	sumWord     = "sha256 "
	sumLine     = len(sumWord) + 2*sha256.Size + 1
	maxJournal  = 128 << 20
	maxText     = 64 << 10 // bytes of a commit point
)

// errTorn says that a journal was not written to its end, so that nothing was done by it.
var errTorn = errors.New("torn journal")

// journal holds what it takes to undo or finish a commit.
type journal struct {
	lengths  []Grown
	points   []Point
	rewrite  *Rewritten // the commit, if there is one; otherwise the last point is it
	replaced []Content
	brings   []string // objects that were not there before, and go where the commit is taken back
}

// write does step 2 but for the flush, for which it returns the journal, open, if it was opened. A new journal is flushed in its directory before it holds anything.
func (j *journal) write(w *writer) ([]handle, error) {
	text := j.text()
	if len(text) > maxJournal {
		return nil, fmt.Errorf("write %s: %d bytes, more than %d", Journal, len(text), maxJournal)
	}
	if err := w.makeDirs([]string{path.Dir(Journal)}); err != nil {
		return nil, err
	}
	f, err := w.fs.OpenFile(Journal, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", Journal, err)
	}
	return []handle{{Journal, f}}, writeJournal(w.fs, f, text)
}

func writeJournal(fs afero.Fs, f afero.File, text string) error {
	info, err := f.Stat()
	if err == nil && info.Size() == 0 {
		err = SyncDir(fs, path.Dir(Journal))
	}
	if err == nil {
		_, err = f.WriteAt([]byte(text), 0)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", Journal, err)
	}
	return nil
}

// emptyJournal cuts the journal to its first line, if there is one.
func emptyJournal(fs afero.Fs) error {
	f, err := fs.OpenFile(Journal, os.O_RDWR, filePerm)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("empty %s: %w", Journal, err)
	}
	if err = cut(f, int64(len(journalHead))); err != nil {
		err = fmt.Errorf("empty %s: %w", Journal, err)
	}
	return flushAll(fs, []handle{{Journal, f}}, nil, err)
}

// readJournal returns nil if there is no commit to recover, errTorn if a journal was begun and not finished.
func readJournal(fs afero.Fs) (*journal, error) {
	f, err := fs.Open(Journal)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", Journal, err)
	}
	if len(text) == 0 || string(text) == journalHead {
		return nil, nil
	}
	return parseJournal(string(text))
}

// text returns the journal as it is written.
func (j *journal) text() string {
	b := []byte(journalHead)
	for _, l := range j.lengths {
		at := strconv.FormatInt(l.At, 10)
		if l.Absent {
			at = "absent"
		}
		if l.Known {
			b = appendLine(b, "append "+at, l.Name, base64.RawStdEncoding.EncodeToString(l.Data))
		} else {
			b = appendLine(b, "length "+at, l.Name)
		}
	}
	for _, p := range j.points {
		b = appendLine(b, "point", p.Name, p.Old, p.New)
	}
	if r := j.rewrite; r != nil {
		b = appendLine(b, "rewrite", r.Name, r.Old, r.New)
	}
	for _, f := range j.replaced {
		b = appendLine(b, "replace", f.Name, string(f.Data))
	}
	for _, name := range j.brings {
		b = appendLine(b, "bring", name)
	}
	return string(b) + sumWord + sum(b) + "\n"
}

// sum returns the SHA-256 of b in lower-case hex.
func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// sumOf returns the SHA-256 of a file.
func sumOf(fs afero.Fs, name string) (string, error) {
	f, err := fs.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func appendLine(b []byte, word string, quoted ...string) []byte {
	b = append(b, word...)
	for _, s := range quoted {
		b = strconv.AppendQuote(append(b, ' '), s)
	}
	return append(b, '\n')
}

// parseJournal reads what text writes, and nothing else: errTorn if the sum is wrong, another error if a
// journal is whole but not ours to understand, or names a file outside the root.
func parseJournal(text string) (*journal, error) {
	if len(text) < sumLine {
		return nil, errTorn
	}
	body, last := text[:len(text)-sumLine], text[len(text)-sumLine:]
	if last != sumWord+sum([]byte(body))+"\n" {
		return nil, errTorn
	}
	j := &journal{}
	rest, ok := strings.CutPrefix(body, journalHead)
	for line := range strings.Lines(rest) {
		ok = ok && j.parseLine(line) == nil
	}
	if !ok || len(j.points) == 0 && j.rewrite == nil || j.text() != text {
		return nil, fmt.Errorf("%s is not one that this version writes", Journal)
	}
	return j, nil
}

func (j *journal) parseLine(line string) error {
	word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if word == "length" || word == "append" {
		at, quoted, _ := strings.Cut(rest, " ")
		return j.parseLength(at, quoted, word == "append")
	}
	args, err := unquoteAll(rest)
	switch {
	case err != nil:
		return err
	case checkName(args[0]) != nil:
		return checkName(args[0])
	case word == "point" && len(args) == 3:
		j.points = append(j.points, Point{args[0], args[1], args[2]})
	case word == "rewrite" && len(args) == 3 && j.rewrite == nil:
		j.rewrite = &Rewritten{args[0], args[1], args[2]}
	case word == "replace" && len(args) == 2:
		j.replaced = append(j.replaced, Content{args[0], []byte(args[1])})
	case word == "bring" && len(args) == 1:
		j.brings = append(j.brings, args[0])
	default:
		return fmt.Errorf("line %.40q", line)
	}
	return nil
}

func (j *journal) parseLength(at, quoted string, known bool) error {
	args, err := unquoteAll(quoted)
	switch {
	case err != nil:
		return err
	case known != (len(args) == 2) || len(args) > 2:
		return fmt.Errorf("%d words", len(args))
	}
	l := Grown{Name: args[0], Absent: at == "absent", Known: known}
	if !l.Absent {
		l.At, err = strconv.ParseInt(at, 10, 64)
	}
	if err == nil && l.At < 0 {
		err = fmt.Errorf("length %d", l.At)
	}
	if err == nil && known {
		l.Data, err = base64.RawStdEncoding.DecodeString(args[1])
	}
	j.lengths = append(j.lengths, l)
	return errors.Join(err, checkName(l.Name))
}

// unquoteAll reads quoted strings with one space between them, at least one.
func unquoteAll(s string) (list []string, err error) {
	for rest := " " + s; rest != ""; {
		quoted, err := strconv.QuotedPrefix(rest[1:])
		if err != nil {
			return nil, err
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
		rest = rest[1+len(quoted):]
	}
	return list, nil
}
