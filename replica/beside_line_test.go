package replica_test

import (
	"fmt"
	"testing"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// What the log has stays in it, whatever tells of a line that a backup ended: packs with what was made then in the same rows, and indexes of records that name rows after these.
func TestARepairKeepsWhatCameAfterABackupThatWasCopiedOver(t *testing.T) {
	replicatest.OnFormat2(t)
	for _, packed := range []int{0, 2} {
		for _, loose := range []int{0, 1, 3} {
			for _, anew := range []int{1, 2} {
				now := crashfs.New()
				r := replicatest.Init(t, now, counted(1<<20))
				create := func(r *replica.Replica, n int) (made []changeset.RecordID) {
					for range n {
						replicatest.Edit(t, r, func(e *replica.Edit) error {
							rec, err := e.Create("Ticket", map[string]string{"n": "first"})
							made = append(made, rec)
							return err
						})
					}
					return made
				}
				records := create(r, 4)
				gc(t, r)
				backup := now.Survivor(crashfs.Kill, 0)
				update := func(r *replica.Replica, n int, rec changeset.RecordID, value string) {
					for i := range n {
						replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{"n": fmt.Sprint(value, i)}) })
					}
				}
				update(r, packed, records[1], "packed")
				if packed > 0 {
					gc(t, r)
				}
				update(r, loose, records[2], "loose")
				copyOver(t, now, backup)
				r = replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"})
				made := create(r, anew)
				repaired(t, now)
				for range 2 {
					r = replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"})
					for _, rec := range made {
						if _, ok, err := r.Log().Props(rec); !ok || err != nil {
							t.Errorf("%d packed, %d loose, %d made after: %s is gone, %v", packed, loose, anew, rec, err)
						}
					}
					gc(t, r)
				}
			}
		}
	}
}
