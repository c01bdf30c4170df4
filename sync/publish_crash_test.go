package sync_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/replica"
	psync "prophet/sync"
)

// A publication is cut off at each of its operations, in two ways. A reader then finds the state before or after, in a new mirror
// perhaps no replica yet; and the next publication makes the mirror what it would have been.
func TestCutOffPublicationIsMadeGoodByTheNext(t *testing.T) {
	for _, opts := range []psync.PublishOptions{{}, {Flat: true}} {
		w := newWorkshop(t, crashfs.New())
		w.few()
		fresh := crashfs.New()
		dir := w.publish(fresh, opts).Path
		old := ids(t, fresh, dir)
		cutOff(t, w, opts, "first", crashfs.New(), dir, func(got map[string]bool) bool { return len(got) == 0 || maps.Equal(got, old) })

		rec := w.ticket(w.ann, "Projector: remote is lost", "new", "loft")
		w.update(w.ann, rec, map[string]string{"status": "resolved"})
		for rec := range recordsOf(t, w.ann) {
			w.remove(w.ann, rec)
			break
		}
		after := crashfs.New()
		w.publish(after, opts)
		now := ids(t, after, dir)
		cutOff(t, w, opts, "next", fresh, dir, func(got map[string]bool) bool { return maps.Equal(got, old) || maps.Equal(got, now) })
	}
}

// ids returns the IDs of the changesets of a mirror, none if there is no replica yet; each of them can be read.
func ids(t *testing.T, fsys afero.Fs, dir string) map[string]bool {
	t.Helper()
	r, err := openAt(fsys, dir)
	var damage *replica.DamageError
	if errors.Is(err, replica.ErrNotReplica) || errors.As(err, &damage) && damage.Path == "replica-version" {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for id := range idsOf(t, r.Log()) {
		all[id.String()] = true
	}
	for id := range idsOf(t, r.Resolutions()) {
		all["vote "+id.String()] = true
	}
	return all
}

func cutOff(t *testing.T, w *workshop, opts psync.PublishOptions, what string, start *crashfs.FS, dir string, known func(map[string]bool) bool) {
	t.Helper()
	whole := start.Survivor(crashfs.Kill, 0)
	w.publish(whole, opts)
	want := filesOf(t, whole)
	points := 0
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		_, err := psync.Publish(t.Context(), w.ann, disk, opts)
		if !disk.Failed() {
			break
		}
		if err == nil {
			t.Fatalf("%s: operation %d failed, and nothing was said", what, k)
		}
		for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
			points++
			left := disk.Survivor(mode, int64(k%3))
			name := fmt.Sprintf("flat %v, %s publication, %s at operation %d", opts.Flat, what, mode, k)
			if got := ids(t, left, dir); !known(got) {
				t.Errorf("%s: a reader finds %d changesets", name, len(got))
			}
			w.publish(left, opts)
			sameFiles(t, name, filesOf(t, left), want)
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	t.Logf("flat %v, %s publication: %d crashes", opts.Flat, what, points)
}
