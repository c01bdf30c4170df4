package replica_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// holed makes a replica with four records in a directory, and lets a file of it go on with a hole up to a size in bytes.
func holed(t *testing.T, size int64, file func(rec changeset.RecordID) string) (fsys afero.Fs, rec changeset.RecordID) {
	t.Helper()
	dir := t.TempDir()
	fsys = afero.NewBasePathFs(afero.NewOsFs(), dir)
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 4)
	rec = allRecords(t, r)[0]
	if err := os.Truncate(filepath.Join(dir, file(rec)), size); err != nil {
		t.Fatal(err)
	}
	return fsys, rec
}

// An index may have any size and take no room, where it has holes.
func TestRowsOfZerosAreToldAsOne(t *testing.T) {
	const rows = 1_000_000
	fsys, _ := holed(t, rows*changeset.RowSize, func(changeset.RecordID) string { return changeset.IndexFile })
	change(t, fsys, changeset.LatestFile, func([]byte) []byte { return []byte("1000000") })
	found := problems(t, fsys)
	if !strings.Contains(found, "changesets.idx: rows 5 to 1000000 are nothing but zeros\n") || strings.Count(found, "\n") > 3 {
		t.Errorf("fsck says\n%.1000s", found)
	}
}

func TestRowsBehindZerosAreChecked(t *testing.T) {
	fsys := afero.NewMemMapFs()
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 700)
	change(t, fsys, changeset.IndexFile, func(b []byte) []byte {
		clear(b[99*changeset.RowSize : 650*changeset.RowSize])
		b[698*changeset.RowSize+3] ^= 1
		return b
	})
	found := problems(t, fsys)
	if !strings.Contains(found, "changesets.idx: rows 100 to 650 are nothing but zeros\n") || !strings.Contains(found, "changesets.idx: row 699: ") ||
		strings.Contains(found, "row 99:") || strings.Contains(found, "row 651:") {
		t.Errorf("fsck says\n%.3000s", found)
	}
}

func TestAnIndexOfARecordIsReadNoFurtherThanItIsSound(t *testing.T) {
	replicatest.WithLooseEdits(t)
	const size = 128 << 20
	fsys, rec := holed(t, size, func(rec changeset.RecordID) string { return changeset.RecordPath(rec) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := problems(t, fsys)
	runtime.ReadMemStats(&after)
	if !strings.Contains(found, changeset.RecordPath(rec)+": row 2: it holds nothing but zeros, which no version is\n") {
		t.Errorf("fsck says\n%s", found)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > size/2 {
		t.Errorf("fsck set aside %d bytes", used)
	}
}

func TestAMissingUUIDIsNotSaidToBeAnyWhereNothingTells(t *testing.T) {
	fsys, _ := noted(t)
	for _, name := range []string{changeset.ReplicaUUIDFile, "prophet/identity", changeset.IndexFile} {
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if found := problems(t, fsys); found != "replica-uuid: the file is missing; nothing that is left tells what it held\n" {
		t.Errorf("fsck says\n%s", found)
	}
}

// A repair holds in memory what tells what a file must hold.
func TestARepairReadsNoFileThatIsTooLarge(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec := holed(t, 1<<30+1, func(rec changeset.RecordID) string { return changeset.RecordPath(rec) })
	err := replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{})
	if !isDamaged(err, rec, "it has 1073741825 bytes, more than 1073741824, and may be nothing but a hole: move it to somewhere else, and run this again") {
		t.Errorf("it said %v", err)
	}
	if err := fsys.Remove(changeset.RecordPath(rec)); err != nil {
		t.Fatal(err)
	}
	mend(t, fsys)
	sound(t, fsys)
}

// A file whose content says nothing of what it must hold may have any length: an object, a UUID, a number. A repair sets it aside in pieces, holes and all, and makes it again.
func TestARepairSetsHugeFilesAsideInPieces(t *testing.T) {
	replicatest.WithLooseEdits(t)
	const size = 3 << 30
	names := []string{"cas/changesets/*/*/*", "cas/records/*/*/*", changeset.ReplicaUUIDFile, changeset.LatestFile}
	for _, name := range names[:race.Part(len(names))] {
		dir, copied := t.TempDir(), t.TempDir()
		fsys := afero.NewBasePathFs(afero.NewOsFs(), dir)
		grow(t, replicatest.Init(t, fsys, replica.Options{}), 4)
		files, err := filepath.Glob(filepath.Join(dir, name))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		want, err := os.ReadFile(files[0])
		if err = errors.Join(err, os.CopyFS(copied, os.DirFS(dir)), os.Truncate(files[0], size)); err != nil {
			t.Fatal(err)
		}
		file := strings.TrimPrefix(files[0], dir+"/")
		if found := problems(t, fsys); !strings.Contains(found, file+": ") {
			t.Errorf("%s: fsck says\n%s", file, found)
		}
		from, err := replica.Open(afero.NewBasePathFs(afero.NewOsFs(), copied), replica.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{from} }})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > size/3 {
			t.Errorf("%s: the repair set aside %d bytes, %v", file, used, err)
		}
		sound(t, fsys)
		if got, err := os.ReadFile(files[0]); err != nil || string(got) != string(want) {
			t.Errorf("%s holds %.100q, %v", file, got, err)
		}
		aside, err := os.Stat(filepath.Join(dir, replica.SetAsideDir, file))
		if err != nil || aside.Size() != size {
			t.Errorf("%s was not set aside: %v", file, err)
		}
	}
}

func TestAHugeObjectThatNothingNeedsIsSetAside(t *testing.T) {
	stray := "cas/changesets/0/1/01" + strings.Repeat("23", 19)
	fsys, _ := holed(t, 4*changeset.RowSize, func(changeset.RecordID) string { return changeset.IndexFile })
	if err := errors.Join(fsys.MkdirAll(filepath.Dir(stray), 0o700), afero.WriteFile(fsys, stray, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	f, err := fsys.OpenFile(stray, os.O_WRONLY, 0)
	if err = errors.Join(err, f.Truncate(cas.MaxSize+1), f.Close()); err != nil {
		t.Fatal(err)
	}
	mend(t, fsys)
	sound(t, fsys)
	if there, err := afero.Exists(fsys, stray); there || err != nil {
		t.Errorf("it is there still: %v", err)
	}
	if aside, err := fsys.Stat(replica.SetAsideDir + "/" + stray); err != nil || aside.Size() != cas.MaxSize+1 {
		t.Errorf("it was not set aside: %v", err)
	}
}
