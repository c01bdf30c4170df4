package sync_test

import (
	"path"
	"reflect"
	"strings"
	"testing"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
	psync "prophet/sync"
)

// In parts, too, a record in conflict is looked up once, and what was read of a part serves all transactions of a pull.
func TestAPullLooksUpARecordInConflictOnce(t *testing.T) {
	replicatest.WithParts(t)
	const records, batch = 60, 10
	mine, theirs, _ := rivals(t, records)
	indexes := &replicatest.Opens{Fs: replicatest.Clone(t, mine, replica.Options{}).FS(), Missing: true, Of: func(name string) bool { return strings.HasPrefix(name, changeset.RecordsDir+"/") }}
	packs := &replicatest.Opens{Fs: indexes, Of: func(name string) bool { return path.Ext(name) == ".pack" }}
	to := replicatest.Open(t, packs, replica.Options{})
	report, err := psync.Pull(t.Context(), to, theirs, psync.Options{Batch: batch})
	if err != nil || len(report.Opened) != records {
		t.Fatalf("%d opened, %v", len(report.Opened), err)
	}
	const changes = 2 * records                                    // that come
	if n := indexes.Count.Load(); n < changes/2 || n > 2*changes { // once for the change, and once for the text of a version where only an earlier part has one
		t.Errorf("indexes of records are asked for %d times for %d changes", n, changes)
	}
	if n := packs.Count.Load(); n == 0 || n > changes/batch+10 { // each transaction makes one, of which something may be read
		t.Errorf("packs are opened %d times in %d transactions", n, changes/batch)
	}
}

// What a pull merged is there for whoever tells of it, and is what anybody else makes of the changes.
func TestWhatAPullMergedIsNotReadAgain(t *testing.T) {
	const records = 60
	mine, theirs, recs := rivals(t, records)
	reads := &replicatest.Opens{Fs: replicatest.Clone(t, mine, replica.Options{}).FS(), Of: func(name string) bool {
		return path.Ext(name) == ".pack" || strings.HasPrefix(name, "cas/"+changeset.ChangesetObjects)
	}}
	to := replicatest.Open(t, reads, replica.Options{})
	if _, err := psync.Pull(t.Context(), to, theirs, psync.Options{Batch: 10}); err != nil {
		t.Fatal(err)
	}
	merged := func(when string) {
		t.Helper()
		fresh := replicatest.Open(t, to.FS(), replica.Options{})
		for _, rec := range recs {
			got, err := to.Merged(rec)
			if err != nil {
				t.Fatal(err)
			}
			want, err := fresh.Merged(rec)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %s is %+v, want %+v", when, rec, got, want)
			}
		}
	}
	if reads.Count.Swap(0) == 0 {
		t.Fatal("nothing is counted")
	}
	for _, rec := range recs {
		if result, err := to.Merged(rec); err != nil || result.Conflict("status") == nil {
			t.Fatalf("%s: %v, %v", rec, result, err)
		}
	}
	if n := reads.Count.Load(); n > 0 {
		t.Errorf("%d files were read for what was merged already", n)
	}
	merged("after the pull")

	update(t, theirs, recs[0], "status", "newer")
	update(t, theirs, recs[1], "n", "another")
	if _, err := psync.Pull(t.Context(), to, theirs, psync.Options{}); err != nil {
		t.Fatal(err)
	}
	merged("after more changes")

	voter := replicatest.Clone(t, to, replica.Options{})
	replicatest.Edit(t, voter, func(e *replica.Edit) error { return e.Take(recs[2], replica.TakeLatest) })
	if err := to.Update(t.Context(), func(tx *replica.Tx) error { // the votes without the decision: all stays as it is, for another reason
		for row, err := range voter.Resolutions().Rows(1, voter.Resolutions().Latest()) {
			if err != nil {
				return err
			}
			c, err := voter.Resolutions().Changeset(row)
			if err != nil {
				return err
			}
			if _, err := tx.IntegrateVote(c); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	merged("after a vote")

	replicatest.Edit(t, voter, func(e *replica.Edit) error { return e.SetRule("Ticket", "status", resolution.RuleAsk) })
	if _, err := psync.Pull(t.Context(), to, voter, psync.Options{}); err != nil {
		t.Fatal(err)
	}
	merged("after a rule")

	replicatest.Edit(t, replicatest.Open(t, to.FS(), replica.Options{}), func(e *replica.Edit) error {
		return e.Update(recs[3], map[string]string{"status": "decided"})
	})
	update(t, to, recs[4], "n", "seen")
	merged("after an edit by another process")
}
