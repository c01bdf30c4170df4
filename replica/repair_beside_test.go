package replica_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// TestAWholePackGoesBeforeWhatADamagedOneHas copies a backup over a replica whose last pack is cut short, and lies whole where a repair puts what it sets aside: that one is taken up, and no pack is written of what is
// before the damage.
func TestAWholePackGoesBeforeWhatADamagedOneHas(t *testing.T) {
	now, r, backup := foldedOnce(t)
	growWide(t, r, 8)
	gc(t, r)
	want := dumped(t, now)
	pack := partsOf(t, now, "")[1].PackFile()
	whole := filesIn(t, now)[pack]
	copyOver(t, now, backup)
	aside := path.Join(replica.SetAsideDir, parts.Dir, "x"+parts.PackExt)
	if err := errors.Join(afero.WriteFile(now, pack, []byte(whole[:len(whole)*3/4]), 0o600), now.MkdirAll(path.Dir(aside), 0o700), afero.WriteFile(now, aside, []byte(whole), 0o600)); err != nil {
		t.Fatal(err)
	}
	did := repaired(t, now)
	if found := problems(t, now); found != "" || dumped(t, now) != want || left(t, now) != 2 || strings.Contains(did, "before the damage") {
		t.Errorf("the repair says\n%sand %d packs are there; fsck says\n%s", did, left(t, now), found)
	}
	if again := repaired(t, now); again != "" {
		t.Errorf("a second repair says\n%s", again)
	}
}

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
