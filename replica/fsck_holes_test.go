package replica_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
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

// A repair holds what it repairs in memory.
func TestARepairReadsNoFileThatIsTooLarge(t *testing.T) {
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
