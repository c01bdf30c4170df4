package replica_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/durable"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestACheckNamesWhatNoWriterGoesThrough: what can be read through a symbolic link, or need not be read at all, keeps every writer away all the same.
func TestACheckNamesWhatNoWriterGoesThrough(t *testing.T) {
	replicatest.WithLooseEdits(t)
	ctx := context.Background()
	link := func(name string) {
		aside := filepath.Join(t.TempDir(), "aside")
		if err := os.Rename(name, aside); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(aside, name); err != nil {
			t.Fatal(err)
		}
	}
	for name, hurt := range map[string]func(name string){
		"changesets.idx": link, "prophet/rows": link, "prophet/ids": link, "prophet/digests": link, "prophet/journal": link, "prophet/lock": link, "prophet": link,
		"prophet/parts": link, "records/Ticket": link, "cas/changesets/*": link, "records/Ticket/*/*/*": link,
		"resolutions/local_metadata": func(name string) {
			_ = os.RemoveAll(name)
			_ = os.WriteFile(name, nil, 0o666)
		},
	} {
		dir := t.TempDir()
		disk := durable.Within(afero.NewOsFs(), dir)
		r, err := replica.Init(ctx, disk, replica.Identity{}, replica.Options{Where: dir, Creator: "a@x"})
		if err == nil {
			_, err = r.Edit(ctx, func(e *replica.Edit) error {
				_, err := e.Create("Ticket", map[string]string{"status": "new"})
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "prophet/parts" {
			_ = os.MkdirAll(filepath.Join(dir, "prophet", "parts"), 0o777)
		}
		places, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil && len(places) == 0 {
			places = []string{filepath.Join(dir, filepath.FromSlash(name))}
		}
		if err == nil {
			name, err = filepath.Rel(dir, places[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		hurt(places[0])
		var found []string
		if err := replica.Check(ctx, durable.Within(afero.NewOsFs(), dir), replica.Options{Where: dir}, func(p replica.Problem) {
			if !p.Harmless {
				found = append(found, p.Path+": "+p.Text)
			}
		}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(found) != 1 || !strings.HasPrefix(found[0], name+": ") || !strings.Contains(found[0], "no edit can be made") && !strings.Contains(found[0], "edits, or gc, that need it fail") {
			t.Errorf("%s: check says %v", name, found)
		}
	}
}
