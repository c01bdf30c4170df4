package replica_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// wide makes a replica with so many records that one changeset created and another one changed.
func wide(t *testing.T, records int) *replicatest.Opens {
	t.Helper()
	fsys := &replicatest.Opens{Fs: directory(t), Of: func(name string) bool { return strings.Contains(name, "cas/"+changeset.ChangesetObjects) }}
	r := replicatest.Init(t, fsys, replica.Options{})
	var recs []changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for i := range records {
			rec, err := e.Create("Ticket", map[string]string{"summary": fmt.Sprint("ticket ", i)})
			if err != nil {
				return err
			}
			recs = append(recs, rec)
		}
		return nil
	})
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for _, rec := range recs {
			if err := e.Update(rec, map[string]string{"status": "open"}); err != nil {
				return err
			}
		}
		return nil
	})
	return fsys
}

func TestAChangesetOfManyRecordsIsNotReadForEachOfThem(t *testing.T) {
	const few, many = 50, 400
	files := map[int]*replicatest.Opens{few: wide(t, few), many: wide(t, many)}
	for _, tt := range []struct {
		name string
		do   func(r *replica.Replica, fsys afero.Fs) error
	}{
		{"properties", func(r *replica.Replica, _ afero.Fs) error {
			for rec, err := range r.Log().Records("Ticket") {
				if err == nil {
					_, _, err = r.Log().Props(rec)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"states", func(r *replica.Replica, _ afero.Fs) error {
			for rec, err := range r.Log().Records("Ticket") {
				if err == nil {
					_, err = r.State(rec)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"merged states", func(r *replica.Replica, _ afero.Fs) error {
			for rec, err := range r.Log().Records("Ticket") {
				if err == nil {
					_, err = r.Merged(rec)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		{"dump", func(r *replica.Replica, _ afero.Fs) error { return r.Dump(io.Discard, replica.DumpOptions{}) }},
		{"fsck", func(_ *replica.Replica, fsys afero.Fs) error {
			return replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) { t.Errorf("fsck: %+v", p) }, nil)
		}},
		{"digest without notes", func(r *replica.Replica, fsys afero.Fs) error {
			if err := fsys.Remove(replica.DigestsFile); err != nil {
				return err
			}
			_, err := r.Digest(t.Context())
			return err
		}},
		{"edit of all without notes on digests", func(r *replica.Replica, _ afero.Fs) error {
			_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
				for rec, err := range r.Log().Records("Ticket") {
					if err == nil {
						err = e.Update(rec, map[string]string{"status": "closed"})
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			return err
		}},
		{"edit after another program's", func(r *replica.Replica, fsys afero.Fs) error {
			for _, name := range []string{"prophet/rows", "prophet/ids", "prophet/digests"} {
				if err := fsys.Remove(name); err != nil {
					return err
				}
			}
			_, err := replicatest.Open(t, fsys, replica.Options{}).Edit(t.Context(), func(e *replica.Edit) error {
				_, err := e.Create("Note", map[string]string{"text": "new"})
				return err
			})
			return err
		}},
	} {
		opens := map[int]int64{}
		for size, fsys := range files {
			r := replicatest.Open(t, fsys, replica.Options{})
			fsys.Count.Store(0)
			if err := tt.do(r, fsys); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			opens[size] = fsys.Count.Load()
		}
		t.Logf("%s: %v", tt.name, opens)
		if opens[many] > opens[few]+4 { // directories are opened too, to flush them
			t.Errorf("%s: opens changesets %d times with %d records in one, %d times with %d", tt.name, opens[few], few, opens[many], many)
		}
	}
}
