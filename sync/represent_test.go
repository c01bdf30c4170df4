package sync_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// originals are the replicas that the original wrote in one scenario, and replicas of ours of the same database.
type originals struct {
	t     *testing.T
	root  afero.Fs
	id    replica.Identity
	names []string
	ours  []*replica.Replica
}

func newOriginals(t *testing.T, scenario string) *originals {
	o := &originals{t: t, root: crashfs.New()}
	fixture.Unpack(t, o.root, "", scenario)
	for _, name := range fixture.Replicas(scenario) {
		if !fixture.IsExport(name) {
			o.names = append(o.names, name)
		}
	}
	r := o.open(o.names[0])
	o.id = replica.Identity{Database: r.Database(), Votes: r.Resolutions().Database()}
	return o
}

func (o *originals) open(name string) *replica.Replica {
	o.t.Helper()
	r, err := openAt(o.root, name)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

// reader makes a replica of ours that pulls from replicas of the original in an order.
func (o *originals) reader(who string, order ...string) *replica.Replica {
	o.t.Helper()
	r, err := replica.Init(context.Background(), crashfs.New(), o.id, replica.Options{Where: who, Creator: who + "@example.com"})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, name := range order {
		if _, err := psync.Pull(context.Background(), r, o.open(name), psync.Options{}); err != nil {
			o.t.Fatalf("%s pulls from %s: %v", who, name, err)
		}
	}
	o.ours = append(o.ours, r)
	return r
}

func (o *originals) view(r *replica.Replica) replicatest.View {
	o.t.Helper()
	v, err := replicatest.Look(r, changeset.RecordID.String)
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// orders returns some orders of the names, the first of them with the one that is hidden from the others.
func orders(names []string, hidden int) (all [][]string) {
	for k := range names {
		order := append(slices.Clone(names[k:]), names[:k]...)
		if k%2 == 1 {
			slices.Reverse(order)
		}
		if k > 0 {
			order = slices.DeleteFunc(order, func(name string) bool { return name == names[hidden] })
		}
		all = append(all, order)
	}
	return all
}

func TestReadersOfTheOriginalsReplicasComeToTheSameInAnyOrder(t *testing.T) {
	for _, scenario := range fixture.Names() {
		t.Run(scenario, func(t *testing.T) {
			names := newOriginals(t, scenario).names
			differed := 0
			for hidden := 0; hidden < len(names); hidden += race.Every(2) { // ours know this author through others only, but one
				o := newOriginals(t, scenario)
				for k, order := range orders(names, hidden) {
					o.reader(fmt.Sprintf("reader %d of %v", k, order), order...)
				}
				if slices.ContainsFunc(o.ours, func(r *replica.Replica) bool { return o.view(r) != o.view(o.ours[0]) }) {
					differed++
				}
				replicatest.Meet(t, o.ours...)
			}
			t.Logf("readers differed before they met in %d of %d", differed, len(names))
		})
	}
}

// All that is new to the others then is in the list: they know the changesets, and the log of the one that reads them says nothing more.
func TestWhatIsLearntFromAnAuthorLaterSpreadsToThoseWhoKnowHisChangesets(t *testing.T) {
	for _, scenario := range fixture.Names() {
		t.Run(scenario, func(t *testing.T) {
			names := newOriginals(t, scenario).names
			listed := uint32(0)
			for hidden := 0; hidden < len(names); hidden += race.Every(2) {
				o := newOriginals(t, scenario)
				for k, order := range orders(names, hidden)[1:] {
					o.reader(fmt.Sprintf("reader %d of %v", k, order), order...)
				}
				replicatest.Meet(t, o.ours...)
				for _, name := range append(names[hidden:hidden+1:hidden+1], names...) {
					pull(t, o.ours[0], o.open(name))
				}
				list, err := o.ours[0].Representations()
				if err != nil {
					t.Fatal(err)
				}
				listed += list.Latest()
				replicatest.Meet(t, o.ours...)
			}
			t.Logf("%d rows were listed", listed)
		})
	}
}
