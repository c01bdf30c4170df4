package replica_test

import (
	"errors"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// renewed is a replica of 20 rows in a part, with as many former UUIDs, a backup of that, and what it is with another UUID after it, five edits under that, and one of bob's.
func renewed(t *testing.T, before int) (backup, now *crashfs.FS) {
	t.Helper()
	replicatest.OnFormat2(t)
	now = crashfs.New()
	r := replicatest.Init(t, now, counted(1<<20))
	renew := func() {
		if err := r.Reidentify(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	grow(t, r, 10)
	for range before {
		renew()
	}
	grow(t, r, 10)
	gc(t, r)
	backup = now.Survivor(crashfs.Kill, 0)
	renew()
	grow(t, r, 3)
	pullTwo(t, r, uuid.NewSHA1(uuid.Nil, []byte("bob")))
	grow(t, r, 2)
	gc(t, r)
	return backup, now
}

// shown is what a dump has of a replica, but for who it is.
func shown(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^"(replica_uuid|former_uuids|last_changeset_from)":.*$`).ReplaceAllString(dumped(t, fsys), "")
}

// leaveOld leaves what row 21 was named before, as a move does.
func leaveOld(t *testing.T, fsys afero.Fs, origin uuid.UUID) {
	t.Helper()
	l := replicatest.Open(t, fsys, replica.Options{}).Log()
	row, err := l.Row(21)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Changeset(row)
	if err != nil {
		t.Fatal(err)
	}
	old := *c
	old.ID.Origin = origin
	name := changeset.ObjectPath(changeset.ChangesetObjects, cas.Sum(old.Encode()))
	if err := errors.Join(fsys.MkdirAll(path.Dir(name), 0o700), afero.WriteFile(fsys, name, old.Encode(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestWhatWasMadeUnderALaterUUIDIsTakenUp copies a backup over a replica that got another UUID since: what it made under that is its own, as its list of former UUIDs, or the mark of the one that the backup brought back, says.
func TestWhatWasMadeUnderALaterUUIDIsTakenUp(t *testing.T) {
	for before := range 2 { // with one, the list is the backup's
		backup, now := renewed(t, before)
		want, later := shown(t, now), replicatest.Open(t, now, replica.Options{}).UUID().String()
		was := replicatest.Open(t, backup, replica.Options{}).UUID()
		leaveOld(t, now, was)
		copyOver(t, now, backup)
		if found := problems(t, now); !strings.Contains(found, "it has 7 changesets, of which those of rows 21, 22, 23, 26, 27 were made here, that the log does not have: a backup was put back over it; ") {
			t.Errorf("%d before: fsck says\n%s", before, found)
		}
		without, edited := now.Survivor(crashfs.Kill, 0), now.Survivor(crashfs.Kill, 0)
		if err := replicatest.Open(t, without, replica.Options{}).Unpack(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "made here") {
			t.Errorf("%d before: unpack: %v", before, err)
		}
		did := repaired(t, now)
		if found := problems(t, now); found != "" || shown(t, now) != want {
			t.Errorf("%d before: the repair says\n%sfsck says\n%s", before, did, found)
		}
		if again := repaired(t, now); again != "" {
			t.Errorf("%d before: a second repair says\n%s", before, again)
		}
		grow(t, replicatest.Open(t, now, replica.Options{}), 1)
		if found := problems(t, now); found != "" {
			t.Errorf("%d before: after an edit fsck says\n%s", before, found)
		}

		grow(t, replicatest.Open(t, edited, replica.Options{Creator: "ann@example.com"}), 1)
		line := dumped(t, edited)
		for range 2 {
			if found := problems(t, edited); !strings.Contains(found, "rows 21, 22, 23, 26, 27 were made here, that the log does not have: a backup was put back over it, and the log went on") {
				t.Errorf("%d before: after an edit fsck says\n%s", before, found)
			}
			if did := repaired(t, edited); dumped(t, edited) != line {
				t.Errorf("%d before: after an edit a repair says\n%s", before, did)
			}
		}

		noted := without.Survivor(crashfs.Kill, 0)
		for name := range filesIn(t, without) {
			if path.Base(name) == "former-uuids" || path.Base(name) == "last-changeset-from-"+was.String() {
				if err := without.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := errors.Join(noted.MkdirAll("prophet/peers", 0o700), afero.WriteFile(noted, "prophet/peers/"+later, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		for what, fsys := range map[string]afero.Fs{"without a witness": without, "where it is a peer's": noted} {
			if found := problems(t, fsys); !strings.Contains(found, "it has 7 changesets that the log does not have: of a backup") {
				t.Errorf("%d before: %s fsck says\n%s", before, what, found)
			}
		}
	}
}
