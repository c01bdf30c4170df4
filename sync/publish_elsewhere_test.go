package sync_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// elsewhere is a place on another machine, and the copy here of what is there. Files are sent in an order of its own.
type elsewhere struct {
	there, here afero.Fs
	rng         *rand.Rand
	cut         int // after so many files more the connection breaks; less than 0: never

	fetches, sends int
	sent           []string
}

var errCut = errors.New("the connection broke")

// newElsewhere returns a place, and the directory here for a copy of it.
func newElsewhere(there afero.Fs, seed uint64) (*elsewhere, *crashfs.FS) {
	here, at := newCopy()
	return &elsewhere{there: there, here: here, rng: rand.New(rand.NewPCG(seed, 1)), cut: -1}, at
}

// newCopy returns an empty directory for a copy, and in it the copy.
func newCopy() (here afero.Fs, at *crashfs.FS) {
	at = crashfs.New()
	return afero.NewBasePathFs(at, psync.CopyDir), at
}

// isNamed reports whether a file is one of those that names tell.
func isNamed(file string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if strings.HasSuffix(name, "/") {
			return strings.HasPrefix(file, name)
		}
		is, _ := path.Match(name, file)
		return is
	})
}

// filesNamed lists those files of a file system.
func filesNamed(fsys afero.Fs, names []string) (files []string, err error) {
	err = afero.Walk(fsys, ".", func(name string, info fs.FileInfo, err error) error {
		if err == nil && !info.IsDir() && isNamed(path.Clean(name), names) {
			files = append(files, path.Clean(name))
		}
		return err
	})
	return files, err
}

func (e *elsewhere) Fetch(_ context.Context, names []string) error {
	e.fetches++
	gone, err := filesNamed(e.here, names)
	if err != nil {
		return err
	}
	for _, name := range gone {
		if err := e.here.Remove(name); err != nil {
			return err
		}
	}
	files, err := filesNamed(e.there, names)
	for _, name := range files {
		err = errors.Join(err, e.copy(e.there, e.here, name))
	}
	return err
}

func (e *elsewhere) Send(_ context.Context, names, gone []string) error {
	e.sends++
	all := append(slices.Clone(names), gone...)
	slices.Sort(all)
	e.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, name := range all {
		if e.cut == 0 {
			return errCut
		}
		e.cut--
		e.sent = append(e.sent, name)
		var err error
		if slices.Contains(names, name) {
			err = e.copy(e.here, e.there, name)
		} else {
			err = e.there.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (e *elsewhere) copy(from, to afero.Fs, name string) error {
	b, err := afero.ReadFile(from, name)
	if err != nil {
		return err
	}
	if err := to.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	return afero.WriteFile(to, name, b, 0o666)
}

// publishElsewhere publishes Ann's replica.
func (w *workshop) publishElsewhere(at afero.Fs, e *elsewhere, opts psync.PublishOptions) *psync.Published {
	w.tb.Helper()
	report, err := psync.PublishElsewhere(w.tb.Context(), w.ann, at, e, opts)
	w.check(err)
	return report
}

func TestAMirrorElsewhereIsWhatOneInADirectoryIs(t *testing.T) {
	for _, opts := range []psync.PublishOptions{{}, {Flat: true}, {NoTree: true}} {
		t.Run(fmt.Sprintf("flat %v, no tree %v", opts.Flat, opts.NoTree), func(t *testing.T) {
			w := newWorkshop(t, crashfs.New())
			w.few()
			dir := crashfs.New()
			e, at := newElsewhere(crashfs.New(), 1)
			for range 3 {
				want, got := w.publish(dir, opts), w.publishElsewhere(at, e, opts)
				if *got != *want {
					t.Errorf("report %+v, want %+v", *got, *want)
				}
				if got, want := filesOf(t, e.there), filesOf(t, dir); !maps.Equal(got, want) {
					sameFiles(t, "mirror", got, want)
					t.Error("it is another one")
				}
				w.update(w.ann, w.ticket(w.ann, "Saw blade is dull", "new", "wood"), map[string]string{"status": "open"})
			}
		})
	}
}

// What one more changeset takes does not depend on how many there are; with nothing new that is a look at small files.
func TestOnlyWhatIsNewIsSentElsewhere(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	e, at := newElsewhere(crashfs.New(), 1)
	w.publishElsewhere(at, e, psync.PublishOptions{})
	var counts []string
	for i := range 2 {
		w.ticket(w.ann, fmt.Sprint("Saw blade is dull ", i), "new", "wood")
		e.fetches, e.sends, e.sent = 0, 0, nil
		w.publishElsewhere(at, e, psync.PublishOptions{})
		counts = append(counts, fmt.Sprint(e.fetches, e.sends, len(e.sent)))
		w.many(300)
		w.publishElsewhere(at, e, psync.PublishOptions{})
	}
	if counts[0] != "1 3 8" || counts[1] != counts[0] {
		t.Errorf("fetches, sendings and files of one more ticket: %q", counts)
	}
	before := filesOf(t, e.there)
	e.fetches, e.sends = 0, 0
	report := w.publishElsewhere(at, e, psync.PublishOptions{})
	if report.Wrote || e.fetches != 1 || e.sends != 0 || !maps.Equal(filesOf(t, e.there), before) {
		t.Errorf("nothing new: report %+v, %d fetches, %d sendings", *report, e.fetches, e.sends)
	}
}

// A transfer breaks off after each third file, which come in another order each time. Readers see the state before or after, and the next publication makes it good, also from another
// machine.
func TestATransferElsewhereThatBreaksOffShowsTheStateBeforeOrAfter(t *testing.T) {
	for _, tc := range []struct {
		name  string
		opts  psync.PublishOptions
		old   bool // a state was published before
		least int
	}{{"more", psync.PublishOptions{}, true, 15}, {"more packs", psync.PublishOptions{NoTree: true, InHead: -1}, true, 4}, {"first", psync.PublishOptions{}, false, 30}} {
		t.Run(tc.name, func(t *testing.T) {
			k := 0
			for newBreak(t, tc.opts, tc.old, k).play() {
				k += race.Every(3)
			}
			if k < tc.least {
				t.Errorf("it had %d files", k)
			}
		})
	}
}

// breaking is a publication whose transfer breaks off.
type breaking struct {
	*workshop
	t       *testing.T
	opts    psync.PublishOptions
	e       *elsewhere
	srv     *webtest.Server // of it
	at      *crashfs.FS
	when    string
	readers []*replica.Replica // who have the state before
	states  []string           // before, if there was one, and after
}

// newBreak has a state published before, if old, and more edits that were not.
func newBreak(t *testing.T, opts psync.PublishOptions, old bool, k int) *breaking {
	b := &breaking{workshop: newWorkshop(t, crashfs.New()), t: t, opts: opts}
	b.few()
	b.e, b.at = newElsewhere(crashfs.New(), uint64(k))
	b.srv = webtest.Static(t, b.e.there)
	if old {
		double := b.ticket(b.ann, "To be deleted", "new", "loft")
		b.publishElsewhere(b.at, b.e, opts)
		b.readers, b.states = b.clones(), append(b.states, stateOfAll(t, b.ann))
		b.pull(b.ben, b.ann)
		b.update(b.ann, double, map[string]string{"status": "open"})
		b.update(b.ben, double, map[string]string{"status": "resolved"})
		b.pull(b.ann, b.ben)
		b.update(b.ann, double, map[string]string{"status": "open"})
		b.remove(b.ann, double)
		b.ticket(b.ann, "Saw blade is dull", "new", "wood")
	}
	b.states = append(b.states, stateOfAll(t, b.ann))
	b.e.cut = k
	return b
}

// play reports whether the transfer broke off.
func (b *breaking) play() bool {
	k := b.e.cut
	_, err := psync.PublishElsewhere(b.t.Context(), b.ann, b.at, b.e, b.opts)
	if err != nil && !errors.Is(err, errCut) {
		b.t.Fatalf("cut after %d files: %v", k, err)
	}
	b.e.cut = -1
	b.when = fmt.Sprintf("cut after %d files, %q", k, b.e.sent[max(0, len(b.e.sent)-3):])
	b.read()
	if k%2 == 1 {
		b.e.here, b.at = newCopy() // on another machine
	}
	b.publishElsewhere(b.at, b.e, b.opts)
	b.when, b.states = b.when+", published again", b.states[len(b.states)-1:]
	if b.read() == 0 {
		b.t.Errorf("%s: there is no mirror", b.when)
	}
	if !b.opts.NoTree {
		mirror, err := openAt(b.e.there, b.ann.Database().String())
		b.check(err)
		replicatest.Faultless(b.t, mirror.FS(), b.when)
	}
	return err != nil
}

// sources are the mirror as it is found on the web, and its v1 tree.
func (b *breaking) sources() (found []*replica.Replica) {
	if r, err := carriers().OpenDatabase(b.t.Context(), b.srv.URL, b.ann.Database(), replica.Options{}); err == nil {
		found = append(found, r)
	}
	if r, err := openAt(b.e.there, b.ann.Database().String()); err == nil && !b.opts.NoTree {
		found = append(found, r)
	}
	return found
}

// clones makes a clone of each of the sources.
func (b *breaking) clones() (clones []*replica.Replica) {
	for _, from := range b.sources() {
		c, _, err := psync.Clone(b.t.Context(), crashfs.New(), from, replica.Options{}, psync.Options{})
		if err != nil {
			b.t.Fatalf("%s: clone of %s: %v", b.when, from.Where(), err)
		}
		clones = append(clones, c)
	}
	return clones
}

// read clones the mirror and pulls from it, and checks that each has one of the states. It returns how many sources there are.
func (b *breaking) read() int {
	clones := b.clones()
	for i, c := range clones {
		if !slices.Contains(b.states, stateOfAll(b.t, c)) {
			b.t.Errorf("%s: clone %d shows\n%s\nand no state of\n%s", b.when, i, stateOfAll(b.t, c), strings.Join(b.states, "\n"))
		}
	}
	if len(b.readers) > 0 && len(clones) != len(b.readers) {
		b.t.Errorf("%s: the mirror is found %d times, before it was %d times", b.when, len(clones), len(b.readers))
	}
	for i, from := range b.sources() {
		if len(b.readers) == 0 {
			break
		}
		if _, err := psync.Pull(b.t.Context(), b.readers[i], from, psync.Options{}); err != nil {
			b.t.Errorf("%s: pull from %s: %v", b.when, from.Where(), err)
		}
		if !slices.Contains(b.states, stateOfAll(b.t, b.readers[i])) {
			b.t.Errorf("%s: who pulls from %s shows no state", b.when, from.Where())
		}
	}
	return len(clones)
}

// stateOfAll returns which changesets and votes a replica has, and what it shows.
func stateOfAll(tb testing.TB, r *replica.Replica) string {
	return fmt.Sprintf("%v %v %q", idsOf(tb, r.Log()), idsOf(tb, r.Resolutions()), recordsOf(tb, r))
}
