package replica_test

import (
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
)

// TestADamagedEmptyListIsMade: a log has one before its first gc, and that of the resolutions often for ever. Whatever became of it, no part is missing.
func TestADamagedEmptyListIsMade(t *testing.T) {
	replicatest.OnFormat2(t)
	whole := crashfs.New()
	r := replicatest.Init(t, whole, counted(0))
	works(t, r, 5, 1)
	if err := anotherVote(t, r); err != nil {
		t.Fatal(err)
	}
	list := parts.List{{First: 1, Last: 1}}.Encode() // of another log
	empty := parts.List{}.Encode()
	damages := map[string]string{"emptied": "", "another": list, "longer": empty + "\n", "twice": empty + empty}
	for n := 0; n < len(empty); n += race.Every(2) {
		b := []byte(empty)
		b[n] ^= 1 << (n % 8)
		damages[fmt.Sprint("flipped at ", n)] = string(b)
		damages[fmt.Sprint("cut at ", n)] = empty[:n]
	}
	want := files(t, whole)
	for _, prefix := range []string{"", changeset.ResolutionsDir + "/"} {
		for name, text := range damages {
			fsys := whole.Survivor(crashfs.Kill, 0)
			if err := afero.WriteFile(fsys, prefix+parts.ListFile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if found := problems(t, fsys); found == "" {
				t.Errorf("%s%s %s: fsck finds nothing", prefix, parts.ListFile, name)
			}
			told := repairedParts(t, fsys)
			if found := problems(t, fsys); found != "" || files(t, fsys) != want {
				t.Errorf("%s%s %s: the repair says\n%sfsck says\n%s%s", prefix, parts.ListFile, name, told, found, otherLines(files(t, fsys), want))
			}
		}
	}
}
