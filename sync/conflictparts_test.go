package sync_test

import (
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// lookups counts which files are asked for, there or not.
type lookups struct {
	afero.Fs
	of    func(name string) bool
	count atomic.Int64
}

func (l *lookups) Open(name string) (afero.File, error) {
	if l.of(name) {
		l.count.Add(1)
	}
	return l.Fs.Open(name)
}

// In parts, too, a record in conflict is looked up once, and what was read of a part serves all transactions of a pull.
func TestAPullLooksUpARecordInConflictOnce(t *testing.T) {
	replicatest.WithParts(t)
	const records, batch = 60, 10
	mine, theirs, _ := rivals(t, records)
	indexes := &lookups{Fs: replicatest.Clone(t, mine, replica.Options{}).FS(), of: func(name string) bool { return strings.HasPrefix(name, changeset.RecordsDir+"/") }}
	packs := &lookups{Fs: indexes, of: func(name string) bool { return path.Ext(name) == ".pack" }}
	to := replicatest.Open(t, packs, replica.Options{})
	report, err := psync.Pull(t.Context(), to, theirs, psync.Options{Batch: batch})
	if err != nil || len(report.Opened) != records {
		t.Fatalf("%d opened, %v", len(report.Opened), err)
	}
	const changes = 2 * records                   // that come
	if n := indexes.count.Load(); n > 2*changes { // once for the change, and once for the text of a version where only an earlier part has one
		t.Errorf("indexes of records are asked for %d times for %d changes", n, changes)
	}
	if n := packs.count.Load(); n > changes/batch+10 { // each transaction makes one, of which something may be read
		t.Errorf("packs are opened %d times in %d transactions", n, changes/batch)
	}
}
