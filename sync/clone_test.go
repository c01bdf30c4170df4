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

func TestCloneCutOffBeforeItsFirstBatchIsFinishedByAPull(t *testing.T) {
	root := crashfs.New()
	fixture.Unpack(t, root, "", "three-laptops")
	from := replicatest.Open(t, afero.NewBasePathFs(root, "alice"), replica.Options{Where: "/alice"})
	ctx, cancel := context.WithCancel(context.Background())
	cut := replicatest.Open(t, &cancellingFs{from.FS(), cancel}, replica.Options{Where: "/alice"})
	r, _, err := psync.Clone(ctx, crashfs.New(), cut, replica.Options{}, psync.Options{Adopt: true})
	if err == nil || r == nil || r.Latest() > 0 {
		t.Fatalf("the clone is not cut off: %v, %v", r, err)
	}
	if last, err := r.LastPeer(); last != "/alice" || err != nil {
		t.Errorf("last peer %q, %v", last, err)
	}
	report, err := psync.Pull(context.Background(), r, from, psync.Options{})
	if err != nil || report.Adopted != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}
