package replica_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestARepairSaysOfADamagedPackWhatFsckSays has something beside a damaged pack tell that it is of another line: loose changesets, or a pack that is whole. fsck and the repair say the same of it, each time.
func TestARepairSaysOfADamagedPackWhatFsckSays(t *testing.T) {
	backup, before := foldedAgain(t)
	loose, list := before.Survivor(crashfs.Kill, 0), partsOf(t, before, "")
	if err := replicatest.Open(t, loose, counted(1<<20)).Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	damaged := list[2].PackFile()
	for what, tells := range map[string]func(now afero.Fs) error{
		"loose changesets": func(now afero.Fs) (err error) {
			for name, b := range filesIn(t, loose) {
				if strings.HasPrefix(name, "cas/changesets/") {
					err = errors.Join(err, now.MkdirAll(path.Dir(name), 0o700), afero.WriteFile(now, name, []byte(b), 0o600))
				}
			}
			return errors.Join(err, now.Remove(list[1].PackFile()), now.Remove(list[1].TableFile()))
		},
		"a whole pack": func(afero.Fs) error { return nil },
	} {
		now := before.Survivor(crashfs.Kill, 0)
		copyOver(t, now, backup)
		grow(t, replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"}), 5)
		if err := errors.Join(tells(now), afero.WriteFile(now, damaged, []byte(filesIn(t, now)[damaged]+"more"), 0o600)); err != nil {
			t.Fatal(err)
		}
		of := func(said string) string {
			for line := range strings.Lines(said) {
				if _, text, is := strings.Cut(line, damaged+": "); is {
					return text
				}
			}
			return ""
		}
		found, did := of(problems(t, now)), of(repaired(t, now))
		if after := of(problems(t, now)); !strings.Contains(found, "and the log went on") || did != found || after != found {
			t.Errorf("%s: fsck says\n%s, the repair\n%s, and fsck\n%s", what, found, did, after)
		}
	}
}
