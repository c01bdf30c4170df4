package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spf13/afero"
)

// stopper is a file system that does something before the n-th operation of a kind on a file with a text in its path, and, if that fails, before all later ones.
type stopper struct {
	afero.Fs
	counting    sync.Mutex // guards n: commands read several files at a time
	n           int
	kind, place string
	do          func() error
}

// newStopper takes the place in words, such as "2 open cas/".
func newStopper(t *testing.T, fsys afero.Fs, place string, do func() error) *stopper {
	t.Helper()
	s := &stopper{Fs: fsys, do: do}
	if _, err := fmt.Sscan(place, &s.n, &s.kind, &s.place); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stopper) at(kind, name string) error {
	if kind != s.kind || !strings.Contains(filepath.ToSlash(name), s.place) {
		return nil
	}
	s.counting.Lock()
	s.n--
	wait := s.n > 0
	s.counting.Unlock()
	if wait {
		return nil
	}
	return s.do()
}

func (s *stopper) Open(name string) (afero.File, error) {
	if err := s.at("open", name); err != nil {
		return nil, err
	}
	return s.Fs.Open(name)
}

func (s *stopper) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if err := s.at("open", name); err != nil {
		return nil, err
	}
	return s.Fs.OpenFile(name, flag, perm)
}

func (s *stopper) Rename(from, to string) error {
	if err := s.at("rename", to); err != nil {
		return err
	}
	return s.Fs.Rename(from, to)
}

// interrupting are commands, each with what it says when it is interrupted and something stays; "" if nothing does, as of what comes in one transaction.
var interrupting = []struct{ line, stays string }{
	{"create -r /ann Ticket a=b", ""},
	{"delete -r /ann 1", ""},
	{"resolve -r /ann --all --take holds", ""},
	{"reidentify -r /ann", ""},
	{"init /new", ""},
	{"import -r /ann /lines.jsonl", ""},
	{"import -n -r /ann /lines.jsonl", ""},
	{"pull -r /ann /bob", ""},
	{"pull -n -r /ann /bob", ""},
	{"pull -r /ann --all", ""},
	{"push -r /ann /bob", ""},
	{"clone /ann /new", `what came so far stays; "prophet pull -r /new /ann" goes on`},
	{"export -r /ann /new", "/new holds half a copy; remove it and export again"},
	{"publish -r /ann /new", "what came so far stays; readers see nothing there yet, and the next publish goes on"},
	{"fsck -r /ann", ""},
	{"fsck /ann", ""},
	{"fsck -r /ann --repair", "what is repaired so far stays; run it again"},
	{"fsck -r /ann --repair", `the repair is done; "prophet fsck -r /ann" makes the check that follows it`},
}

// A command that is interrupted says which it was, and what stays and how to go on; or that nothing was changed, which is so, and that it can be run again.
func TestWhoInterruptsACommandIsToldOfWhichAndWhatStays(t *testing.T) {
	ann := quarrelling(t)
	ann.do(t, "create", "-r", "/bob", "Ticket", "summary=toner")
	ann.write(t, "/lines.jsonl", `{"created":"2018-07-21 14:38:36","creator":"ann","changes":[{"op":"create","type":"Ticket","uuid":"6b0a9d5c-7f6e-4a64-9d0c-1f4b6f0d2c11","props":{}}]}`)
	before := textsOf(t, ann.Fs)
	for _, c := range interrupting {
		said := map[string]bool{}
		for _, place := range []string{"1 open lock", "1 open lines", "1 open cas/changesets", "1 open prophet/mirror", "1 open cas/records", "1 rename cas", "1 rename latest"} {
			w := newWorld()
			w.Getenv = ann.Getenv
			for name, text := range before {
				w.write(t, name, text)
			}
			said[w.interrupted(t, place, c.line, before)] = true
		}
		if !said[cmp.Or(c.stays, hintUnchanged)] {
			t.Errorf("%s: said %q, never %q", c.line, slices.Collect(maps.Keys(said)), c.stays)
		}
	}
}

// interrupted runs a command that is interrupted at a place, and returns the hint that it gives; "" if it ends well.
func (w *world) interrupted(t *testing.T, place, line string, before map[string]string) string {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	e := *w.env
	e.Fs = newStopper(t, w.Fs, place, func() error { cancel(errInterrupted); return nil })
	if code := run(ctx, &e, strings.Fields(line)); code != exitFailed {
		return ""
	}
	name, _, _ := strings.Cut(line, " ")
	hint, ok := strings.CutPrefix(w.err.String(), "prophet: error: "+name+": interrupted\nprophet: hint: ")
	hint = strings.TrimSuffix(hint, "\n")
	if !ok {
		t.Errorf("%s at %s says: %s", line, place, w.err)
	}
	if hint == hintUnchanged && !maps.Equal(textsOf(t, w.Fs), before) {
		t.Errorf("%s at %s changed something", line, place)
	}
	if strings.HasSuffix(hint, "run it again") {
		w.do(t, strings.Fields(line)...)
	}
	return hint
}

// textsOf returns what is in all files but locks.
func textsOf(t *testing.T, fsys afero.Fs) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := afero.Walk(fsys, "/", func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || path.Base(name) == "lock" {
			return err
		}
		b, err := afero.ReadFile(fsys, name)
		texts[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// What came before a disk was full stays as it does before an interrupt.
func TestWhereADiskIsFullWhatCameStays(t *testing.T) {
	const larger = `the shell's "ulimit -f", or the file system, lets no file be as large as that: raise the limit, or work on another disk`
	line := func(id string) string {
		return `{"created":"2018-07-21 14:38:36","creator":"ann","changes":[{"op":"create","type":"Ticket","uuid":"` + id + `","props":{}}]}`
	}
	for _, tt := range []struct {
		line, place string
		err         error
		hint        string
	}{
		{"import -r /ann /one /two", "1 open /two", syscall.ENOSPC, "make room; what came so far stays; the next import of it goes on from there"},
		{"import -r /ann /one /two", "1 open /two", syscall.EFBIG, larger + "; what came so far stays; the next import of it goes on from there"},
		{"import -r /ann /one /two", "1 open /one", syscall.ENOSPC, hintFull},
		{"pull -r /ann /bob", "1 rename last-peer", syscall.ENOSPC, "make room; what came so far stays; the next pull goes on from there"},
		{"pull -r /ann /bob", "1 rename /ann/", syscall.ENOSPC, hintFull},
		{"push -r /ann /bob", "1 rename last-peer", syscall.EDQUOT, "make room; what came so far stays; the next push goes on from there"},
		{"push -r /ann /bob", "1 rename /bob/", syscall.ENOSPC, hintFull},
		{"clone /ann /new", "7 open /new/prophet/peers/", syscall.ENOSPC, `make room; what came so far stays; then "prophet pull -r /new /ann" goes on with the clone`},
		{"publish -r /ann /new", "1 open prophet/mirror", syscall.ENOSPC, "make room; what came so far stays; readers see nothing there yet, and the next publish goes on"},
	} {
		w := quarrelling(t)
		w.do(t, "create", "-r", "/bob", "Ticket", "summary=toner")
		w.do(t, "create", "-r", "/ann", "Ticket", "summary=paper")
		w.write(t, "/one", line("6b0a9d5c-7f6e-4a64-9d0c-1f4b6f0d2c11"))
		w.write(t, "/two", line("6b0a9d5c-7f6e-4a64-9d0c-1f4b6f0d2c12"))
		if err := w.Fs.Remove("/ann/prophet/last-peer"); err != nil {
			t.Fatal(err)
		}
		w.err.Reset()
		w.Fs = newStopper(t, w.Fs, tt.place, func() error { return tt.err })
		if code := run(t.Context(), w.env, strings.Fields(tt.line)); code != exitFailed || !strings.HasSuffix(w.err.String(), "\nprophet: hint: "+tt.hint+"\n") {
			t.Errorf("%s, %v at %s: exit code %d, %s", tt.line, tt.err, tt.place, code, w.err)
		}
	}
}

func TestAnExportThatFailsSaysWhatToDoNext(t *testing.T) {
	half := "/new holds half a copy; remove it and export again"
	for _, tt := range []struct {
		place string
		err   error
		hint  string
	}{
		{"2 rename new/cas", syscall.ENOSPC, "make room, or name another directory; " + half},
		{"2 rename new/cas", syscall.EFBIG, raiseLimit + "; " + half},
		{"2 rename new/cas", syscall.EMFILE, raiseFiles + "; " + half},
		{"2 rename new/cas", syscall.EACCES, "look who may read and write there; " + half},
		{"2 rename new/cas", syscall.EIO, half},
		{"1 open ann/cas/records", syscall.EIO, half},
		{"1 open /new", syscall.EACCES, "look who may read and write there"},
	} {
		w := quarrelling(t)
		w.err.Reset()
		w.Fs = newStopper(t, w.Fs, tt.place, func() error { return tt.err })
		code := run(t.Context(), w.env, []string{"export", "-r", "/ann", "/new"})
		if code != exitFailed || !strings.HasSuffix(w.err.String(), "\nprophet: hint: "+tt.hint+"\n") {
			t.Errorf("%v at %s: exit code %d, %s", tt.err, tt.place, code, w.err)
		}
	}
}

func TestARecordCountThatIsInterruptedIsNotShown(t *testing.T) {
	w := quarrelling(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(fsckDoc).count(ctx, w.dir("/ann")); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}
