package replica_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// missing says what of want is not in got. Objects may hold more than is wanted.
func missing(where string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return where + " is no object"
		}
		for k, v := range w {
			if m := missing(where+"."+k, v, g[k]); m != "" {
				return m
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s has not %d elements", where, len(w))
		}
		for i := range w {
			if m := missing(fmt.Sprint(where, "[", i, "]"), w[i], g[i]); m != "" {
				return m
			}
		}
		return ""
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %v, want %v", where, got, want)
	}
	return ""
}

func TestDumpHoldsAllThatTheOriginalReports(t *testing.T) {
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			r := replicatest.Open(t, afero.NewReadOnlyFs(afero.NewBasePathFs(root, name)), replica.Options{Where: name})
			var dump strings.Builder
			if err := r.Dump(&dump, replica.DumpOptions{}); err != nil {
				t.Fatal(err)
			}
			want, err := afero.ReadFile(root, name+".expected.json")
			if err != nil {
				t.Fatal(err)
			}
			var w, g any
			if err := json.Unmarshal(want, &w); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(dump.String()), &g); err != nil {
				t.Fatal(err)
			}
			if m := missing(scenario+"/"+name, w, g); m != "" {
				t.Error(m)
			}
		}
	}
}

func TestDumpHoldsWhatIsKnownBetterAndFormerUUIDs(t *testing.T) {
	bare := made(idOf(xavier, 1), 1, changeset.Create, "a=>1")
	r := holding(t, afero.NewMemMapFs(), bare, first(changeset.Create, "a=>1"))
	before := r.UUID()
	if err := r.Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Dump(&text, replica.DumpOptions{}); err != nil {
		t.Fatal(err)
	}
	var dump struct {
		FormerUUIDs     []uuid.UUID      `json:"former_uuids"`
		Changesets      []map[string]any `json:"changesets"`
		Representations []map[string]any `json:"representations"`
		Resolutions     map[string]any   `json:"resolutions"`
	}
	if err := json.Unmarshal([]byte(text.String()), &dump); err != nil {
		t.Fatal(err)
	}
	if len(dump.FormerUUIDs) != 1 || dump.FormerUUIDs[0] != before || len(dump.Resolutions["former_uuids"].([]any)) != 1 {
		t.Errorf("former UUIDs are %v and %v", dump.FormerUUIDs, dump.Resolutions["former_uuids"])
	}
	parents := func(changesets []map[string]any) (got []string) {
		for _, c := range changesets {
			for _, ch := range c["changes"].(map[string]any) {
				got = append(got, fmt.Sprintf("%v %v %v", c["original_source_uuid"], c["sequence_no"], ch.(map[string]any)["parents"]))
			}
		}
		return got
	}
	if got, want := parents(dump.Changesets), []string{xavier.String() + " 1 <nil>"}; !slices.Equal(got, want) {
		t.Errorf("changesets are %v, want %v", got, want)
	}
	if got, want := parents(dump.Representations), []string{xavier.String() + " 1 []"}; !slices.Equal(got, want) {
		t.Errorf("representations are %v, want %v", got, want)
	}
}

func TestFsckFindsTheOriginalsReplicasSound(t *testing.T) {
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			fsys := afero.NewReadOnlyFs(afero.NewBasePathFs(root, name))
			replicatest.Faultless(t, fsys, scenario+"/"+name)
		}
	}
}
