package replica_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// sizes are those at which everyday work is measured: what does not depend on the size shows it.
var sizes = []int{1_000, 10_000}

// grown returns a replica with so many records, one changeset each. It lies in memory.
func grown(b *testing.B, size int) *replica.Replica {
	b.Helper()
	return grownOn(b, crashfs.New(), size)
}

func grownOn(b *testing.B, fsys afero.Fs, size int) *replica.Replica {
	b.Helper()
	r := replicatest.Init(b, fsys, replica.Options{Creator: "ann@example.com"})
	grow(b, r, size)
	return r
}

func eachSize(b *testing.B, f func(b *testing.B, r *replica.Replica)) {
	for _, size := range sizes {
		r := grown(b, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) { f(b, r) })
	}
}

func BenchmarkCreate(b *testing.B) {
	create := func(b *testing.B, r *replica.Replica) {
		for b.Loop() {
			replicatest.Edit(b, r, func(e *replica.Edit) error {
				_, err := e.Create("Ticket", map[string]string{"summary": "one more", "status": "new"})
				return err
			})
		}
	}
	for _, size := range sizes {
		memory := grown(b, size)
		b.Run(fmt.Sprintf("memory/%d", size), func(b *testing.B) { create(b, memory) })
		disk := grownOn(b, afero.NewBasePathFs(afero.NewOsFs(), b.TempDir()), size)
		b.Run(fmt.Sprintf("disk/%d", size), func(b *testing.B) { create(b, disk) })
	}
}

func BenchmarkSearch(b *testing.B) {
	eachSize(b, func(b *testing.B, r *replica.Replica) {
		for b.Loop() {
			found := 0
			for rec, err := range r.All("Ticket") {
				if err != nil {
					b.Fatal(err)
				}
				if rec.Props["summary"] == "ticket 77" {
					found++
				}
			}
			if found == 0 {
				b.Fatal("nothing was found")
			}
		}
	})
}

func BenchmarkHistory(b *testing.B) {
	for _, changes := range []int{10, 1_000} {
		b.Run(fmt.Sprint(changes), func(b *testing.B) {
			r := grown(b, 1_000)
			rec := rewrite(b, r, changes)
			for b.Loop() {
				events, err := r.History(rec)
				if err != nil || len(events) != changes {
					b.Fatalf("%d events, %v", len(events), err)
				}
			}
		})
	}
}

// rewrite makes a record and changes it, so that it has so many changes.
func rewrite(b testing.TB, r *replica.Replica, changes int) (rec changeset.RecordID) {
	b.Helper()
	if err := r.Update(b.Context(), func(tx *replica.Tx) error {
		for i := range changes {
			if _, err := tx.Edit(func(e *replica.Edit) (err error) {
				if i == 0 {
					rec, err = e.Create("Note", nil)
					return err
				}
				return e.Update(rec, map[string]string{"text": fmt.Sprint(i)})
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return rec
}

func BenchmarkDump(b *testing.B) {
	eachSize(b, func(b *testing.B, r *replica.Replica) {
		for b.Loop() {
			if err := r.Dump(io.Discard, replica.DumpOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	eachSize(b, func(b *testing.B, r *replica.Replica) {
		for b.Loop() {
			if _, err := r.Digest(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDigestTypes reads every record, as a digest would that is not kept.
func BenchmarkDigestTypes(b *testing.B) {
	eachSize(b, func(b *testing.B, r *replica.Replica) {
		for b.Loop() {
			if _, err := r.Log().DigestTypes(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
