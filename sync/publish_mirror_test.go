package sync_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

var updateMirror = flag.Bool("update", false, "write testdata/mirror anew")

// mirrorDir holds a small published mirror, which the first command of the README clones.
var mirrorDir = filepath.Join("..", "testdata", "mirror")

func TestMirrorInTheRepositoryIsWhatPublishWrites(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	dest := crashfs.New()
	w.publish(dest, psync.PublishOptions{})
	want := filesOf(t, dest)
	onDisk := afero.NewBasePathFs(afero.NewOsFs(), mirrorDir)
	if *updateMirror {
		w.check(os.RemoveAll(mirrorDir))
		for name, text := range want {
			w.write(onDisk, name, text)
		}
	}
	got := filesOf(t, onDisk)
	sameFiles(t, mirrorDir+" (go test ./sync -run Mirror -update writes it anew)", got, want)
}

func TestMirrorInTheRepositoryCanBeCloned(t *testing.T) {
	mirror := openLocation(t, mirrorDir)
	clone, report, err := psync.Clone(t.Context(), crashfs.New(), mirror, replica.Options{}, psync.Options{Adopt: true})
	if err != nil {
		t.Fatal(err)
	}
	replicatest.Faultless(t, mirror.FS(), "mirror")
	replicatest.Faultless(t, clone.FS(), "clone")
	sameState(t, "clone", clone, mirror)
	counts := map[string]int{}
	authors := map[string]int{}
	resolved := 0
	for rec, err := range clone.All("") {
		if err != nil {
			t.Fatal(err)
		}
		counts[rec.ID.Type]++
		authors[rec.Props["creator"]]++
		if rec.Props["summary"] == "Laser cutter stops after ten minutes" && rec.Props["status"] == "resolved" {
			resolved++
		}
	}
	if want := map[string]int{"Ticket": 7, "Comment": 8}; !maps.Equal(counts, want) {
		t.Errorf("it holds %v, want %v", counts, want)
	}
	if len(authors) != 2 || resolved != 1 || report.Votes != 1 || len(report.Opened) != 0 {
		t.Errorf("authors %v, report %+v", authors, *report)
	}
	if open, err := clone.Conflicts(); err != nil || len(open) > 0 {
		t.Errorf("open conflicts %v, %v", open, err)
	}
}
