package sync_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/replica"
	psync "prophet/sync"
)

// A replica that is checked as a location is looked at as closely as the one at hand: what is a link can be told in a directory.
func TestACheckOfADirectoryNamesALinkInThePlaceOfADirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := replica.Init(t.Context(), durable.Within(afero.NewOsFs(), dir), replica.Identity{}, replica.Options{Where: dir}); err != nil {
		t.Fatal(err)
	}
	cas, aside := filepath.Join(dir, "cas"), filepath.Join(t.TempDir(), "aside")
	if err := os.MkdirAll(cas, 0o777); err != nil {
		t.Fatal(err)
	}
	check := func() (found []string) {
		carriers := psync.Carriers{"": psync.Directory(afero.NewOsFs())}
		if _, err := carriers.Check(t.Context(), dir, replica.Options{Where: dir}, func(p replica.Problem) { found = append(found, p.Path+": "+p.Text) }, nil); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := check(); len(found) > 0 {
		t.Fatalf("before: %q", found)
	}
	if err := os.Rename(cas, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(aside, cas); err != nil {
		t.Fatal(err)
	}
	if found := check(); len(found) != 1 || !strings.HasPrefix(found[0], "cas: it is a symbolic link") {
		t.Errorf("check says %q", found)
	}
}
