package replica_test

import (
	"errors"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/parts"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// copyOver writes all files of one replica over those of another, as cp -a of a backup does.
func copyOver(t *testing.T, fsys, backup afero.Fs) {
	t.Helper()
	for name, b := range filesIn(t, backup) {
		if err := afero.WriteFile(fsys, name, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// foldedOnce is a replica of 20 rows in a part, and a backup of that.
func foldedOnce(t *testing.T) (now *crashfs.FS, r *replica.Replica, backup *crashfs.FS) {
	t.Helper()
	replicatest.OnFormat2(t)
	now = crashfs.New()
	r = replicatest.Init(t, now, counted(1<<20))
	grow(t, r, 20)
	gc(t, r)
	return now, r, now.Survivor(crashfs.Kill, 0)
}

// foldedAgain is a replica of 20 rows in a part, a backup of that, and what it is with five edits more in a part of their own, and two in another one.
func foldedAgain(t *testing.T) (backup, now *crashfs.FS) {
	t.Helper()
	now, r, backup := foldedOnce(t)
	for _, n := range []int{5, 2} {
		grow(t, r, n)
		gc(t, r)
	}
	if n := len(partsOf(t, now, "")); n != 3 {
		t.Fatalf("it has %d parts", n)
	}
	return backup, now
}

// left are the packs of the main log that lie there.
func left(t *testing.T, fsys afero.Fs) (n int) {
	t.Helper()
	for name := range filesIn(t, fsys) {
		if path.Dir(name) == parts.Dir && path.Ext(name) == parts.PackExt {
			n++
		}
	}
	return n
}

// TestABackupThatWasCopiedOverPartsLosesNothing copies a backup over a replica which has its edits since then in parts of their own: fsck names them, gc and unpack leave them, and a repair takes them up.
func TestABackupThatWasCopiedOverPartsLosesNothing(t *testing.T) {
	backup, now := foldedAgain(t)
	want, mirror := dumped(t, now), now.Survivor(crashfs.Kill, 0)
	copyOver(t, now, backup)
	found := problems(t, now)
	for _, says := range []string{"it has 5 changesets, made here in rows 21, 22, 23, 24, 25, that the log does not have: a backup was put back over it; ", "it has 2 changesets, made here in rows 26, 27, that the log does not have: a backup was"} {
		if !strings.Contains(found, says) || strings.Contains(found, "harmless") {
			t.Errorf("fsck says\n%s", found)
		}
	}
	kept := now.Survivor(crashfs.Kill, 0)
	gc(t, replicatest.Open(t, kept, counted(1<<20)))
	if left(t, kept) != 3 || problems(t, kept) != found {
		t.Errorf("after gc fsck says\n%s", problems(t, kept))
	}
	if err := replicatest.Open(t, kept, replica.Options{}).Unpack(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "made here") || left(t, kept) != 3 {
		t.Errorf("unpack: %v", err)
	}
	for what, others := range map[string][]afero.Fs{"alone": nil, "with a copy": {mirror}} {
		fsys := kept.Survivor(crashfs.Kill, 0)
		did := repairedFrom(t, fsys, others...)
		if found := problems(t, fsys); found != "" || dumped(t, fsys) != want {
			t.Errorf("%s: the repair says\n%sfsck says\n%s", what, did, found)
		}
		if again := repaired(t, fsys); again != "" {
			t.Errorf("%s: a second repair says\n%s", what, again)
		}
	}
}

// TestPacksOfAnotherLineStayAside has a replica go on after a backup was copied over it: what its packs have is of another line, and nothing removes it.
func TestPacksOfAnotherLineStayAside(t *testing.T) {
	for what, edits := range map[string]int{"the first pack": 2, "as many rows as the first pack has": 5} {
		backup, now := foldedAgain(t)
		copyOver(t, now, backup)
		r := replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"})
		grow(t, r, edits)
		want := dumped(t, now)
		for range 2 {
			if found := problems(t, now); strings.Count(found, "and the log went on, so that a repair cannot take it up") != 2 || strings.Contains(found, "harmless") {
				t.Errorf("%s: fsck says\n%s", what, found)
			}
			if did := repaired(t, now); did != "" || dumped(t, now) != want {
				t.Errorf("%s: a repair says\n%s", what, did)
			}
			gc(t, r)
		}
		if left(t, now) < 3 {
			t.Errorf("%s: gc removed what is nowhere else", what)
		}
	}
}

// TestLooseEditsOfAnotherLineKeepPacksOut has edits of before that lie loose tell that the packs behind them are of that line.
func TestLooseEditsOfAnotherLineKeepPacksOut(t *testing.T) {
	backup, now := foldedAgain(t)
	r := replicatest.Open(t, now, counted(1<<20))
	before, list := now.Survivor(crashfs.Kill, 0), partsOf(t, now, "")
	if err := r.Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	loose := filesIn(t, now)
	now = before
	copyOver(t, now, backup)
	grow(t, replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"}), 5)
	for _, name := range []string{list[1].PackFile(), list[1].TableFile()} {
		if err := now.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	without := now.Survivor(crashfs.Kill, 0)
	for name, b := range loose {
		if strings.HasPrefix(name, "cas/changesets/") {
			if err := errors.Join(now.MkdirAll(path.Dir(name), 0o700), afero.WriteFile(now, name, []byte(b), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := dumped(t, now)
	if repaired(t, now); dumped(t, now) != want {
		t.Error("rows of another line were taken up")
	}
	if repaired(t, without); dumped(t, without) == want {
		t.Error("without the loose edits nothing tells that they are of another line")
	}
}

// TestAMirrorOfAnotherLineKeepsPacksOut asks a copy that has another edit in a row that the log has: then the packs may be of its line, and stay.
func TestAMirrorOfAnotherLineKeepsPacksOut(t *testing.T) {
	backup, now := foldedAgain(t)
	list := partsOf(t, now, "")
	mirror := now.Survivor(crashfs.Kill, 0)
	copyOver(t, now, backup)
	grow(t, replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"}), 5)
	for _, name := range []string{list[1].PackFile(), list[1].TableFile()} {
		if err := now.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	want, alone := dumped(t, now), now.Survivor(crashfs.Kill, 0)
	if repairedFrom(t, now, mirror); dumped(t, now) != want || left(t, now) != 2 {
		t.Error("rows of another line were taken up, or are gone")
	}
	if repaired(t, alone); dumped(t, alone) == want {
		t.Error("nothing here tells that they are of another line, and nobody was asked")
	}
}

// pullTwo takes up two changesets of somebody else.
func pullTwo(t *testing.T, r *replica.Replica, bob uuid.UUID) {
	t.Helper()
	if err := tryPullTwo(t, r, bob); err != nil {
		t.Fatal(err)
	}
}

func tryPullTwo(t *testing.T, r *replica.Replica, bob uuid.UUID) error {
	return r.Update(t.Context(), func(tx *replica.Tx) error {
		for seq := range uint32(2) {
			if _, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: bob, Seq: seq + 1}, Created: "2026-03-03 03:03:03", Creator: changeset.Text("bob@example.com"),
				Changes: []changeset.Change{{Record: changeset.RecordID{Type: "Ticket", UUID: uuid.NewSHA1(bob, []byte{byte(seq)})}, Kind: changeset.Create, Parents: []changeset.ID{},
					Props: map[string]changeset.PropChange{"n": {New: changeset.Text("1")}}}}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestUnpackThatRefusesSetsNothingAside has a pack of others' changesets lie before one that has what was made here: unpack refuses, and has done nothing before.
func TestUnpackThatRefusesSetsNothingAside(t *testing.T) {
	now, r, backup := foldedOnce(t)
	grow(t, r, 5)
	gc(t, r)
	for n := range 100 { // the packs are looked at by their names, which follow from what they hold
		fsys, bob := now.Survivor(crashfs.Kill, 0), uuid.NewSHA1(uuid.Nil, []byte{byte(n)})
		r := replicatest.Open(t, fsys, counted(1<<20))
		pullTwo(t, r, bob)
		gc(t, r)
		list := partsOf(t, fsys, "")
		if len(list) != 3 || list[2].PackFile() > list[1].PackFile() {
			continue
		}
		copyOver(t, fsys, backup)
		before := filesIn(t, fsys)
		err := replicatest.Open(t, fsys, replica.Options{Warn: func(text string) { t.Errorf("it warns: %s", text) }}).Unpack(t.Context(), nil)
		if err == nil || !maps.Equal(filesIn(t, fsys), before) {
			t.Errorf("it has changed something: %v", err)
		}
		return
	}
	t.Error("in no order was others' pack the first")
}

// TestAPackWithSomethingOfOthersInARowOfTheLogStaysAside has a replica go on after a backup in a row in which a pack has what somebody else made: it is of another line, and fsck promises nothing.
func TestAPackWithSomethingOfOthersInARowOfTheLogStaysAside(t *testing.T) {
	now, r, backup := foldedOnce(t)
	pullTwo(t, r, uuid.NewSHA1(uuid.Nil, []byte("bob")))
	grow(t, r, 3)
	gc(t, r)
	copyOver(t, now, backup)
	grow(t, replicatest.Open(t, now, replica.Options{Creator: "ann@example.com"}), 1)
	want := dumped(t, now)
	for range 2 {
		if found := problems(t, now); !strings.Contains(found, "it has 5 changesets, of which those of rows 23, 24, 25 were made here, that the log does not have: a backup was put back over it, and the log went on") {
			t.Errorf("fsck says\n%s", found)
		}
		if did := repaired(t, now); did != "" || dumped(t, now) != want {
			t.Errorf("a repair says\n%s", did)
		}
	}
}

// TestWhatOthersMadeStaysInAPackThatNoListNames copies a backup over changesets of others in a part of their own: fsck names it as harmless, gc keeps it, and once they are known again, gc removes it.
func TestWhatOthersMadeStaysInAPackThatNoListNames(t *testing.T) {
	replicatest.OnFormat2(t)
	now, bob := crashfs.New(), uuid.New()
	r := replicatest.Init(t, now, counted(1<<20))
	grow(t, r, 20)
	gc(t, r)
	backup := now.Survivor(crashfs.Kill, 0)
	pull := func(r *replica.Replica) { pullTwo(t, r, bob) }
	pull(r)
	gc(t, r)
	copyOver(t, now, backup)
	grow(t, replicatest.Open(t, now, replica.Options{}), 1)
	for range 2 {
		if found := problems(t, now); !strings.Contains(found, "and it has 2 changesets that the log does not have: of a backup") || !strings.HasSuffix(found, "(harmless)\n") {
			t.Errorf("fsck says\n%s", found)
		}
		gc(t, replicatest.Open(t, now, replica.Options{}))
		repaired(t, now)
	}
	unpacked := now.Survivor(crashfs.Kill, 0)
	if err := replicatest.Open(t, unpacked, replica.Options{}).Unpack(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	aside := 0
	for name := range filesIn(t, unpacked) {
		if strings.HasPrefix(name, replica.SetAsideDir+"/") && path.Ext(name) == parts.PackExt {
			aside++
		}
	}
	if aside != 1 {
		t.Errorf("unpack sets %d packs aside", aside)
	}
	pull(replicatest.Open(t, now, replica.Options{}))
	gc(t, replicatest.Open(t, now, replica.Options{}))
	if found := problems(t, now); found != "" || left(t, now) != len(partsOf(t, now, "")) {
		t.Errorf("once they are known again fsck says\n%s", found)
	}
}

// TestNothingOfATransactionThatWasCutOffIsTakenUp cuts a transaction that writes a part off at each of its operations: what a repair makes of it is what a reader saw before, and no pack stays that no list names.
func TestNothingOfATransactionThatWasCutOffIsTakenUp(t *testing.T) {
	replicatest.WithParts(t)
	whole := crashfs.New()
	grow(t, replicatest.Init(t, whole, counted(0)), 3)
	for _, mode := range []crashfs.Mode{crashfs.Kill, crashfs.PowerCut} {
		for k, cut := 1, true; cut; k++ {
			fsys := whole.Survivor(crashfs.Kill, 0)
			fsys.CrashAt(k)
			r, err := replica.Open(fsys, counted(0))
			if err == nil {
				err = r.Update(t.Context(), func(tx *replica.Tx) error {
					_, err := tx.Edit(func(e *replica.Edit) error {
						_, err := e.Create("Ticket", map[string]string{"status": "cut off"})
						return err
					})
					return err
				})
			}
			cut = err != nil
			fsys = fsys.Survivor(mode, int64(k))
			if found := harmful(t, fsys); found != "" {
				t.Fatalf("%v at %d: fsck says\n%s", mode, k, found)
			}
			want := dumped(t, fsys)
			repaired(t, fsys)
			if dumped(t, fsys) != want || left(t, fsys) != len(partsOf(t, fsys, "")) {
				t.Fatalf("%v at %d: a repair makes %d packs of it, and\n%s", mode, k, left(t, fsys), dumped(t, fsys))
			}
		}
	}
}
