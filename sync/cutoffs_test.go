package sync_test

import (
	"iter"
	"testing"

	"prophet/internal/crashfs"
	psync "prophet/sync"
)

// cutOffs does something on a copy of the disk again and again, killed at its first change, its second, and so on, and yields what each leaves, until it
// comes to its end, as it must.
func cutOffs(t *testing.T, disk *crashfs.FS, do func(disk *crashfs.FS) error) iter.Seq2[int, *crashfs.FS] {
	return func(yield func(k int, left *crashfs.FS) bool) {
		t.Helper()
		for k := 1; ; k++ {
			cut := disk.Survivor(crashfs.Kill, 0)
			cut.CrashAt(k)
			err := do(cut)
			if !cut.Failed() {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !yield(k, cut.Survivor(crashfs.Kill, 0)) {
				return
			}
		}
	}
}

// pull pulls from the scene's peer into a disk.
func (s *scene) pull(t *testing.T) func(disk *crashfs.FS) error {
	return func(disk *crashfs.FS) error {
		_, err := psync.Pull(t.Context(), open(t, disk), s.peer, psync.Options{})
		return err
	}
}
