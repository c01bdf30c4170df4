package sync_test

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// cancellingFs cancels a context when a changeset is opened.
type cancellingFs struct {
	afero.Fs
	cancel func()
}

func (c *cancellingFs) Open(name string) (afero.File, error) {
	if strings.Contains(name, "cas/changesets") {
		c.cancel()
	}
	return c.Fs.Open(name)
}

func TestCloneCutOffBeforeItsFirstBatchIsFinishedByAPullOrAClone(t *testing.T) {
	root := crashfs.New()
	fixture.Unpack(t, root, "", "three-laptops")
	from := replicatest.Open(t, afero.NewBasePathFs(root, "alice"), replica.Options{Where: "/alice"})
	ctx, cancel := context.WithCancel(context.Background())
	cut := replicatest.Open(t, &cancellingFs{from.FS(), cancel}, replica.Options{Where: "/alice"})
	disk := crashfs.New()
	r, _, err := psync.Clone(ctx, disk, cut, replica.Options{}, psync.Options{Adopt: true})
	if err == nil || r == nil || r.Latest() > 0 {
		t.Fatalf("the clone is not cut off: %v, %v", r, err)
	}
	if last, err := r.LastPeer(); last != "/alice" || err != nil {
		t.Errorf("last peer %q, %v", last, err)
	}
	for what, goOn := range map[string]func(to afero.Fs) (*psync.Report, error){
		"a pull": func(to afero.Fs) (*psync.Report, error) {
			return psync.Pull(context.Background(), replicatest.Open(t, to, replica.Options{}), from, psync.Options{})
		},
		"a clone": func(to afero.Fs) (*psync.Report, error) {
			_, report, err := psync.Clone(context.Background(), to, from, replica.Options{}, psync.Options{Adopt: true})
			return report, err
		},
	} {
		to := disk.Survivor(crashfs.Kill, 0)
		if !psync.CloneBegun(to) {
			t.Error("it is not known for a clone that was begun")
		}
		report, err := goOn(to)
		if err != nil || report.Adopted != 1 {
			t.Errorf("%s: got %+v, %v", what, report, err)
		}
		if psync.CloneBegun(to) {
			t.Errorf("after %s it is known for a clone that was begun", what)
		}
	}
}
