package sync_test

import (
	"context"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// TestFromPartsTheSameIsPublishedAndExported has a replica with parts of several sizes, with loose rows behind them, a conflict and a decision, and the same one unpacked,
// publish and export.
func TestFromPartsTheSameIsPublishedAndExported(t *testing.T) {
	replicatest.WithParts(t)
	f := newFamily(t)
	for i := range 5 {
		f.edit(f.carol, fmt.Sprint("by carol ", i))
	}
	f.edit(f.dave, "by dave")
	pull(t, f.carol, f.dave)
	if _, err := f.carol.GC(t.Context(), replica.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	f.edit(f.carol, "decided")
	replicatest.WithLooseEdits(t)
	f.edit(f.carol, "and more")
	plain := reopen(t, copyTree(t, f.carol.FS()), "carol")
	if err := plain.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, o := range []psync.PublishOptions{{NoPacks: true}, {Flat: true}, {NoTree: true}} {
		o.Now = func() time.Time { return day }
		packed, loose := crashfs.New(), crashfs.New()
		for r, to := range map[*replica.Replica]*crashfs.FS{f.carol: packed, plain: loose} {
			if _, err := psync.Publish(context.Background(), r, to, o); err != nil {
				t.Fatal(err)
			}
		}
		got := filesOf(t, packed)
		sameFiles(t, "mirror", got, filesOf(t, loose))
		for name, text := range got {
			if strings.Contains(name, "prophet/parts") || path.Base(name) == "replica-version" && text != replica.FormatLoose {
				t.Errorf("the mirror has %s: %.20q", name, text)
			}
		}
	}
	packed, loose := crashfs.New(), crashfs.New()
	for r, to := range map[*replica.Replica]*crashfs.FS{f.carol: packed, plain: loose} {
		if err := psync.Export(t.Context(), r, to, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := filesOf(t, packed)
	sameFiles(t, "export", got, filesOf(t, loose))
	if len(got) < 20 || got["replica-version"] != replica.FormatLoose {
		t.Errorf("%d files, of format %q", len(got), got["replica-version"])
	}
}

// TestACloneIsOfTheFormatThatIsAskedFor clones replicas of either format into replicas of either.
func TestACloneIsOfTheFormatThatIsAskedFor(t *testing.T) {
	replicatest.OnFormat1(t)
	from := newReplica(t, crashfs.New(), "ann")
	newTicket(t, from)
	for _, format := range []string{replica.FormatParts, replica.FormatLoose, replica.FormatParts} {
		r, _, err := psync.Clone(t.Context(), crashfs.New(), from, replica.Options{Where: "clone", PackFrom: 1}, psync.Options{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		if r.Format() != format || r.Latest() != from.Latest() {
			t.Errorf("asked for %s: it is of format %s, with %d rows", format, r.Format(), r.Latest())
		}
		from = r
	}
}
