package sync_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/internal/webtest"
	"prophet/internal/wire"
	"prophet/replica"
	psync "prophet/sync"
)

func clonedFrom(tb testing.TB, location string) (*replica.Replica, *psync.Report) {
	tb.Helper()
	clone, report, err := psync.Clone(tb.Context(), crashfs.New(), openLocation(tb, location), replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		tb.Fatal(err)
	}
	return clone, report
}

func TestACloneOfPacksTakesAHandfulOfRequests(t *testing.T) {
	for _, size := range []int{30, race.Part(1500)} {
		for _, opts := range []psync.PublishOptions{{}, {NoTree: true}} {
			w, _, srv := served(t, size, opts)
			clone, _ := clonedFrom(t, srv.URL)
			sameState(t, "clone", clone, w.ann)
			replicatest.Faultless(t, clone.FS(), "clone")
			if srv.Requests() > 8 {
				t.Errorf("%d changesets, %+v: %d requests: %v", size, opts, srv.Requests(), srv.Log())
			}
			for _, line := range srv.Log() {
				if strings.Contains(line, "/cas/") || strings.Contains(line, ".idx") {
					t.Errorf("the v1 tree was read: %s", line)
				}
			}
		}
	}
}

func TestPullOfPacksCostsTheSameAtAnySize(t *testing.T) {
	for _, size := range []int{100, race.Part(1500)} {
		w, dest, srv := served(t, size, psync.PublishOptions{})
		long := srv.URL + "/" + w.ann.Database().String()
		clone, _ := clonedFrom(t, srv.URL)
		pull := func(new int) {
			t.Helper()
			srv.Reset()
			report, err := psync.Pull(t.Context(), clone, openLocation(t, long), psync.Options{})
			if err != nil || report.Integrated != new || report.Known > 0 {
				t.Errorf("report %+v, %v", report, err)
			}
			if srv.Requests() > 1 || srv.Bytes() > 40_000 {
				t.Errorf("%d new after %d changesets took %d requests and %d bytes: %v", new, size, srv.Requests(), srv.Bytes(), srv.Log())
			}
		}
		pull(0)
		for range 10 {
			w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
		}
		w.publish(dest, psync.PublishOptions{})
		pull(10)
		pull(0)
		sameState(t, "clone", clone, w.ann)
		srv.Reset() // who pulls knows the database, so that the short URL costs no more
		if r, err := carriers().OpenDatabase(t.Context(), srv.URL, w.ann.Database(), replica.Options{}); err != nil || r.Where() != long || srv.Requests() != 1 {
			t.Errorf("by the short URL: %v, %v", err, srv.Log())
		}
	}
}

// packsOf lists the packs in a mirror.
func packsOf(tb testing.TB, dest afero.Fs) (names []string) {
	tb.Helper()
	for name := range filesOf(tb, dest) {
		if strings.HasSuffix(name, ".pack") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A pack that is gone or damaged, or a head, is passed over where there is a v1 tree. Else the error names the file.
func TestWhereAPackCannotBeReadTheTreeIs(t *testing.T) {
	tried := 0
	for _, noTree := range []bool{false, true} {
		for _, broken := range []string{"gone", "cut", "changed", "head"} {
			if tried++; (tried-1)%race.Step != 0 {
				continue
			}
			opts := psync.PublishOptions{NoTree: noTree, Flat: true}
			w, dest, srv := served(t, 400, opts)
			name := wire.HeadFile
			if broken != "head" {
				packs := packsOf(t, dest)
				if len(packs) == 0 {
					t.Fatal("there is no pack")
				}
				name = packs[0]
			}
			b, err := afero.ReadFile(dest, name)
			w.check(err)
			switch broken {
			case "gone":
				w.check(dest.Remove(name))
			case "cut":
				w.write(dest, name, string(b[:len(b)-1]))
			default:
				b[len(b)*3/4] ^= 1
				w.write(dest, name, string(b))
			}
			var warnings []string
			warn := func(text string) { warnings = append(warnings, text) }
			var clone *replica.Replica
			from, err := carriers().Open(t.Context(), srv.URL, replica.Options{Warn: warn})
			if err == nil {
				clone, _, err = psync.Clone(t.Context(), crashfs.New(), from, replica.Options{}, psync.Options{Adopt: true, Warn: warn, Sleep: hasty.Sleep})
			}
			if noTree {
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), srv.URL) {
					t.Errorf("%s: error %v", broken, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", broken, err)
			}
			sameState(t, broken, clone, w.ann)
			if len(warnings) != 1 || !strings.Contains(warnings[0], name) || !strings.Contains(warnings[0], "v1 tree") {
				t.Errorf("%s: warnings %q", broken, warnings)
			}
			if report := w.publish(dest, psync.PublishOptions{Flat: true, Check: true}); report.Restored != 1 {
				t.Errorf("%s: checked: %+v", broken, report)
			}
			if clone, _ := clonedFrom(t, srv.URL); clone.Latest() != w.ann.Latest() {
				t.Errorf("%s: mended, and %d rows came", broken, clone.Latest())
			}
		}
	}
}

// A reader whose server does not have the newest packs yet reads those that they superseded.
func TestYesterdaysPacksServeTodaysHead(t *testing.T) {
	w, dest, _ := served(t, 400, psync.PublishOptions{Flat: true, NoTree: true})
	old := filesOf(t, dest)
	w.many(400)
	w.publish(dest, psync.PublishOptions{Flat: true, NoTree: true})
	for _, name := range packsOf(t, dest) {
		if _, was := old[name]; !was {
			w.check(dest.Remove(name))
		}
	}
	srv := webtest.Static(t, dest)
	from := openLocation(t, srv.URL)
	for row, err := range from.Log().Rows(1, 300) {
		w.check(err)
		_, err = from.Log().Changeset(row)
		w.check(err)
	}
}

func TestAHeadThatIsBehindIsBroughtUpToDate(t *testing.T) {
	w, dest, srv := served(t, 100, psync.PublishOptions{})
	w.many(300)
	w.publish(dest, psync.PublishOptions{NoPacks: true}) // an older version
	if report := w.publish(dest, psync.PublishOptions{}); !report.Wrote || report.Changesets > 0 {
		t.Errorf("report %+v", report)
	}
	if report := w.publish(dest, psync.PublishOptions{}); report.Wrote {
		t.Errorf("again: %+v", report)
	}
	clone, _ := clonedFrom(t, srv.URL)
	sameState(t, "clone", clone, w.ann)
}

func TestATreeIsNotLeftBehind(t *testing.T) {
	w, dest, srv := served(t, 30, psync.PublishOptions{})
	if _, err := psync.Publish(t.Context(), w.ann, dest, psync.PublishOptions{NoTree: true}); err == nil || !strings.Contains(err.Error(), "v1 tree") {
		t.Errorf("error %v", err)
	}
	bare := crashfs.New()
	w.publish(bare, psync.PublishOptions{NoTree: true})
	w.many(3)
	w.publish(bare, psync.PublishOptions{}) // it gets a tree
	w.publish(dest, psync.PublishOptions{})
	sameFiles(t, "with a tree that came later", withoutOldVersions(filesOf(t, bare), filesOf(t, dest)), filesOf(t, dest))
	clone, _ := clonedFrom(t, srv.URL)
	sameState(t, "clone", clone, w.ann)
}

// large adds changesets that nobody can compress, so many of 64 KiB each, and returns how many bytes they have.
func (w *workshop) large(n int) (size int64) {
	w.tb.Helper()
	w.check(w.ann.Update(w.tb.Context(), func(tx *replica.Tx) error {
		for range n {
			text := make([]byte, 32<<10)
			for i := 0; i < len(text); i += 8 {
				binary.LittleEndian.PutUint64(text[i:], w.rng.Uint64())
			}
			size += int64(2 * len(text))
			if _, err := tx.Edit(func(e *replica.Edit) error {
				_, err := e.Create("Ticket", map[string]string{"text": hex.EncodeToString(text)})
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	return size
}

// A clone that was cut off goes on in the middle of a pack. What comes twice is the window that it was in, at most, and the rows before it.
func TestACloneGoesOnInTheMiddleOfAPack(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.few()
	size := w.large(300)
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{Flat: true, NoTree: true})
	if packs := packsOf(t, dest); len(packs) != 1 {
		t.Fatalf("packs %v", packs)
	}
	srv := webtest.Static(t, dest)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	progress := func(done, total int) {
		if total != int(w.ann.Latest()+w.ann.Resolutions().Latest()) {
			t.Errorf("%d of %d rows", done, total)
		}
		if done > total/2 {
			cancel()
		}
	}
	clone, _, err := psync.Clone(ctx, crashfs.New(), openLocation(t, srv.URL), replica.Options{}, psync.Options{Adopt: true, Batch: 8, Progress: progress})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	clone = replicatest.Open(t, clone.FS(), replica.Options{})
	if half := clone.Latest(); half < w.ann.Latest()/3 || half == w.ann.Latest() {
		t.Errorf("%d of %d rows were committed", half, w.ann.Latest())
	}
	first := srv.Bytes()
	srv.Reset()
	report, err := psync.Pull(t.Context(), clone, openLocation(t, srv.URL), psync.Options{})
	if err != nil || report.Known > 0 {
		t.Errorf("report %+v, %v", report, err)
	}
	sameState(t, "clone", clone, w.ann)
	t.Logf("%d bytes, then %d, of %d in changesets; %d requests the second time", first, srv.Bytes(), size, srv.Requests())
	if srv.Bytes() > size*45/100 || srv.Bytes() > first*85/100 {
		t.Errorf("%d bytes came, and then %d, for %d in changesets that compress to half", first, srv.Bytes(), size)
	}
}
