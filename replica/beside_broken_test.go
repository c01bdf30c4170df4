package replica_test

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// growWide makes edits of which hardly two fit in a frame of a pack.
func growWide(t *testing.T, r *replica.Replica, n int) {
	t.Helper()
	draw := rand.New(rand.NewPCG(uint64(n), 1))
	inOne(t, r, n, func(_ int, e *replica.Edit) error {
		var text strings.Builder
		for text.Len() < 40<<10 {
			fmt.Fprintf(&text, "%x", draw.Uint64())
		}
		_, err := e.Create("Ticket", map[string]string{"summary": text.String()})
		return err
	})
}

// broken are the ways in which a pack may be damaged.
var broken = map[string]func(b string) string{
	"whole":               func(b string) string { return b },
	"cut to three fourth": func(b string) string { return b[:len(b)*3/4] },
	"cut by a byte":       func(b string) string { return b[:len(b)-1] },
	"cut in its head":     func(b string) string { return b[:5] },
	"empty":               func(string) string { return "" },
	"a bit flipped":       func(b string) string { return flipAt(b, len(b)/2) },
	"its last flipped":    func(b string) string { return flipAt(b, len(b)-1) },
	"its head flipped":    func(b string) string { return flipAt(b, 9) },
	"longer":              func(b string) string { return b + "and more" },
}

func flipAt(b string, i int) string { return b[:i] + string([]byte{b[i] ^ 1}) + b[i+1:] }

// TestNothingOfADamagedPackThatNoListNamesIsLostUnsaid copies a backup over packs of later edits, of which one is damaged: what fsck says that a repair takes up it does, each edit comes into the log or lies in a pack that is named
// each time, and who has all brings all.
func TestNothingOfADamagedPackThatNoListNamesIsLostUnsaid(t *testing.T) {
	now, r, backup := foldedOnce(t)
	growWide(t, r, 8)
	gc(t, r)
	apart := now.Survivor(crashfs.Kill, 0)
	grow(t, r, 2)
	gc(t, r)
	merged := backup.Survivor(crashfs.Kill, 0)
	all := replicatest.Open(t, merged, counted(1<<20))
	growWide(t, all, 4)
	grow(t, all, 40)
	gc(t, all)
	if len(partsOf(t, now, "")) != 3 || len(partsOf(t, merged, "")) != 1 {
		t.Fatalf("%d and %d parts", len(partsOf(t, now, "")), len(partsOf(t, merged, "")))
	}
	n := 0
	for scene, on := range map[string]struct {
		fsys *crashfs.FS
		of   int // of its parts
	}{"the last pack": {apart, 1}, "the pack before the last": {now, 1}, "a small one": {now, 2}, "one that has the rows of the list": {merged, 0}} {
		mirror, want, part := on.fsys.Survivor(crashfs.Kill, 0), dumped(t, on.fsys), partsOf(t, on.fsys, "")[on.of]
		for how, damage := range broken {
			for _, tabled := range []bool{true, false} {
				if n++; n%race.Every(4) != 0 {
					continue
				}
				what := fmt.Sprintf("%s, %s, with its table %t", scene, how, tabled)
				fsys := on.fsys.Survivor(crashfs.Kill, 0)
				copyOver(t, fsys, backup)
				if !tabled {
					if err := fsys.Remove(part.TableFile()); err != nil {
						t.Fatal(err)
					}
				}
				pack := filesIn(t, fsys)[part.PackFile()]
				if err := afero.WriteFile(fsys, part.PackFile(), []byte(damage(pack)), 0o600); err != nil {
					t.Fatal(err)
				}
				found := problems(t, fsys)
				if !strings.Contains(found, part.PackFile()) || harmful(t, fsys) == "" {
					t.Errorf("%s: fsck says\n%s", what, found)
				}
				before := replicatest.Open(t, fsys, replica.Options{}).Latest()
				asked := fsys.Survivor(crashfs.Kill, 0)
				gced := fsys.Survivor(crashfs.Kill, 0)
				gc(t, replicatest.Open(t, gced, replica.Options{}))
				if err := replicatest.Open(t, gced, replica.Options{}).Unpack(t.Context(), nil); err == nil || !strings.Contains(filesIn(t, gced)[part.PackFile()], damage(pack)) {
					t.Errorf("%s: gc or unpack removed it: %v", what, err)
				}
				did := repaired(t, fsys)
				if rows := replicatest.Open(t, fsys, replica.Options{}).Latest(); strings.Contains(found, "takes up") != (rows > before) {
					t.Errorf("%s: fsck says\n%sthe repair goes from %d to %d rows:\n%s", what, found, before, rows, did)
				}
				lost := dumped(t, fsys) != want
				if again := repaired(t, fsys); lost && !strings.Contains(again, "left prophet/parts/") || !lost && tabled && again != "" {
					t.Errorf("%s: the repair says\n%sa second one\n%s", what, did, again)
				}
				if after := harmful(t, fsys); lost && (after == "" || filesIn(t, fsys)[part.PackFile()] != damage(pack)) || !lost && tabled && after != "" {
					t.Errorf("%s: the repair says\n%sfsck\n%s", what, did, after)
				}
				did = repairedFrom(t, asked, mirror)
				if dumped(t, asked) != want || tabled && harmful(t, asked) != "" {
					t.Errorf("%s: with a copy the repair says\n%sfsck\n%s", what, did, problems(t, asked))
				}
				for name := range filesIn(t, fsys) {
					if path.Dir(name) == parts.Dir && strings.Contains(name, "new") {
						t.Errorf("%s: %s stays", what, name)
					}
				}
			}
		}
	}
}

// TestWhatFollowsADamagedPackOfAnotherLineStaysAside has a replica go on after a backup for as many rows as a pack of one frame has, which is damaged: its table tells that the log has others there, so that the pack behind it is no
// continuation of them.
func TestWhatFollowsADamagedPackOfAnotherLineStaysAside(t *testing.T) {
	backup, now := foldedAgain(t)
	pack := partsOf(t, now, "")[1].PackFile()
	copyOver(t, now, backup)
	grow(t, replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"}), 5)
	want := dumped(t, now)
	for how, damage := range broken {
		fsys := now.Survivor(crashfs.Kill, 0)
		if err := afero.WriteFile(fsys, pack, []byte(damage(filesIn(t, fsys)[pack])), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if found := problems(t, fsys); strings.Contains(found, "takes up") || strings.Count(found, "and the log went on") != 2 || strings.Contains(found, "harmless") {
				t.Errorf("%s: fsck says\n%s", how, found)
			}
			if did := repaired(t, fsys); dumped(t, fsys) != want || left(t, fsys) != 3 {
				t.Errorf("%s: the repair says\n%s", how, did)
			}
		}
	}
}
