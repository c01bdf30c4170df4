package damage_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/replica"
	psync "prophet/sync"
)

// copyFiles gives a replica the files of another one below some paths, in the place of its own.
func copyFiles(t *testing.T, from, to afero.Fs, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := to.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range contents(t, from) {
		if slices.ContainsFunc(paths, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") }) {
			write(t, to, name, []byte(text))
		}
	}
}

// TestFilesOfAnotherReplicaAreNotItsIdentity: files of Carol's got into Ann's replica. The log and its marks tell that she is not Carol: a check says so, an edit is refused, and a repair gives her her own UUID again.
func TestFilesOfAnotherReplicaAreNotItsIdentity(t *testing.T) {
	whole := damage.New(t)
	ann, votes := changeset.ReplicaUUIDFile, "resolutions/"+changeset.ReplicaUUIDFile
	for _, tt := range []struct {
		names string
		files []string
	}{
		{replica.IdentityFile, []string{"prophet"}},
		{replica.IdentityFile, []string{"prophet", "resolutions/prophet"}},
		{ann, []string{replica.IdentityFile, ann}},
		{ann, []string{replica.IdentityFile, ann, votes}},
		{ann, []string{"prophet", ann, votes}},
	} {
		s := whole.Copy()
		copyFiles(t, s.Peer, s.Replica, tt.files...)
		if list := problems(t, s.Replica); !slices.ContainsFunc(list, func(text string) bool {
			return strings.HasPrefix(text, tt.names) && strings.Contains(text, "another replica")
		}) {
			t.Errorf("%v: check says %v", tt.files, list)
		}
		if err := update(open(t, s.Replica, damage.AnnAt), s.Records.Quiet, "status", "by whom?"); err == nil || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("%v: edit: %v", tt.files, err)
		}
		mended, err := repair(s, true)
		if err != nil {
			t.Errorf("%v: %v", tt.files, err)
		}
		if is, was := open(t, s.Replica, damage.AnnAt).UUID(), open(t, whole.Replica, damage.AnnAt).UUID(); is != was {
			t.Errorf("%v: Ann is %s, and was %s: %v", tt.files, is, was, mended)
		}
		if list := problems(t, s.Replica); len(list) > 0 {
			t.Errorf("%v: %v", tt.files, list)
		}
		if err := goOn(s, false, false); err != nil {
			t.Errorf("%v: %v", tt.files, err)
		}
	}
}

// TestWhatNothingTellsApartIsLeft: nothing was made yet in a clone. With the notes of another one nobody can tell which of the two it is; with a file of that alone its own identity tells.
func TestWhatNothingTellsApartIsLeft(t *testing.T) {
	w := newWitnesses(t)
	clone := func(seed uint64) *crashfs.FS {
		fsys, opts := crashfs.New(), damage.AnnOptions(seed)
		if _, _, err := psync.Clone(ctx, fsys, open(t, w.ann, damage.AnnAt), opts, psync.Options{}); err != nil {
			t.Fatal(err)
		}
		return fsys
	}
	bob, carol := clone(31), clone(32)
	for _, tt := range []struct {
		files []string
		left  bool
	}{
		{[]string{"prophet"}, true},
		{[]string{changeset.ReplicaUUIDFile}, false},
		{[]string{"resolutions/" + changeset.ReplicaUUIDFile}, false},
	} {
		disk := bob.Survivor(crashfs.Kill, 0)
		copyFiles(t, carol, disk, tt.files...)
		left := false
		err := replica.Repair(ctx, disk, damage.AnnOptions(33), replica.RepairOptions{Report: func(m replica.Mended) {
			left = left || strings.HasSuffix(m.Path, changeset.ReplicaUUIDFile) && m.Outcome == replica.IsLeft
		}})
		was, is := contents(t, bob), contents(t, disk)
		for _, name := range []string{changeset.ReplicaUUIDFile, "resolutions/" + changeset.ReplicaUUIDFile} {
			if err != nil || left != tt.left || is[name] != was[name] {
				t.Errorf("%v: %v, left %v; %s holds %s, and held %s", tt.files, err, left, name, is[name], was[name])
			}
		}
	}
}

// TestTheUUIDOfAPeerIsNotTakenForALostOne: nothing was made yet in a clone. Its UUID is lost, and its identity is that of another replica: of whom it was cloned from, of a peer without edits, or of somebody it never met.
// A repair gives it none of their UUIDs, says so, and names none to write; nor does a check.
func TestTheUUIDOfAPeerIsNotTakenForALostOne(t *testing.T) {
	w := newWitnesses(t)
	clone := func(seed uint64) *crashfs.FS {
		fsys, opts := crashfs.New(), damage.AnnOptions(seed)
		if _, _, err := psync.Clone(ctx, fsys, open(t, w.ann, damage.AnnAt), opts, psync.Options{}); err != nil {
			t.Fatal(err)
		}
		return fsys
	}
	bob, carol, dave := clone(31), clone(32), clone(33)
	if _, err := psync.Pull(ctx, open(t, bob, "/bob"), open(t, carol, "/carol"), psync.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]afero.Fs{"Ann": w.ann, "Carol": carol, "Dave": dave} {
		for _, lost := range []string{changeset.ReplicaUUIDFile, "resolutions/" + changeset.ReplicaUUIDFile} {
			disk := bob.Survivor(crashfs.Kill, 0)
			copyFiles(t, from, disk, replica.IdentityFile)
			remove(t, disk, lost)
			its := strings.TrimSpace(contents(t, from)[lost])
			found, err := checked(t, disk)
			if err != nil || !slices.ContainsFunc(found, func(p replica.Problem) bool { return p.Path == lost && !strings.Contains(p.Text, "held "+its) }) {
				t.Errorf("%s, without %s: a check says %v, %v", name, lost, found, err)
			}
			said := ""
			err = replica.Repair(ctx, disk, damage.AnnOptions(34), replica.RepairOptions{Report: func(m replica.Mended) {
				if m.Path == lost && m.Outcome == replica.IsLeft {
					said += m.Text
				}
			}})
			was, is := contents(t, bob), contents(t, disk)
			for _, file := range []string{changeset.ReplicaUUIDFile, "resolutions/" + changeset.ReplicaUUIDFile} {
				if is[file] != was[file] && (file != lost || is[file] != "") {
					t.Errorf("%s, without %s: %s holds %q, and held %q", name, lost, file, is[file], was[file])
				}
			}
			if err != nil || !strings.Contains(said, "another replica") || !strings.Contains(said, "any new UUID serves") || strings.Contains(said, "it was "+its) {
				t.Errorf("%s, without %s: %v, it says %s", name, lost, err, said)
			}
		}
	}
}

// TestAFormerUUIDIsConfirmedByTheLog: the identity, which has the checksums, is damaged, and so is a list of former UUIDs. What the log and its marks tell is found again; what nothing tells is named, and not believed silently.
func TestAFormerUUIDIsConfirmedByTheLog(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for _, file := range []string{"prophet/former-uuids", "resolutions/prophet/former-uuids"} {
		for _, tt := range []struct {
			name   string
			damage func(b []byte) []byte
			heals  bool
		}{
			{"not damaged", bytes.Clone, true},
			{"one bit", func(b []byte) []byte { b[3] ^= 1; return b }, true},
			{"one bit, and no UUID any more", func(b []byte) []byte { b[0] ^= 0x40; return b }, true},
			{"another UUID", func(b []byte) []byte { copy(b, "01234567"); return b }, false},
		} {
			s := whole.Copy()
			text := tt.damage([]byte(want[file]))
			for name, b := range map[string][]byte{file: text, replica.IdentityFile: []byte("junk")} {
				write(t, s.Replica, name, b)
			}
			if found := problems(t, s.Replica); (len(found) > 0) == (string(text) == want[file]) {
				t.Errorf("%s, %s: check says %v", file, tt.name, found)
			}
			mended, err := repair(s, true)
			if err != nil {
				t.Errorf("%s, %s: %v", file, tt.name, err)
			}
			left := slices.ContainsFunc(mended, func(m replica.Mended) bool { return m.Path == file && m.Outcome == replica.IsLeft })
			if got := contents(t, s.Replica)[file]; (got == want[file]) != tt.heals || left == tt.heals {
				t.Errorf("%s, %s: it holds %q, and held %q: %v", file, tt.name, got, want[file], mended)
			}
		}
	}
}

// TestMarksOfAnotherReplicaGiveTheVotesNoOtherUUID: marks of Carol's votes got among those of Ann's, or all that Carol has of them. The identity, which Ann's log bears out, says whose they are: what is in
// order can be edited, and a repair, with a mirror or without, keeps the UUID, and puts it back.
func TestMarksOfAnotherReplicaGiveTheVotesNoOtherUUID(t *testing.T) {
	whole := damage.New(t)
	ann := open(t, whole.Replica, damage.AnnAt)
	if err := ann.Reidentify(ctx); err != nil { // and so she has no vote in her present name
		t.Fatal(err)
	}
	if err := update(ann, whole.Records.Quiet, "owner", "another Ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := psync.Pull(ctx, open(t, whole.Peer, damage.CarolAt), ann, psync.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := psync.Publish(ctx, ann, whole.Mirror, psync.PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	uuids := contents(t, whole.Replica)
	own := "resolutions/local_metadata/last-changeset-from-" + strings.TrimSpace(uuids["resolutions/"+changeset.ReplicaUUIDFile])
	for _, tt := range []struct {
		files  string
		sound  bool // for those who write
		others bool // who has the votes is needed
	}{
		{own, true, false},
		{"resolutions/local_metadata", true, false},
		{"resolutions", false, true},
	} {
		for _, with := range []bool{true, tt.others} {
			s := whole.Copy()
			copyFiles(t, s.Peer, s.Replica, tt.files)
			if _, marked := contents(t, s.Replica)[own]; !marked {
				t.Fatalf("%s: Carol has no mark of Ann's votes", tt.files)
			}
			if found := problems(t, s.Replica); (len(found) == 0) != tt.sound {
				t.Errorf("%s: check says %v", tt.files, found)
			}
			if tt.sound {
				if err := goOn(s.Copy(), false, false); err != nil {
					t.Errorf("%s: %v", tt.files, err)
				}
			}
			mended, err := repair(s, with)
			if err != nil {
				t.Errorf("%s: %v", tt.files, err)
			}
			is := contents(t, s.Replica)
			for _, name := range []string{changeset.ReplicaUUIDFile, "resolutions/" + changeset.ReplicaUUIDFile} {
				if is[name] != uuids[name] {
					t.Errorf("%s, others %v: %s holds %s, and held %s: %v", tt.files, with, name, is[name], uuids[name], mended)
				}
			}
			if list := problems(t, s.Replica); len(list) > 0 {
				t.Errorf("%s, others %v: check says %v after %v", tt.files, with, list, mended)
			}
		}
	}
}

// TestWordsOfARepairAgree: of what is left a repair says what was found, and why that is not believed; and nothing is named by a check, with what to write, that a repair leaves.
func TestWordsOfARepairAgree(t *testing.T) {
	whole := damage.New(t)
	ann := strings.TrimSpace(contents(t, whole.Replica)[changeset.ReplicaUUIDFile])
	former, _, _ := strings.Cut(contents(t, whole.Replica)["resolutions/prophet/former-uuids"], " ")
	for _, tt := range []struct {
		name string
		hurt func(fsys afero.Fs)
		file string
		says string // that it is left; "": it is repaired
	}{
		{"an empty mark of its own", func(fsys afero.Fs) { write(t, fsys, "local_metadata/last-changeset-from-"+ann, nil) },
			"local_metadata/last-changeset-from-" + ann, ""},
		{"a former UUID without a mark", func(fsys afero.Fs) { remove(t, fsys, "resolutions/local_metadata/last-changeset-from-"+former) },
			"resolutions/local_metadata/last-changeset-from-" + former, ""},
		{"the identity of another one", func(fsys afero.Fs) {
			copyFiles(t, whole.Peer, fsys, replica.IdentityFile)
			remove(t, fsys, changeset.DatabaseUUIDFile)
		}, changeset.DatabaseUUIDFile, "the file is missing, and it cannot be told for sure which UUID it was; prophet/identity, which says " + whole.Database.String() +
			", is that of another replica; every replica of the database has the same: copy it from one"},
		{"a number that is none", func(fsys afero.Fs) {
			for _, name := range []string{"prophet", "records", "cas"} {
				if err := fsys.RemoveAll(name); err != nil {
					t.Fatal(err)
				}
			}
			write(t, fsys, changeset.LatestFile, []byte("junk"))
		}, changeset.LatestFile, ""},
	} {
		disk := whole.Replica.Survivor(crashfs.Kill, 0)
		tt.hurt(disk)
		said := ""
		err := replica.Repair(ctx, disk, damage.AnnOptions(33), replica.RepairOptions{Report: func(m replica.Mended) {
			if m.Path == tt.file && m.Outcome == replica.IsLeft {
				said += m.Text
			}
		}})
		if err != nil || said != tt.says {
			t.Errorf("%s: %v, it says %s", tt.name, err, said)
		}
		found, err := checked(t, disk)
		if slices.ContainsFunc(found, func(p replica.Problem) bool { return p.Path == tt.file }) == (tt.says == "") || err != nil {
			t.Errorf("%s: a check says %v, %v", tt.name, found, err)
		}
	}
}
