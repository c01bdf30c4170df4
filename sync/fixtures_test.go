package sync_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// expected is what the original reports of one of its replicas, as far as it is compared here.
type expected struct {
	Records    map[string]map[string]map[string]string `json:"records"`
	Changesets []struct {
		Seq           json.Number `json:"original_sequence_no"`
		Origin        string      `json:"original_source_uuid"`
		Nullification bool        `json:"is_nullification"`
		Resolution    bool        `json:"is_resolution"`
	} `json:"changesets"`
}

func eachFixture(t *testing.T, f func(t *testing.T, r *replica.Replica, want expected, others []string, root afero.Fs)) {
	for _, scenario := range fixture.Names() {
		t.Run(scenario, func(t *testing.T) {
			root := crashfs.New()
			fixture.Unpack(t, root, "", scenario)
			for _, name := range fixture.Replicas(scenario) {
				t.Run(name, func(t *testing.T) {
					b, err := afero.ReadFile(root, name+".expected.json")
					if err != nil {
						t.Fatal(err)
					}
					var want expected
					if err := json.Unmarshal(b, &want); err != nil {
						t.Fatal(err)
					}
					r := replicatest.Open(t, afero.NewBasePathFs(root, name), replica.Options{Where: name})
					f(t, r, want, fixture.Replicas(scenario), root)
				})
			}
		})
	}
}

// shown returns the living records of a replica by type and UUID.
func shown(t testing.TB, r *replica.Replica) map[string]map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]map[string]string{}
	types, err := r.Log().Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		for rec, err := range r.Log().Records(typ) {
			if err != nil {
				t.Fatal(err)
			}
			props, ok, err := r.Log().Props(rec)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			if all[typ] == nil {
				all[typ] = map[string]map[string]string{}
			}
			all[typ][rec.UUID.String()] = props
		}
	}
	return all
}

func sameRecords(t testing.TB, what string, got, want map[string]map[string]map[string]string) {
	t.Helper()
	for typ, records := range want {
		for u, props := range records {
			if !maps.Equal(got[typ][u], props) {
				t.Errorf("%s: %s %s is %v, want %v", what, typ, u, got[typ][u], props)
			}
		}
		if len(got[typ]) != len(records) {
			t.Errorf("%s: %d records of type %s, want %d", what, len(got[typ]), typ, len(records))
		}
	}
	if len(got) > len(want) {
		t.Errorf("%s: there are types %v, want %v", what, maps.Keys(got), maps.Keys(want))
	}
}

func TestClonesOfTheOriginalsReplicasShowWhatTheyShow(t *testing.T) {
	eachFixture(t, func(t *testing.T, from *replica.Replica, want expected, others []string, root afero.Fs) {
		ctx := context.Background()
		clone, report, err := psync.Clone(ctx, crashfs.New(), from, replica.Options{Where: "clone", Creator: "zoe@example.com"}, psync.Options{Adopt: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("report %+v", *report)
		sameRecords(t, "clone", shown(t, clone), want.Records)
		for _, c := range want.Changesets {
			id, err := changeset.ParseID(c.Origin + ":" + c.Seq.String())
			if err != nil {
				t.Fatal(err)
			}
			_, known, err := clone.Lookup(id)
			if err != nil || known == (c.Nullification || c.Resolution) {
				t.Errorf("changeset %s: known %v, bookkeeping %v (%v)", id, known, c.Nullification || c.Resolution, err)
			}
		}
		for round := range 2 {
			for _, name := range others {
				other := replicatest.Open(t, afero.NewBasePathFs(root, name), replica.Options{Where: name})
				report, err := psync.Pull(ctx, clone, other, psync.Options{})
				if err != nil {
					t.Fatalf("pull %s: %v", name, err)
				}
				if round == 1 && (report.Integrated > 0 || report.Votes > 0) {
					t.Errorf("a second pull from %s brought %+v", name, *report)
				}
			}
		}
	})
}
