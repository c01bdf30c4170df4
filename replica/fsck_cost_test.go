package replica_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A check of more than a cache holds reads the frames of a pack in their order: for the changesets, and once more those with texts that are kept.
func TestACheckReadsPacksInTheirOrder(t *testing.T) {
	replicatest.WithParts(t)
	const made, changed, size = 180, 30, 128 << 10 // each changeset is a frame
	fsys := &replicatest.Opens{Fs: directory(t), Of: func(name string) bool { return path.Ext(name) == parts.PackExt }}
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	var recs []changeset.RecordID
	inOne(t, r, made+changed, func(i int, e *replica.Edit) error {
		text := map[string]string{"body": strings.Repeat(fmt.Sprintln(i), size/4)}
		if i >= made {
			return e.Update(recs[(i-made)*37%made], text)
		}
		rec, err := e.Create("Ticket", text)
		recs = append(recs, rec)
		return err
	})
	fsys.Count.Store(0)
	if err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) {
		t.Errorf("%s: %s", p.Path, p.Text)
	}, nil); err != nil {
		t.Fatal(err)
	}
	if n := fsys.Count.Load(); n < made || n > made+3*changed {
		t.Errorf("%d changesets, a frame each, of which %d keep a text: %d frames are read", made+changed, changed, n)
	}
}
