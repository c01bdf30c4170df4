package replica_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

func TestAnEditIsMadeOnlyIfWhatItExpectsHolds(t *testing.T) {
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, replica.Options{})
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	var rec, gone changeset.RecordID
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		gone, err = e.Create("Note", nil)
		return err
	})
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Delete(gone) })
	replicatest.Edit(t, r, func(e *replica.Edit) (err error) {
		rec, err = e.Create("Note", map[string]string{"m": "1", "n": "2"})
		return err
	})
	disputed := rivalsOf(t, r, "Note", one("0"), one("1"), one("2"))
	merged, err := r.Merged(disputed)
	if err != nil {
		t.Fatal(err)
	}
	shown := merged.Props["m"]
	before := r.Latest()
	for name, tc := range map[string]struct {
		rec   changeset.RecordID
		props map[string]string
		want  *replica.UnmetError
	}{
		"holds":              {rec, map[string]string{"m": "1", "n": "2", "o": ""}, nil},
		"is another":         {rec, map[string]string{"m": "2"}, &replica.UnmetError{Record: rec, Prop: "m", Want: "2", Now: "1"}},
		"is there":           {rec, map[string]string{"m": "1", "n": ""}, &replica.UnmetError{Record: rec, Prop: "n", Now: "2"}},
		"is not there":       {rec, map[string]string{"o": "3"}, &replica.UnmetError{Record: rec, Prop: "o", Want: "3"}},
		"holds for now":      {disputed, one(shown), &replica.UnmetError{Record: disputed, Prop: "m", Want: shown, Now: shown, Conflict: true}},
		"other one disputed": {disputed, map[string]string{"o": ""}, nil},
	} {
		_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
			if err := e.Update(tc.rec, map[string]string{"m": "9", "o": "9"}); err != nil { // what the edit itself does counts for nothing
				return err
			}
			if err := e.Expect(tc.rec, tc.props); err != nil {
				return err
			}
			return errors.New("holds")
		})
		var unmet *replica.UnmetError
		if errors.As(err, &unmet) != (tc.want != nil) || tc.want != nil && *unmet != *tc.want || tc.want == nil && err.Error() != "holds" {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { return e.Expect(gone, nil) }); !errors.Is(err, replica.ErrNoRecord) {
		t.Errorf("of a deleted record: %v", err)
	}
	if r.Latest() != before {
		t.Errorf("there are %d rows, and there were %d", r.Latest(), before)
	}
}

// Many workers, each with a replica of its own over the same files, claim all jobs that they find. Each is claimed once.
func TestEachJobIsClaimedOnce(t *testing.T) {
	const workers, jobs = 8, 40
	for name, fsys := range map[string]afero.Fs{"disk": afero.NewBasePathFs(afero.NewOsFs(), t.TempDir()), "memory": afero.NewMemMapFs()} {
		r := replicatest.Init(t, fsys, replica.Options{})
		var recs []changeset.RecordID
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			for range jobs {
				rec, err := e.Create("Job", map[string]string{"status": "new"})
				if err != nil {
					return err
				}
				recs = append(recs, rec)
			}
			return nil
		})
		var mu sync.Mutex
		claims := map[changeset.RecordID]int{}
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				won, err := claimAll(t, fsys, recs)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, rec := range won {
					claims[rec]++
				}
			})
		}
		group.Wait()
		for _, rec := range recs {
			if claims[rec] != 1 {
				t.Errorf("%s: %s was claimed %d times", name, rec, claims[rec])
			}
		}
		if now := replicatest.Open(t, fsys, replica.Options{}); now.Latest() != 1+jobs {
			t.Errorf("%s: %d changesets", name, now.Latest())
		}
	}
}

// claimAll claims what is free, and returns what it got.
func claimAll(t *testing.T, fsys afero.Fs, recs []changeset.RecordID) (won []changeset.RecordID, err error) {
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		_, err := r.Edit(context.Background(), func(e *replica.Edit) error {
			if err := e.Expect(rec, map[string]string{"status": "new"}); err != nil {
				return err
			}
			return e.Update(rec, map[string]string{"status": "taken"})
		})
		switch {
		case err == nil:
			won = append(won, rec)
		case !errors.As(err, new(*replica.UnmetError)):
			return won, err
		}
	}
	return won, nil
}
