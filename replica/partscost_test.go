package replica_test

import (
	"path"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// lookedAt counts how often tables of parts are opened.
type lookedAt struct {
	afero.Fs
	tables int
}

func (l *lookedAt) look(name string) {
	if path.Ext(name) == parts.TableExt {
		l.tables++
	}
}

func (l *lookedAt) Open(name string) (afero.File, error) {
	l.look(name)
	return l.Fs.Open(name)
}

// A new record is looked for in every part, before the edit and when it is shown. A small table is opened once for all of that.
func TestAnEditOpensASmallTableOnce(t *testing.T) {
	replicatest.WithParts(t)
	const made = 7
	fsys := &lookedAt{Fs: directory(t)}
	r := replicatest.Init(t, fsys, replica.Options{Creator: "ann@example.com"})
	for range made {
		grow(t, r, 100)
	}
	replicatest.WithLooseEdits(t)
	fsys.tables = 0
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
	if fsys.tables != made {
		t.Errorf("%d parts, whose tables are opened %d times", made, fsys.tables)
	}
}
