package replica_test

import (
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// What a writer that was killed had not named yet is named by a check, and a repair takes it away. Files of others stay, whatever their names.
func TestWhatKilledWritersLeftIsNamedAndTakenAway(t *testing.T) {
	replicatest.WithLooseEdits(t) // those of parts are left to gc
	start := crashfs.New()
	grow(t, replicatest.Init(t, start, replica.Options{}), 2)
	left := 0
	for k := 1; ; k++ {
		disk := start.Survivor(crashfs.Kill, 0)
		disk.CrashAt(k)
		_, err := replicatest.Open(t, disk, replica.Options{}).Edit(t.Context(), func(e *replica.Edit) error {
			_, err := e.Create("Ticket", nil)
			return err
		})
		if err == nil {
			break
		}
		fsys := disk.Survivor(crashfs.Kill, 0)
		temps := 0
		for name := range filesIn(t, fsys) {
			if strings.Contains(name, ".tmp") {
				temps++
			}
		}
		for _, name := range []string{".mine.tmp1", "userdata/.mine.tmp1"} {
			err := fsys.MkdirAll(path.Dir(name), 0o700)
			if err == nil {
				err = afero.WriteFile(fsys, name, nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		left += temps
		if found := problems(t, fsys); strings.Count(found, "a writer that was killed left it, or is at work on it: no part of the data; a repair takes it away (harmless)\n") != temps {
			t.Errorf("at %d: %d are there, fsck says\n%s", k, temps, found)
		}
		repaired(t, fsys)
		for name := range filesIn(t, fsys) {
			if strings.Contains(name, ".tmp") && !strings.HasPrefix(name, replica.SetAsideDir) && !strings.HasSuffix(name, ".mine.tmp1") {
				t.Errorf("at %d: %s is left", k, name)
			}
		}
		sound(t, fsys)
	}
	if left == 0 {
		t.Error("nothing is ever left")
	}
}

// TestAMarkThatAKilledWriterLeftIsNamedAndTakenAway: the original has files of its own beside the marks.
func TestAMarkThatAKilledWriterLeftIsNamedAndTakenAway(t *testing.T) {
	fsys := crashfs.New()
	grow(t, replicatest.Init(t, fsys, replica.Options{}), 1)
	const mark, theirs = "local_metadata/.last-changeset-from-10b1e589-83c2-4e27-917c-42dae1b8cf11.tmp0", "local_metadata/.theirs.tmp0"
	if err := fsys.MkdirAll(path.Dir(mark), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{mark, theirs} {
		if err := afero.WriteFile(fsys, name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found := problems(t, fsys); !strings.Contains(found, mark) || strings.Contains(found, theirs) {
		t.Errorf("fsck says\n%s", found)
	}
	repaired(t, fsys)
	for name, want := range map[string]bool{mark: false, theirs: true} {
		if is, err := afero.Exists(fsys, name); is != want || err != nil {
			t.Errorf("%s is there: %v, %v", name, is, err)
		}
	}
}
