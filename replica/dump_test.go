package replica_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/fixture"
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
			r, err := replica.Open(afero.NewReadOnlyFs(afero.NewBasePathFs(root, name)), replica.Options{Where: name})
			if err != nil {
				t.Fatal(err)
			}
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

func TestFsckFindsTheOriginalsReplicasSound(t *testing.T) {
	for _, scenario := range fixture.Names() {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", scenario)
		for _, name := range fixture.Replicas(scenario) {
			fsys := afero.NewReadOnlyFs(afero.NewBasePathFs(root, name))
			if err := replica.Check(t.Context(), fsys, replica.Options{Where: name}, func(p replica.Problem) {
				t.Errorf("%s/%s: %s: %s", scenario, name, p.Path, p.Text)
			}, nil); err != nil {
				t.Error(err)
			}
		}
	}
}
