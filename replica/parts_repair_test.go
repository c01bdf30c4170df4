package replica_test

import (
	"crypto/sha1"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// files are the bytes of all files of a replica.
func files(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	if err := afero.Walk(fsys, ".", func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.Contains(name, "set-aside") {
			var text []byte
			text, err = afero.ReadFile(fsys, name)
			fmt.Fprintf(&b, "%s %x\n", name, sha1.Sum(text))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// repairedParts repairs a replica, and returns what was told.
func repairedParts(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var told strings.Builder
	err := replica.Repair(t.Context(), fsys, replica.Options{Where: "here"}, replica.RepairOptions{
		Report: func(m replica.Mended) { fmt.Fprintf(&told, "%s: %s: %s\n", m.Path, m.Outcome, m.Text) }})
	if err != nil {
		t.Fatal(err)
	}
	return told.String()
}

func TestARepairSeesWhatPartsHold(t *testing.T) {
	replicatest.OnFormat1(t)
	parts.DefaultFormat = replica.FormatParts
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(5)), 30, 2)
	sound := whole.Survivor(crashfs.Kill, 0)
	before := files(t, sound)
	if told := repairedParts(t, sound); told != "" || files(t, sound) != before {
		t.Errorf("a repair of a sound replica says\n%s", told)
	}
	healed := 0
	for _, rec := range allRecords(t, replicatest.Open(t, whole, replica.Options{})) {
		index := changeset.RecordPath(rec)
		if there, _ := afero.Exists(whole, index); !there {
			continue
		}
		fsys := whole.Survivor(crashfs.Kill, 0)
		change(t, fsys, index, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		want := dumped(t, whole)
		told := repairedParts(t, fsys)
		if found := problems(t, fsys); found != "" || dumped(t, fsys) != want || !strings.Contains(told, index+": rebuilt") {
			t.Errorf("%s: the repair says\n%sfsck says\n%s", index, told, found)
		}
		healed++
	}
	if healed < 3 {
		t.Errorf("%d indexes were damaged", healed)
	}
}

func TestARepairLeavesADamagedPartAlone(t *testing.T) {
	replicatest.WithParts(t)
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(0)), 3, 1)
	ref := partsOf(t, whole, "")[1]
	for _, name := range []string{ref.PackFile(), ref.TableFile(), parts.ListFile} {
		fsys := whole.Survivor(crashfs.Kill, 0)
		change(t, fsys, name, func(b []byte) []byte { b[40] ^= 4; return b })
		before := files(t, fsys)
		told := repairedParts(t, fsys)
		if !strings.HasPrefix(told, name+": left: ") || strings.Count(told, "\n") != 1 || files(t, fsys) != before {
			t.Errorf("%s: the repair says\n%s", name, told)
		}
	}
}
