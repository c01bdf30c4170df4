package sync_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/sync"
)

// voted is a replica with a vote, and a clone of it.
func voted(t *testing.T) *loss {
	l := withBob(t, 1)
	update(t, l.ann, l.recs[0], "status", "open")
	update(t, l.bob, l.recs[0], "status", "closed")
	pull(t, l.ann, l.bob)
	update(t, l.ann, l.recs[0], "status", "open")
	pull(t, l.bob, l.ann)
	if n := l.bob.Resolutions().Latest(); n != 1 {
		t.Fatalf("%d votes, want 1", n)
	}
	return l
}

// repairVotes takes all of a replica's votes away and repairs it; it returns what that told of the votes.
func repairVotes(t *testing.T, fsys afero.Fs, opts replica.Options, sources ...*replica.Replica) (told []replica.Mended, err error) {
	t.Helper()
	if err := fsys.RemoveAll(strings.TrimSuffix(changeset.ResolutionsDir, "/")); err != nil {
		t.Fatal(err)
	}
	err = sync.Repair(t.Context(), fsys, opts, replica.RepairOptions{
		Sources: func(context.Context) []*replica.Replica { return sources },
		Report: func(m replica.Mended) {
			if m.Path == changeset.ResolutionsDir+"/"+changeset.IndexFile {
				told = append(told, m)
			}
		}})
	return told, err
}

// TestARepairBringsVotesOfAllWhoHaveSome: of each source the votes, and no changeset.
func TestARepairBringsVotesOfAllWhoHaveSome(t *testing.T) {
	l := voted(t)
	carl := replicatest.Clone(t, l.bob, at("carl", 11))
	rec := newTicket(t, l.bob)
	pull(t, carl, l.bob)
	update(t, carl, rec, "status", "open")
	update(t, l.bob, rec, "status", "closed")
	pull(t, carl, l.bob)
	update(t, carl, rec, "status", "open") // a vote that Bob has not
	latest := l.ann.Latest()
	told, err := repairVotes(t, l.ann.FS(), at("ann", 12), l.bob, carl)
	if err != nil || len(told) != 1 || told[0].Outcome != replica.IsFetched || !strings.Contains(told[0].Text, "2 came from bob, carl,") {
		t.Errorf("told %v, %v", told, err)
	}
	ann := replicatest.Open(t, l.ann.FS(), at("ann", 12))
	if ann.Latest() != latest || ann.Resolutions().Latest() != 2 {
		t.Errorf("%d changesets and %d votes, want %d and 2", ann.Latest(), ann.Resolutions().Latest(), latest)
	}
	onlyLost(t, ann)
}

// TestARepairThatWasCutOffBringsVotesLater: where the votes are gone, and the repair that found that out came to nobody who has some, the next one asks again, and passes over who has none.
func TestARepairThatWasCutOffBringsVotesLater(t *testing.T) {
	l := voted(t)
	empty := replicatest.Clone(t, replicatest.Init(t, crashfs.New(), at("eve", 9)), at("eve", 9))
	told, err := repairVotes(t, l.ann.FS(), at("ann", 12), empty)
	if err != nil || len(told) != 1 || told[0].Outcome != replica.IsLost {
		t.Errorf("told %v, %v", told, err)
	}
	for range 2 {
		err = sync.Repair(t.Context(), l.ann.FS(), at("ann", 13), replica.RepairOptions{
			Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{empty, l.bob} }})
		if n := replicatest.Open(t, l.ann.FS(), at("ann", 13)).Resolutions().Latest(); n != 1 || err != nil {
			t.Fatalf("%d votes, want 1; %v", n, err)
		}
	}
	if _, err := l.ann.FS().Stat(changeset.ResolutionsDir + "/" + replica.LostFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the list of what is lost is still there: %v", err)
	}
}

// TestADatabaseIsKnownByAnyChangeset: also where the index is gone, which names the first one. A replica of another database has none of them.
func TestADatabaseIsKnownByAnyChangeset(t *testing.T) {
	l := withBob(t, 2)
	fsys := l.ann.FS()
	for _, name := range []string{changeset.DatabaseUUIDFile, replica.IdentityFile, changeset.IndexFile} {
		removeFile(t, fsys, name)
	}
	repair := func(source *replica.Replica) {
		t.Helper()
		err := sync.Repair(t.Context(), fsys, at("ann", 12), replica.RepairOptions{Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{source} }})
		if err != nil {
			t.Fatal(err)
		}
	}
	other := replicatest.Init(t, crashfs.New(), at("carl", 11))
	newTicket(t, other)
	repair(other)
	if is, err := afero.Exists(fsys, changeset.DatabaseUUIDFile); is || err != nil {
		t.Errorf("another database's UUID is taken: %v, %v", is, err)
	}
	repair(l.bob)
	replicatest.Faultless(t, fsys, "ann")
}
