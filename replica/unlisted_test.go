package replica_test

import (
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// removesNothing has gc and unpack fail with an error that says something, and holds that no file went.
func removesNothing(t *testing.T, what, says string, whole *crashfs.FS) {
	t.Helper()
	for name, run := range map[string]func(r *replica.Replica) error{
		"gc":     func(r *replica.Replica) error { _, err := r.GC(t.Context(), replica.GCOptions{}); return err },
		"unpack": func(r *replica.Replica) error { return r.Unpack(t.Context(), nil) },
	} {
		fsys := whole.Survivor(crashfs.Kill, 0)
		before := partFiles(t, fsys)
		r, err := replica.Open(fsys, counted(5))
		if err == nil {
			err = run(r)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %s: %v", what, name, err)
		}
		if after := partFiles(t, fsys); after != before {
			t.Errorf("%s: %s leaves\n%s\nof\n%s", what, name, after, before)
		}
	}
}

// partFiles are the files of parts of a replica.
func partFiles(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	for _, prefix := range []string{"", "resolutions/"} {
		files, err := afero.ReadDir(fsys, prefix+parts.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), "lock") {
				b.WriteString(prefix + f.Name() + "\n")
			}
		}
	}
	return b.String()
}

// TestAListThatLacksAPartIsDamage has a list that is missing, emptied, or an older one, beside packs that are whole.
func TestAListThatLacksAPartIsDamage(t *testing.T) {
	replicatest.WithParts(t)
	whole := directory(t).(*crashfs.FS)
	r := replicatest.Init(t, whole, counted(0))
	grow(t, r, 10)
	old, err := afero.ReadFile(whole, parts.ListFile)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, r, 5)
	for what, damage := range map[string]func(fsys afero.Fs) error{
		"missing": func(fsys afero.Fs) error { return fsys.Remove(parts.ListFile) },
		"emptied": func(fsys afero.Fs) error { return afero.WriteFile(fsys, parts.ListFile, nil, 0o666) },
		"without": func(fsys afero.Fs) error {
			return afero.WriteFile(fsys, parts.ListFile, []byte(parts.List{}.Encode()), 0o666)
		},
		"older": func(fsys afero.Fs) error { return afero.WriteFile(fsys, parts.ListFile, old, 0o666) },
	} {
		fsys := whole.Survivor(crashfs.Kill, 0)
		if err := damage(fsys); err != nil {
			t.Fatal(err)
		}
		says := parts.ListFile
		if what == "older" {
			says = parts.ListFile + " is damaged: it does not name " + partsOf(t, whole, "")[1].PackFile() + ", which has rows 11 to 15 of the log, and which nothing else has"
		}
		found := problems(t, fsys)
		if !strings.Contains(found, strings.Replace(says, " is damaged", "", 1)) {
			t.Errorf("%s: fsck says\n%s", what, found)
		}
		for line := range strings.Lines(found) {
			if !strings.HasPrefix(line, parts.ListFile) && !strings.HasSuffix(line, "(harmless)\n") {
				t.Errorf("%s: fsck says %s", what, line)
			}
		}
		if what == "missing" || what == "emptied" {
			_, err := replica.Open(fsys, replica.Options{})
			if err == nil || !strings.Contains(err.Error(), parts.ListFile+" is damaged") {
				t.Errorf("%s: %v", what, err)
			}
		}
		removesNothing(t, what, says, fsys)
	}
}

// TestWhatIsLostIsNotRemovedWhereAnUnnamedPackHasIt has a replica that lost a changeset get a pack that has it, but that no list names.
func TestWhatIsLostIsNotRemovedWhereAnUnnamedPackHasIt(t *testing.T) {
	replicatest.OnFormat2(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(1<<20))
	grow(t, r, 9)
	packed := fsys.Survivor(crashfs.Kill, 0)
	gc(t, replicatest.Open(t, packed, counted(1<<20)))
	row, err := r.Log().Row(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := fsys.Remove("cas/changesets/" + objectPath(row)); err != nil {
		t.Fatal(err)
	}
	mend(t, fsys)
	ref := partsOf(t, packed, "")[0]
	for _, name := range []string{ref.PackFile(), ref.TableFile()} {
		b, err := afero.ReadFile(packed, name)
		if err == nil {
			err = afero.WriteFile(fsys, name, b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	says := "it does not name " + ref.PackFile() + ", which has row 4 of the log, and which nothing else has"
	if found := problems(t, fsys); !strings.Contains(found, says) {
		t.Errorf("fsck says\n%s", found)
	}
	fails := fsys.Survivor(crashfs.Kill, 0)
	if _, err := replicatest.Open(t, fails, counted(5)).GC(t.Context(), replica.GCOptions{}); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("gc: %v", err)
	}
	if there, _ := afero.Exists(fails, ref.PackFile()); !there {
		t.Error("gc removed the pack")
	}
	if err := replicatest.Open(t, fsys, counted(5)).Unpack(t.Context(), nil); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("unpack: %v", err)
	}
}

// TestSupersededPartsStayBesideADamagedOne has a gc cut off before it removed the parts that it merged, and the merged one damaged since.
func TestSupersededPartsStayBesideADamagedOne(t *testing.T) {
	replicatest.WithParts(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(0))
	grow(t, r, 3)
	grow(t, r, 3)
	before := fsys.Survivor(crashfs.Kill, 0)
	gc(t, r)
	for _, ref := range partsOf(t, before, "") {
		for _, name := range []string{ref.PackFile(), ref.TableFile()} {
			b, err := afero.ReadFile(before, name)
			if err == nil {
				err = afero.WriteFile(fsys, name, b, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	merged := partsOf(t, fsys, "")[0]
	change(t, fsys, merged.PackFile(), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	removesNothing(t, "damaged", merged.PackFile(), fsys)
	change(t, fsys, merged.PackFile(), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	if report := gc(t, replicatest.Open(t, fsys, counted(0))); report.Removed != 4 {
		t.Errorf("once it is whole again: %+v", report)
	}
}
