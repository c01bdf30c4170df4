package sync_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
	psync "prophet/sync"
)

// rivals returns two replicas that edited the same records apart: mine wrote "mine", theirs first "old" and then "new".
func rivals(t *testing.T, records int) (mine, theirs *replica.Replica, recs []changeset.RecordID) {
	t.Helper()
	ctx := context.Background()
	mine, err := replica.Init(ctx, afero.NewMemMapFs(), replica.Identity{}, replica.Options{Where: "mine", Creator: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if _, err := mine.Edit(ctx, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"n": fmt.Sprint(i), "status": "start"})
			recs = append(recs, rec)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	theirs, _, err = psync.Clone(ctx, afero.NewMemMapFs(), mine, replica.Options{Where: "theirs", Creator: "bob@example.com"}, psync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		update(t, theirs, rec, "status", "old")
		update(t, mine, rec, "status", "mine")
	}
	for _, rec := range recs {
		update(t, theirs, rec, "status", "new")
	}
	return mine, theirs, recs
}

func TestAPullThatPrefersASideDecidesForItAcrossBatches(t *testing.T) {
	for _, test := range []struct {
		prefer psync.Prefer
		want   string
	}{{psync.PreferFrom, "new"}, {psync.PreferTo, "mine"}} {
		for _, rows := range []int{1, 2, 1000} {
			t.Run(fmt.Sprint(test.prefer, rows), func(t *testing.T) {
				psync.SmallBatches(t, rows, 1<<20)
				mine, theirs, recs := rivals(t, 3)
				report, err := psync.Pull(context.Background(), mine, theirs, psync.Options{Prefer: test.prefer})
				if err != nil {
					t.Fatal(err)
				}
				if len(report.Opened) > 0 || len(report.Decided) < len(recs) {
					t.Errorf("opened %v, decided %v", report.Opened, report.Decided)
				}
				for _, rec := range recs {
					if props, _, err := mine.Log().Props(rec); err != nil || props["status"] != test.want {
						t.Errorf("status is %q (%v), want %q", props["status"], err, test.want)
					}
				}
				sound(t, mine.FS(), "afterwards")
			})
		}
	}
}

func TestADryRunListsWhatThePullWouldOpen(t *testing.T) {
	mine, theirs, recs := rivals(t, 2)
	before := state(t, mine.FS())
	dry, err := psync.Pull(context.Background(), mine, theirs, psync.Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if after := state(t, mine.FS()); after != before {
		t.Errorf("the dry run left %s, before it was %s", after, before)
	}
	real := pull(t, mine, theirs)
	if fmt.Sprint(dry.Opened) != fmt.Sprint(real.Opened) || len(dry.Opened) != len(recs) || dry.Integrated != real.Integrated {
		t.Errorf("the dry run tells %+v, the pull %+v", *dry, *real)
	}
}
