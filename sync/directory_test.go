package sync_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/internal/wire"
	"prophet/replica"
	psync "prophet/sync"
)

// inDirectory opens what lies in a directory.
func inDirectory(t *testing.T, fsys afero.Fs) *replica.Replica {
	t.Helper()
	there := psync.Carriers{"": func(context.Context, string) (afero.Fs, error) { return fsys, nil }}
	r, err := there.Open(t.Context(), "www", replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mirrorsHalf are what may become of a changeset in one half of a mirror, that the other half makes good.
var mirrorsHalf = map[string]func(t *testing.T, dest afero.Fs, object string){
	"gone in the tree": func(t *testing.T, dest afero.Fs, object string) { removeFile(t, dest, object) },
	"damaged in the tree": func(t *testing.T, dest afero.Fs, object string) {
		if err := afero.WriteFile(dest, object, []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
	},
	"gone in the tree, with the index and the number": func(t *testing.T, dest afero.Fs, object string) {
		removeFile(t, dest, object)
		removeFile(t, dest, changeset.IndexFile)
		removeFile(t, dest, changeset.LatestFile)
	},
	"gone with a pack":   func(t *testing.T, dest afero.Fs, _ string) { removeFile(t, dest, packsOf(t, dest)[0]) },
	"gone with the head": func(t *testing.T, dest afero.Fs, _ string) { removeFile(t, dest, wire.HeadFile) },
}

func removeFile(t *testing.T, fsys afero.Fs, name string) {
	t.Helper()
	if err := fsys.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// repairFrom repairs a replica from a mirror in a directory.
func repairFrom(t *testing.T, fsys, dest afero.Fs) {
	t.Helper()
	err := psync.Repair(t.Context(), fsys, at("ann", 13), replica.RepairOptions{
		Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{inDirectory(t, dest)} }})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEitherHalfOfAMirrorInADirectoryServes: its packs and its v1 tree. Whoever clones it has all, whoever has lost a changeset gets it back, and a publication that lacks it is refused.
func TestEitherHalfOfAMirrorInADirectoryServes(t *testing.T) {
	replicatest.WithLooseEdits(t)
	l := withBob(t, 2)
	update(t, l.ann, l.recs[0], "status", "open") // row 3
	l.rows = []uint32{3}
	row, err := l.ann.Log().Row(3)
	if err != nil {
		t.Fatal(err)
	}
	opts := psync.PublishOptions{Flat: true, InHead: 1}
	whole := crashfs.New()
	if _, err := psync.Publish(t.Context(), l.ann, whole, opts); err != nil {
		t.Fatal(err)
	}
	for name, damage := range mirrorsHalf {
		dest := copyTree(t, whole)
		damage(t, dest, changeset.ObjectPath(changeset.ChangesetObjects, row.Key))
		clone, _, err := psync.Clone(t.Context(), crashfs.New(), inDirectory(t, dest), replica.Options{}, psync.Options{Sleep: hasty.Sleep})
		if err != nil || clone.Latest() != 3 {
			t.Errorf("%s: cloned, %v", name, err)
		}
		ann := l.takeAway(t)
		if _, err := psync.Publish(t.Context(), ann, dest, opts); !errors.Is(err, psync.ErrMirrorHas) && !errors.As(err, new(*psync.MirrorError)) {
			t.Errorf("%s: published, %v", name, err)
		}
		if _, err := psync.Publish(t.Context(), ann, dest, psync.PublishOptions{Flat: true, Check: true}); !errors.Is(err, psync.ErrMirrorHas) {
			t.Errorf("%s: published with a check, %v", name, err)
		}
		repairFrom(t, ann.FS(), dest)
		replicatest.Faultless(t, ann.FS(), name)
	}
}

// TestTheTreeHasTheRowsOfAMirrorInADirectoryThatLostAPack: of more than the head has.
func TestTheTreeHasTheRowsOfAMirrorInADirectoryThatLostAPack(t *testing.T) {
	replicatest.WithLooseEdits(t)
	l := withBob(t, 2)
	for i := range 140 {
		update(t, l.ann, l.recs[0], "status", fmt.Sprint(i))
	}
	dest, opts := crashfs.New(), psync.PublishOptions{Flat: true, InHead: 1}
	if _, err := psync.Publish(t.Context(), l.ann, dest, opts); err != nil {
		t.Fatal(err)
	}
	removeFile(t, dest, packsOf(t, dest)[0])
	l.rows = []uint32{3}
	ann := l.takeAway(t)
	removeFile(t, ann.FS(), changeset.IndexFile)
	for _, name := range []string{changeset.RecordsDir, "prophet"} {
		if err := ann.FS().RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	repairFrom(t, ann.FS(), dest)
	replicatest.Faultless(t, ann.FS(), "repaired")
}

// TestAHeadThatIsBehindItsTreeIsPassedOverInADirectory: a version that knows no packs published there last.
func TestAHeadThatIsBehindItsTreeIsPassedOverInADirectory(t *testing.T) {
	l := withBob(t, 2)
	dest, opts := crashfs.New(), psync.PublishOptions{Flat: true}
	for range 2 {
		if _, err := psync.Publish(t.Context(), l.ann, dest, opts); err != nil {
			t.Fatal(err)
		}
		update(t, l.ann, l.recs[0], "status", "open")
		opts.NoPacks = true
	}
	if n := inDirectory(t, dest).Latest(); n != 3 {
		t.Errorf("it shows %d changesets, want 3", n)
	}
}
