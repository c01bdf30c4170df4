package sync_test

import (
	"context"
	"path"
	"testing"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// A record with a conflict had two changesets here before the pull, which have to be read to merge the others with them. Nothing else has to be read again.
func TestAPullReadsTheHistoryOfAConflictOnce(t *testing.T) {
	const records = 60
	mine, theirs, _ := rivals(t, records)
	for pattern, most := range map[string]int64{"cas/" + changeset.ChangesetObjects + "/?/?/*": 2*records + 10, changeset.IndexFile: records} {
		matches := func(name string) bool { is, _ := path.Match(pattern, name); return is }
		to := &replicatest.Opens{Fs: replicatest.Clone(t, mine, replica.Options{}).FS(), Of: matches}
		report, err := psync.Pull(context.Background(), replicatest.Open(t, to, replica.Options{}), theirs, psync.Options{})
		if err != nil || len(report.Opened) != records {
			t.Fatalf("%d opened, %v", len(report.Opened), err)
		}
		if n := to.Count.Load(); n > most {
			t.Errorf("%s: opened %d times for %d conflicts, want %d at most", pattern, n, records, most)
		}
	}
}
