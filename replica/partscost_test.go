package replica_test

import (
	"path"
	"testing"

	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// A new record is looked for in every part, before the edit and when it is shown. A small table is opened once for all of that.
func TestAnEditOpensASmallTableOnce(t *testing.T) {
	replicatest.WithParts(t)
	const made = 7
	fsys := &replicatest.Opens{Fs: directory(t), Of: func(name string) bool { return path.Ext(name) == parts.TableExt }}
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	for range made {
		grow(t, r, 100)
	}
	replicatest.WithLooseEdits(t)
	fsys.Count.Store(0)
	r = replicatest.Open(t, fsys, replica.Options{Creator: "ann@example.com"})
	var rec changeset.RecordID
	for range 3 {
		replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
			rec, err = e.Create("Ticket", map[string]string{"summary": "one more"})
			return err
		})
		if _, err := r.Record(rec); err != nil {
			t.Fatal(err)
		}
	}
	if n := fsys.Count.Load(); n != made {
		t.Errorf("%d parts, whose tables are opened %d times", made, n)
	}
}
