package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// What somebody does to a mirror elsewhere is seen before anything is written, also what he does to files that are not looked at each time, if it is to be checked.
func TestWhatHappenedElsewhereIsSeen(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts psync.PublishOptions
		do   func(w *workshop, e *elsewhere, at afero.Fs, dir string)
	}{
		{"all is gone", psync.PublishOptions{}, func(w *workshop, e *elsewhere, at afero.Fs, dir string) { w.check(e.there.RemoveAll(dir)) }},
		{"a small file is another one", psync.PublishOptions{}, func(w *workshop, e *elsewhere, at afero.Fs, dir string) {
			w.write(e.there, dir+"/latest-sequence-no", "1")
		}},
		{"an object is damaged", psync.PublishOptions{Check: true}, func(w *workshop, e *elsewhere, at afero.Fs, dir string) {
			for name, text := range filesOf(w.tb, e.there) {
				if strings.Contains(name, "/cas/records/") {
					w.write(e.there, name, strings.ToUpper(text))
				}
			}
		}},
		{"an object is gone", psync.PublishOptions{Check: true}, func(w *workshop, e *elsewhere, at afero.Fs, dir string) { w.check(e.there.RemoveAll(dir + "/cas")) }},
		{"an older state was put back", psync.PublishOptions{}, func(w *workshop, e *elsewhere, at afero.Fs, dir string) {
			old := filesOf(w.tb, e.there)
			w.ticket(w.ann, "Saw blade is dull", "new", "wood")
			w.publishElsewhere(at, e, psync.PublishOptions{})
			w.check(e.there.RemoveAll(dir))
			for name, text := range old {
				w.write(e.there, name, text)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorkshop(t, crashfs.New())
			w.few()
			e, at := newElsewhere(crashfs.New(), 1)
			dir := w.publishElsewhere(at, e, psync.PublishOptions{}).Path
			tc.do(w, e, at, dir)
			e.fetches = 0
			w.publishElsewhere(at, e, tc.opts)
			if want := map[bool]int{false: 2, true: 1}[tc.opts.Check]; e.fetches != want { // the small files, and then all
				t.Errorf("%d fetches, want %d", e.fetches, want)
			}
			fresh := crashfs.New()
			w.publish(fresh, psync.PublishOptions{})
			sameFiles(t, "mirror", filesOf(t, e.there), filesOf(t, fresh))
		})
	}
}

// The program is killed at every fifth operation on the files of the copy: what it wrote there, and did not send, is sent by the next publication.
func TestAPublicationElsewhereThatIsKilledHereIsMadeGood(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	e, at := newElsewhere(crashfs.New(), 1)
	w.publishElsewhere(at, e, psync.PublishOptions{})
	there, seen := e.there, map[string]bool{}
	w.update(w.ann, w.ticket(w.ann, "Saw blade is dull", "new", "wood"), map[string]string{"status": "open"})
	for k := 1; ; k += race.Every(5) {
		disk := at.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		e.there, e.here = there.(*crashfs.FS).Survivor(crashfs.Kill, 0), afero.NewBasePathFs(disk, psync.CopyDir)
		if _, err := psync.PublishElsewhere(t.Context(), w.ann, disk, e, psync.PublishOptions{}); !disk.Failed() {
			w.check(err)
			break
		}
		left := disk.Survivor(crashfs.Kill, int64(k))
		if again(seen, left) {
			continue
		}
		e.here = afero.NewBasePathFs(left, psync.CopyDir)
		w.publishElsewhere(left, e, psync.PublishOptions{})
		mirror, err := openAt(e.there, w.ann.Database().String())
		w.check(err)
		when := fmt.Sprintf("killed at operation %d", k)
		replicatest.Faultless(t, mirror.FS(), when)
		sameState(t, when, mirror, w.ann)
	}
}

// Two databases lie in one place, each published from a machine of its own.
func TestAPlaceElsewhereHoldsSeveralDatabases(t *testing.T) {
	there := crashfs.New()
	for i := range 2 {
		w := newWorkshop(t, crashfs.New())
		for range i {
			w.uuid()
		}
		r, err := replica.Init(t.Context(), crashfs.New(), replica.Identity{}, w.options("ann"))
		w.check(err)
		e, at := newElsewhere(there, 1)
		_, err = psync.PublishElsewhere(t.Context(), r, at, e, psync.PublishOptions{})
		w.check(err)
		text, err := afero.ReadFile(there, psync.MirrorFile)
		w.check(err)
		if n := strings.Count(string(text), "-"); n != (i+1)*strings.Count(r.Database().String(), "-") {
			t.Errorf("%d databases: %s", i+1, text)
		}
	}
}

// Packs that are superseded go after the head that does not name them any longer has come.
func TestPacksElsewhereGoLast(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	e, at := newElsewhere(crashfs.New(), 1)
	opts := psync.PublishOptions{InHead: -1}
	w.publishElsewhere(at, e, opts)
	w.many(20)
	opts.Prune = true
	e.sent = nil
	w.publishElsewhere(at, e, opts)
	head, removed := -1, -1
	for i, name := range e.sent {
		switch gone, err := afero.Exists(e.there, name); {
		case err != nil:
			t.Fatal(err)
		case !gone && strings.Contains(name, "/packs/") && removed < 0:
			removed = i
		case strings.HasSuffix(name, "/head"):
			head = i
		}
	}
	if removed < 0 || head < 0 || removed < head {
		t.Errorf("the head is file %d that was sent, a pack was removed with file %d", head, removed)
	}
}

// The mirror is that of a replica that has another UUID by now: its index is written anew.
func TestAMoveElsewhereThatBreaksOffIsMadeGood(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	published := crashfs.New()
	if err := publishFlat(f.twin, published); err != nil {
		t.Fatal(err)
	}
	pull(t, f.carol, reopen(t, published, "mirror"))
	pull(t, f.twin, f.ann)
	f.edit(f.twin, "by the twin again")
	for k := 0; ; k += race.Every(3) {
		there := published.Survivor(crashfs.Kill, 0)
		e, at := newElsewhere(there, uint64(k))
		e.cut = k
		_, err := psync.PublishElsewhere(context.Background(), f.twin, at, e, psync.PublishOptions{Flat: true})
		if err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		when := fmt.Sprintf("cut after %d files, %q", k, e.sent)
		checkMirror(t, f, when, there)
		e.cut = -1
		if _, err := psync.PublishElsewhere(context.Background(), f.twin, at, e, psync.PublishOptions{Flat: true}); err != nil {
			t.Fatalf("%s: the next publication: %v", when, err)
		}
		checkMirror(t, f, when+", and published again", there)
		sound(t, there, when+", and published again")
		if r := reopen(t, there, "mirror"); r.UUID() != f.twin.UUID() || r.Latest() != f.twin.Latest() {
			t.Fatalf("%s: the mirror is %s with %d rows", when, r.UUID(), r.Latest())
		}
		if err == nil {
			if k < 10 {
				t.Errorf("it had %d files", k)
			}
			break
		}
	}
}

// After a move the logs are others: the indexes of the resolutions are there before those of the records, and the numbers before what names states.
func TestAMoveElsewhereIsSentInTheOrderInWhichReadersNeedIt(t *testing.T) {
	f := newFamily(t)
	f.edit(f.ann, "by ann")
	f.edit(f.twin, "by the twin")
	published := crashfs.New()
	if err := publishFlat(f.twin, published); err != nil {
		t.Fatal(err)
	}
	pull(t, f.twin, f.ann)
	f.edit(f.twin, "by the twin again")
	order := []string{changeset.ResolutionsDir + "/" + changeset.IndexFile, changeset.IndexFile, changeset.LatestFile, replica.IdentityFile}
	for seed := range uint64(8) { // each of which sends the files of one step in another order
		e, at := newElsewhere(published.Survivor(crashfs.Kill, 0), seed)
		if _, err := psync.PublishElsewhere(t.Context(), f.twin, at, e, psync.PublishOptions{Flat: true}); err != nil {
			t.Fatal(err)
		}
		for i, name := range order[1:] {
			if before, after := slices.Index(e.sent, order[i]), slices.Index(e.sent, name); before < 0 || after < before {
				t.Errorf("%s is file %d that was sent, and %s file %d", order[i], before, name, after)
			}
		}
	}
}
