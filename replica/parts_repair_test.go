package replica_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/durable"
	"prophet/internal/parts"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// files are the bytes of all files of a replica, but for what was set aside, and temporary ones.
func files(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	if err := afero.Walk(fsys, ".", func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.Contains(name, "set-aside") && !durable.IsTemp(name) {
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
	return repairedFrom(t, fsys)
}

// repairedFrom is repairedParts with others to ask.
func repairedFrom(t *testing.T, fsys afero.Fs, others ...afero.Fs) string {
	t.Helper()
	var told strings.Builder
	err := replica.Repair(t.Context(), fsys, replica.Options{Where: "here"}, replica.RepairOptions{
		Sources: func(context.Context) (list []*replica.Replica) {
			for _, other := range others {
				list = append(list, replicatest.Open(t, other, replica.Options{Where: "copy"}))
			}
			return list
		},
		Report: func(m replica.Mended) { fmt.Fprintf(&told, "%s: %s: %s\n", m.Path, m.Outcome, m.Text) }})
	if err != nil {
		t.Fatal(err)
	}
	return told.String()
}

func TestARepairSeesWhatPartsHold(t *testing.T) {
	replicatest.OnFormat2(t)
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(5)), 30, 2)
	sound := whole.Survivor(crashfs.Kill, 0)
	before := files(t, sound)
	if told := repairedParts(t, sound); told != "" || files(t, sound) != before {
		t.Errorf("a repair of a sound replica says\n%s", told)
	}
	healed := 0
	for i, rec := range allRecords(t, replicatest.Open(t, whole, replica.Options{})) {
		if i%race.Every(3) != 0 {
			continue
		}
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
	if healed < max(1, 9/race.Every(3)) {
		t.Errorf("%d indexes were damaged", healed)
	}
}

// damagesOfAFile are what can happen to a file of parts; other is one with which it is swapped.
func damagesOfAFile(name, other string) map[string]func(t *testing.T, fsys afero.Fs) {
	edit := func(f func(b []byte) []byte) func(*testing.T, afero.Fs) {
		return func(t *testing.T, fsys afero.Fs) { change(t, fsys, name, f) }
	}
	return map[string]func(*testing.T, afero.Fs){
		"missing":   func(t *testing.T, fsys afero.Fs) { _ = fsys.Remove(name) },
		"emptied":   edit(func([]byte) []byte { return nil }),
		"truncated": edit(func(b []byte) []byte { return b[:len(b)/2] }),
		"flipped":   edit(func(b []byte) []byte { b[len(b)/2] ^= 4; return b }),
		"junk":      edit(func(b []byte) []byte { return append(b, "junk"...) }),
		"zeros":     edit(func(b []byte) []byte { clear(b[len(b)/2:]); return b }),
		"swapped": func(t *testing.T, fsys afero.Fs) {
			a, err := afero.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := afero.ReadFile(fsys, other)
			if err != nil {
				t.Fatal(err)
			}
			change(t, fsys, name, func([]byte) []byte { return b })
			change(t, fsys, other, func([]byte) []byte { return a })
		},
	}
}

// TestARepairHealsPartsFromACopy damages each file of the parts of a replica of which there is a copy: afterwards all is the same bytes.
func TestARepairHealsPartsFromACopy(t *testing.T) {
	replicatest.WithParts(t)
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(0)), 30, 1)
	gc(t, replicatest.Open(t, whole, counted(0)))
	works(t, replicatest.Open(t, whole, counted(0)), 5, 9)
	copied := whole.Survivor(crashfs.Kill, 0)
	want := files(t, whole)
	list, n := partsOf(t, whole, ""), 0
	for _, name := range []string{parts.ListFile, list[0].PackFile(), list[0].TableFile(), list[1].PackFile(), list[len(list)-1].TableFile()} {
		other := list[2].PackFile()
		if name == parts.ListFile {
			other = "resolutions/" + parts.ListFile
		}
		for what, damage := range damagesOfAFile(name, other) {
			if n++; n%race.Step != 0 {
				continue
			}
			fsys := whole.Survivor(crashfs.Kill, 0)
			damage(t, fsys)
			told := repairedFrom(t, fsys, copied)
			if files(t, fsys) != want || problems(t, fsys) != "" {
				t.Errorf("%s %s: the repair says\n%sfsck says\n%s", name, what, told, problems(t, fsys))
			}
		}
	}
}

// inFrames makes a replica of a part of several frames, and one behind it.
func inFrames(t *testing.T) *crashfs.FS {
	t.Helper()
	replicatest.OnFormat2(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(1<<20))
	var recs []changeset.RecordID
	for i := range 12 {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			rec, err := e.Create("Ticket", map[string]string{"n": fmt.Sprint(i), "text": long(i)})
			recs = append(recs, rec)
			return err
		})
	}
	for i, rec := range recs {
		replicatest.Edit(t, r, func(e *replica.Edit) error {
			return e.Update(rec, map[string]string{"n": fmt.Sprint(i, " again"), "more": long(i + 100)})
		})
	}
	gc(t, r)
	for i, rec := range recs {
		if i%3 > 0 {
			replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(rec, map[string]string{"n": fmt.Sprint(i, " at last")}) })
		}
	}
	gc(t, r)
	return fsys
}

// long is a text of 20 KB that does not compress well.
func long(seed int) string {
	var b strings.Builder
	sum := sha1.Sum([]byte{byte(seed)})
	for b.Len() < 20_000 {
		sum = sha1.Sum(sum[:])
		fmt.Fprintf(&b, "%x", sum)
	}
	return b.String()
}

// TestWithoutOthersARepairLosesOnlyWhatAPackLost has nobody to ask: what follows from packs is the same bytes again; of a damaged pack the frames that are whole are kept, the rest is listed as lost, and comes
// back from a copy.
func TestWithoutOthersARepairLosesOnlyWhatAPackLost(t *testing.T) {
	whole := inFrames(t)
	copied := whole.Survivor(crashfs.Kill, 0)
	want, shows := files(t, whole), dumped(t, whole)
	list := partsOf(t, whole, "")
	if len(list) != 2 {
		t.Fatalf("parts %v", list)
	}
	n := 0
	for _, name := range []string{parts.ListFile, list[0].PackFile(), list[0].TableFile(), list[1].PackFile(), list[1].TableFile()} {
		other := list[0].PackFile()
		if name == other {
			other = list[1].TableFile()
		}
		damages := damagesOfAFile(name, other)
		for _, what := range slices.Sorted(maps.Keys(damages)) {
			if n++; n%race.Every(3) != 0 { // each file, and each damage
				continue
			}
			fsys := whole.Survivor(crashfs.Kill, 0)
			damages[what](t, fsys)
			told := repairedFrom(t, fsys)
			lost := strings.Count(told, ": lost: ")
			if n := strings.Count(told, name+": "); n > 1 {
				t.Errorf("%s %s: told %d times:\n%s", name, what, n, told)
			}
			if lost == 0 && files(t, fsys) == want && problems(t, fsys) == "" {
				continue // healed
			}
			if !strings.HasSuffix(name, parts.PackExt) || what == "swapped" || what == "junk" {
				t.Errorf("%s %s: the repair says\n%s", name, what, told)
				continue
			}
			rows := int(list[0].Last)
			if name == list[1].PackFile() {
				rows = int(list[1].Last - list[1].First + 1)
			}
			if lost > rows || name == list[0].PackFile() && what == "flipped" && lost > rows/3 {
				t.Errorf("%s %s: %d lost of %d:\n%s", name, what, lost, rows, told)
			}
			found := problems(t, fsys)
			if bad := harmful(t, fsys); strings.Count(bad, " is lost") != lost || strings.Count(bad, "\n") != lost+strings.Count(bad, " wait, ")+strings.Count(bad, " waits, ") {
				t.Errorf("%s %s: fsck says\n%s after\n%s", name, what, found, told)
			}
			after := files(t, fsys)
			if again := repairedFrom(t, fsys); files(t, fsys) != after {
				t.Errorf("%s %s: a second repair says\n%s", name, what, again)
			}
			works(t, replicatest.Open(t, fsys.Survivor(crashfs.Kill, 0), counted(5)), 3, 4)
			told = repairedFrom(t, fsys, copied)
			if got := dumped(t, fsys); got != shows || harmful(t, fsys) != "" {
				t.Errorf("%s %s: from a copy the repair says\n%sfsck says\n%s", name, what, told, problems(t, fsys))
			}
			gc(t, replicatest.Open(t, fsys, counted(0)))
			loose := slices.DeleteFunc(looseFiles(t, fsys), func(name string) bool { return strings.HasPrefix(name, "cas/records/") }) // versions that the loss had led to
			if dumped(t, fsys) != shows || allVersions(t, fsys) != allVersions(t, whole) || len(loose) > 0 {
				t.Errorf("%s %s: after gc it shows something else, or %q are loose", name, what, loose)
			}
		}
	}
}

// harmful is what a check finds that is not harmless.
func harmful(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(problems(t, fsys)) {
		if !strings.HasSuffix(line, "(harmless)\n") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestARepairOfPartsThatIsCutOffIsBegunAgain kills repairs of parts at their operations: what the next one makes is the same bytes.
func TestARepairOfPartsThatIsCutOffIsBegunAgain(t *testing.T) {
	replicatest.WithParts(t)
	whole := crashfs.New()
	works(t, replicatest.Init(t, whole, counted(0)), 4, 1)
	copied, want := whole.Survivor(crashfs.Kill, 0), files(t, whole)
	list := partsOf(t, whole, "")
	crashes := 0
	for _, name := range []string{parts.ListFile, list[1].PackFile(), list[1].TableFile()} {
		damaged := whole.Survivor(crashfs.Kill, 0)
		damagesOfAFile(name, "")["flipped"](t, damaged)
		for k := 1; ; k += race.Every(5) {
			fsys := damaged.Survivor(crashfs.Kill, 0)
			fsys.CrashAt(k)
			err := replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica {
				return []*replica.Replica{replicatest.Open(t, copied, replica.Options{})}
			}})
			for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
				survivor := fsys.Survivor(mode, int64(k))
				told := repairedFrom(t, survivor, copied)
				if files(t, survivor) != want || harmful(t, survivor) != "" {
					t.Fatalf("%s, %s at %d: the next repair says\n%sfsck says\n%s%s", name, mode, k, told, harmful(t, survivor), otherLines(files(t, survivor), want))
				}
			}
			if err == nil {
				break
			}
			crashes++
		}
	}
	if crashes < 60/race.Every(5) {
		t.Errorf("%d crashes", crashes)
	}
}

// otherLines are the lines that are not in both texts.
func otherLines(a, b string) (lines string) {
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		for line := range strings.Lines(pair[0]) {
			if !strings.Contains(pair[1], line) {
				lines += line
			}
		}
	}
	return lines
}

// TestWhatLiesInThePlaceOfADissolvedPartIsSetAside: junk where a changeset of the part, or the index of a record that it has, comes to lie.
func TestWhatLiesInThePlaceOfADissolvedPartIsSetAside(t *testing.T) {
	replicatest.WithParts(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(0))
	works(t, r, 5, 1)
	row, err := r.Log().Row(1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Log().Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{changeset.ObjectPath(changeset.ChangesetObjects, row.Key), changeset.RecordPath(c.Changes[0].Record)}
	for _, name := range names {
		if err := errors.Join(fsys.MkdirAll(path.Dir(name), 0o777), afero.WriteFile(fsys, name, []byte("junk"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	change(t, fsys, partsOf(t, fsys, "")[0].PackFile(), func(b []byte) []byte { return b[:len(b)-1] })
	told := repairedParts(t, fsys)
	for _, name := range names {
		if aside, err := afero.ReadFile(fsys, replica.SetAsideDir+"/"+name); string(aside) != "junk" {
			t.Errorf("%s: what was set aside is %q, %v; the repair says\n%s", name, aside, err, told)
		}
	}
}

// A backup's parts may be put back over those of now. Packs that were merged or made since have rows that its list does not name.
func TestPartsOfABackupCostNoRowsThatLaterPacksHave(t *testing.T) {
	replicatest.OnFormat1(t)
	parts.DefaultFormat = replica.FormatParts
	for _, tt := range []struct {
		packed, backup int    // how many rows a part has, and the backup's
		now            int    // how many parts there are at last
		stay           uint32 // packed when that is repaired: what a merged pack has goes on in it
	}{{3, 3, 1, 6}, {4, 5, 2, 5}} {
		now, loose := crashfs.New(), map[int]*crashfs.FS{}
		r := replicatest.Init(t, now, counted(0))
		for row := range 6 {
			grow(t, r, 1)
			loose[row+1] = now.Survivor(crashfs.Kill, 0)
		}
		want := dumped(t, now)
		pack := func(rows int) *crashfs.FS {
			fsys := loose[rows].Survivor(crashfs.Kill, 0)
			if _, err := replicatest.Open(t, fsys, replica.Options{}).GC(t.Context(), replica.GCOptions{}); err != nil {
				t.Fatal(err)
			}
			return fsys
		}
		putPartsOf(t, loose[6], pack(tt.packed))
		fsys := pack(6)
		if list := partsOf(t, fsys, ""); len(list) != tt.now {
			t.Fatalf("%+v: there are parts %v", tt, list)
		}
		putPartsOf(t, fsys, pack(tt.backup))
		if harmful(t, fsys) == "" {
			t.Errorf("%+v: fsck says\n%s", tt, problems(t, fsys))
		}
		did := repairedParts(t, fsys)
		if found := harmful(t, fsys); found != "" || strings.Contains(did, "lost") || dumped(t, fsys) != want {
			t.Errorf("%+v: the repair says\n%sfsck says\n%s", tt, did, found)
		}
		if list := partsOf(t, fsys, ""); list[len(list)-1].Last != tt.stay {
			t.Errorf("%+v: of the parts %v are left", tt, list)
		}
		if again := repairedParts(t, fsys); again != "" {
			t.Errorf("%+v: a second repair says\n%s", tt, again)
		}
	}
}

// putPartsOf copies the parts of another replica over those that are there.
func putPartsOf(t *testing.T, fsys, other afero.Fs) {
	t.Helper()
	for name := range filesIn(t, other) {
		if strings.HasPrefix(name, parts.Dir+"/") {
			putBackFrom(t, fsys, other, name)
		}
	}
}
