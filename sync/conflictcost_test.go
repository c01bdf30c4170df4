package sync_test

import (
	"context"
	"path"
	"sync/atomic"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// opensOf counts how often files are opened that are there, by a pattern of their names.
type opensOf struct {
	afero.Fs
	pattern string
	count   atomic.Int64
}

func (o *opensOf) Open(name string) (afero.File, error) {
	f, err := o.Fs.Open(name)
	if is, _ := path.Match(o.pattern, name); is && err == nil {
		o.count.Add(1)
	}
	return f, err
}

// A record with a conflict had two changesets here before the pull, which have to be read to merge the others with them. Nothing else has to be read again.
func TestAPullReadsTheHistoryOfAConflictOnce(t *testing.T) {
	const records = 60
	mine, theirs, _ := rivals(t, records)
	for pattern, most := range map[string]int64{"cas/" + changeset.ChangesetObjects + "/?/?/*": 2*records + 10, changeset.IndexFile: records} {
		to := &opensOf{Fs: replicatest.Clone(t, mine, replica.Options{}).FS(), pattern: pattern}
		report, err := psync.Pull(context.Background(), replicatest.Open(t, to, replica.Options{}), theirs, psync.Options{})
		if err != nil || len(report.Opened) != records {
			t.Fatalf("%d opened, %v", len(report.Opened), err)
		}
		if n := to.count.Load(); n > most {
			t.Errorf("%s: opened %d times for %d conflicts, want %d at most", pattern, n, records, most)
		}
	}
}
