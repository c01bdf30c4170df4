package replica_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// turned is a replica that counts one changeset fewer than it has, an update, and is changed so that it holds as many rows as cut lets it.
func turned(t *testing.T, cut func(index []byte) []byte) *crashfs.FS {
	t.Helper()
	disk := crashfs.New()
	r := replicatest.Init(t, disk, replica.Options{})
	grow(t, r, 3)
	update(t, r, allRecords(t, r)[0], "status", "lost")
	for name, to := range map[string]func([]byte) []byte{"latest-sequence-no": setBack("3"), "changesets.idx": cut} {
		b, err := afero.ReadFile(disk, name)
		if err == nil {
			err = afero.WriteFile(disk, name, to(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return disk
}

func TestAnErrorOfReadingDoesNotLetAWriterDestroyWhatIsNotCounted(t *testing.T) {
	start := turned(t, func(b []byte) []byte { return b })
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.FailAt(k, syscall.EIO)
		err := edits(disk)
		if !disk.Failed() {
			return
		}
		if err == nil {
			t.Errorf("with an error at %d it writes on", k)
		}
	}
}

func TestAnErrorOfReadingDoesNotLetAWriterBuildOnWhatWasLost(t *testing.T) {
	replicatest.WithLooseEdits(t)
	start := turned(t, func(b []byte) []byte { return b[:3*44] })
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.FailAt(k, syscall.EIO)
		err := edits(disk)
		if !disk.Failed() {
			return
		}
		if err != nil {
			if err := edits(disk); err != nil {
				t.Errorf("after an error at %d: %v", k, err)
			}
		}
		const undigested = "prophet/digests: there is no entry: " // after an error of reading a record
		found := ""
		for line := range strings.Lines(problems(t, disk)) {
			if !strings.Contains(line, unlistedPart) {
				found += line
			}
		}
		if found != "" && (!strings.HasPrefix(found, undigested) || strings.Count(found, "\n") > 1) {
			t.Errorf("after an error at %d fsck says\n%s", k, found)
		}
	}
}
