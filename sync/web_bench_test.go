package sync_test

import (
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// disk returns an empty directory on the disk.
func disk(b *testing.B) (fsys afero.Fs, dir string) {
	b.Helper()
	dir = b.TempDir()
	return afero.NewBasePathFs(afero.NewOsFs(), dir), dir
}

// bySize runs a benchmark over a mirror on the disk of a database of two sizes, in changesets.
func bySize(b *testing.B, run func(b *testing.B, w *workshop, mirror afero.Fs, dir string)) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprintf("changesets=%d", size), func(b *testing.B) {
			source, _ := disk(b)
			w := newWorkshop(b, source)
			w.many(size)
			mirror, dir := disk(b)
			w.publish(mirror, psync.PublishOptions{Flat: true})
			run(b, w, mirror, dir)
		})
	}
}

func benchmarkClone(b *testing.B, location func(mirror afero.Fs, dir string) string) {
	bySize(b, func(b *testing.B, w *workshop, mirror afero.Fs, dir string) {
		at := location(mirror, dir)
		for b.Loop() {
			target, _ := disk(b)
			if _, _, err := psync.Clone(b.Context(), target, openLocation(b, at), replica.Options{}, psync.Options{Adopt: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCloneFromADirectory(b *testing.B) {
	benchmarkClone(b, func(_ afero.Fs, dir string) string { return dir })
}

func BenchmarkCloneOverHTTP(b *testing.B) {
	benchmarkClone(b, func(mirror afero.Fs, _ string) string { return webtest.Static(b, mirror).URL })
}

func BenchmarkPullOfNothingNewOverHTTP(b *testing.B) {
	bySize(b, func(b *testing.B, w *workshop, mirror afero.Fs, _ string) {
		url := webtest.Static(b, mirror).URL
		target, _ := disk(b)
		clone, _, err := psync.Clone(b.Context(), target, openLocation(b, url), replica.Options{}, psync.Options{Adopt: true})
		w.check(err)
		for b.Loop() {
			if _, err := psync.Pull(b.Context(), clone, openLocation(b, url), psync.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	bySize(b, func(b *testing.B, w *workshop, _ afero.Fs, _ string) {
		for b.Loop() {
			dest, _ := disk(b)
			w.publish(dest, psync.PublishOptions{Flat: true})
		}
	})
}

func BenchmarkPublishOneMore(b *testing.B) {
	bySize(b, func(b *testing.B, w *workshop, mirror afero.Fs, _ string) {
		for b.Loop() {
			w.many(1)
			w.publish(mirror, psync.PublishOptions{Flat: true})
		}
	})
}

func BenchmarkPublishOfNothingNew(b *testing.B) {
	bySize(b, func(b *testing.B, w *workshop, mirror afero.Fs, _ string) {
		for b.Loop() {
			w.publish(mirror, psync.PublishOptions{Flat: true})
		}
	})
}
