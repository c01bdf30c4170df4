package sync_test

import (
	"slices"
	"strings"
	"testing"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// TestReleaseEndsALoss: whatever is lost, once all is released that waits, others get all that can be got, nothing warns, and a check finds nothing but what is harmless. Released again, nothing is copied.
func TestReleaseEndsALoss(t *testing.T) {
	for _, what := range losses {
		t.Run(what.name, func(t *testing.T) {
			l := what.make(t)
			ann := l.takeAway(t)
			waiting, err := ann.Log().Waiting()
			if err != nil {
				t.Fatal(err)
			}
			n, recs, err := ann.Log().Withheld()
			if err != nil || !slices.Equal(recs, waiting) || n == 0 && len(recs) > 0 {
				t.Errorf("%d changesets of %v are withheld, and %v wait: %v", n, recs, waiting, err)
			}
			before, _, _ := strings.Cut(shows(t, ann), ", heads ") // copies have other names
			done, err := ann.Release(t.Context(), nil)
			if err != nil || done.Records != len(waiting) || done.Changesets == 0 && len(waiting) > 0 {
				t.Fatalf("released %+v, and %v wait: %v", done, waiting, err)
			}
			if again, err := ann.Release(t.Context(), nil); err != nil || again != (replica.Released{}) {
				t.Errorf("released again: %+v, %v", again, err)
			}
			after := shows(t, ann)
			if now, _, _ := strings.Cut(after, ", heads "); now != before {
				t.Errorf("it showed\n%s\nand shows\n%s", before, now)
			}
			if n, recs, err := ann.Log().Withheld(); err != nil || n > 0 {
				t.Errorf("%d changesets of %v are withheld: %v", n, recs, err)
			}
			opts := at("ann", 13)
			opts.Warn = func(s string) { t.Errorf("a reader is warned: %s", s) }
			reader := replicatest.Open(t, ann.FS(), opts)
			for _, rec := range l.recs {
				if _, err := reader.History(rec); err != nil {
					t.Error(err)
				}
			}
			err = replica.Check(t.Context(), ann.FS(), replica.Options{Where: "ann"}, func(p replica.Problem) {
				if !p.Harmless {
					t.Errorf("fsck says %s: %s", p.Path, p.Text)
				}
			}, nil)
			if err != nil {
				t.Error(err)
			}
			if report := pull(t, l.bob, ann); report.Missed > 0 {
				t.Errorf("report %+v", *report)
			}
			if there := shows(t, l.bob); there != after && !l.unmissed {
				t.Errorf("Ann shows\n%s\nand Bob\n%s", after, there)
			}
		})
	}
}

// TestALossIsToldWhileSomethingWaits: to who reads the record, and to who asks what is withheld; and not about a record that was edited since.
func TestALossIsToldWhileSomethingWaits(t *testing.T) {
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open")
	update(t, l.ann, l.recs[1], "status", "open")
	l.rows = []uint32{3, 4}
	fsys := l.takeAway(t).FS()
	told := 0
	opts := at("ann", 13)
	opts.Warn = func(string) { told++ }
	ann := replicatest.Open(t, fsys, opts)
	letGo(t, ann, l.recs[0])
	for i, want := range []int{0, 1} {
		told = 0
		reader := replicatest.Open(t, fsys, opts)
		if _, err := reader.History(l.recs[i]); err != nil || told != want {
			t.Errorf("the history of record %d is told with %d warnings, want %d: %v", i, told, want, err)
		}
	}
	if n, warning, err := psync.Withheld(ann); n != 1 || warning == "" || err != nil {
		t.Errorf("%d changesets are withheld, %q: %v", n, warning, err)
	}
}

// TestALossIsToldOnceToWhoReadsAfterAPullOrACopy: these say themselves what does not come; whoever reads the same replica later hears of the loss.
func TestALossIsToldOnceToWhoReadsAfterAPullOrACopy(t *testing.T) {
	l := withBob(t, 1)
	update(t, l.ann, l.recs[0], "status", "open")
	update(t, l.ann, l.recs[0], "owner", "ann")
	l.rows = []uint32{2}
	fsys := l.takeAway(t).FS()
	for name, read := range map[string]func(ann *replica.Replica) error{
		"a pull": func(ann *replica.Replica) error {
			_, err := psync.Pull(t.Context(), replicatest.Clone(t, l.bob, at("eve", 11)), ann, psync.Options{})
			return err
		},
		"a publication": func(ann *replica.Replica) error {
			_, err := psync.Publish(t.Context(), ann, crashfs.New(), psync.PublishOptions{})
			return err
		},
		"an export":        func(ann *replica.Replica) error { return psync.Export(t.Context(), ann, crashfs.New(), nil) },
		"what is withheld": func(ann *replica.Replica) error { _, _, err := psync.Withheld(ann); return err },
	} {
		told := 0
		opts := at("ann", 13)
		opts.Warn = func(string) { told++ }
		ann := replicatest.Open(t, fsys, opts)
		if err := read(ann); err != nil || told != 0 {
			t.Errorf("%s warns %d times: %v", name, told, err)
		}
		if _, err := ann.History(l.recs[0]); err != nil || told != 1 {
			t.Errorf("after %s the history is told with %d warnings: %v", name, told, err)
		}
	}
}
