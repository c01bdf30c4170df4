package replica_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/internal/replicatest"
	"prophet/replica"
)

// notByUs takes away what earlier versions did not write: the identity.
func notByUs(t *testing.T, fsys afero.Fs) {
	t.Helper()
	if err := fsys.Remove(replica.IdentityFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, fsys afero.Fs, name string) string {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func createNote(t *testing.T, r *replica.Replica) error {
	t.Helper()
	_, err := r.Edit(t.Context(), func(e *replica.Edit) error {
		_, err := e.Create("Note", map[string]string{"text": "one more"})
		return err
	})
	return err
}

func TestIdentityNamesTheUUIDs(t *testing.T) {
	replicatest.OnFormat1(t)
	fsys, _ := noted(t)
	want := ""
	for _, name := range []string{"database-uuid", "replica-uuid", "resolutions/database-uuid", "resolutions/replica-uuid"} {
		want += name + " " + readFile(t, fsys, name) + "\n"
	}
	made := readFile(t, fsys, replica.IdentityFile)
	if got, sum, _ := strings.Cut(made, "crc32c "); got != want || len(sum) != 9 {
		t.Errorf("the identity is\n%s, want\n%s", made, want)
	}

	notByUs(t, fsys) // as an earlier version leaves it
	if err := createNote(t, replicatest.Open(t, fsys, replica.Options{})); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, fsys, replica.IdentityFile); got != made {
		t.Errorf("the first edit wrote\n%s, want\n%s", got, made)
	}
}

func TestAWriterRefusesAReplicaWhoseUUIDChanged(t *testing.T) {
	for _, name := range []string{"database-uuid", "replica-uuid", "resolutions/database-uuid", "resolutions/replica-uuid"} {
		fsys, _ := noted(t)
		change(t, fsys, name, func([]byte) []byte { return []byte(uuid.UUID{9}.String()) })
		before := readFile(t, fsys, "changesets.idx")
		err := createNote(t, replicatest.Open(t, fsys, replica.Options{}))
		var damage *replica.DamageError
		if !errors.As(err, &damage) || damage.Path != name || !strings.Contains(err.Error(), "prophet fsck --repair") {
			t.Errorf("%s: got %v", name, err)
		}
		if readFile(t, fsys, "changesets.idx") != before {
			t.Errorf("%s: something was logged", name)
		}
		if found := problems(t, fsys); !strings.Contains(found, name+": it holds 09000000-") {
			t.Errorf("%s: fsck says\n%s", name, found)
		}
	}
}

func TestADamagedIdentityIsWrittenAnew(t *testing.T) {
	fsys, _ := noted(t)
	made := readFile(t, fsys, replica.IdentityFile)
	for bit := 0; bit < 8*len(made); bit += 41 {
		b := []byte(made)
		b[bit/8] ^= 1 << (bit % 8)
		if err := afero.WriteFile(fsys, replica.IdentityFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if found := problems(t, fsys); !strings.HasPrefix(found, "prophet/identity: it does not have the checksum that it bears") {
			t.Fatalf("bit %d: fsck says\n%s", bit, found)
		}
	}
	var warned []string
	r := replicatest.Open(t, fsys, replica.Options{Warn: func(s string) { warned = append(warned, s) }})
	if err := createNote(t, r); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 1 || !strings.HasPrefix(warned[0], "prophet/identity is damaged") {
		t.Errorf("warned %q", warned)
	}
	if got := readFile(t, fsys, replica.IdentityFile); got != made {
		t.Errorf("it holds\n%s, want\n%s", got, made)
	}
}

func TestANewUUIDComesWithANewIdentity(t *testing.T) {
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	if err := r.Reidentify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := createNote(t, r); err != nil {
		t.Fatal(err)
	}
	id := readFile(t, fsys, replica.IdentityFile)
	for _, line := range []string{"\nreplica-uuid " + r.UUID().String(), "\nprophet/former-uuids ", "\nresolutions/prophet/former-uuids "} {
		if !strings.Contains(id, line) {
			t.Errorf("the identity has no line %q:\n%s", line, id)
		}
	}
	replicatest.Faultless(t, fsys, "with a new UUID")
	change(t, fsys, "prophet/former-uuids", func(b []byte) []byte { return bytes.Replace(b, []byte("4"), []byte("5"), 1) })
	if found := problems(t, fsys); !strings.Contains(found, "prophet/former-uuids: it does not have the checksum that prophet/identity has of it") {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestWithoutAnIdentityFsckSaysWhatAMissingUUIDMayHaveBeen(t *testing.T) {
	fsys, _ := noted(t)
	notByUs(t, fsys)
	own := readFile(t, fsys, "replica-uuid")
	for name, do := range map[string]string{
		"database-uuid":             "every replica of the database has the same: copy it from one",
		"replica-uuid":              "row 4 of changesets.idx seems to be the replica's own, then it was " + own,
		"resolutions/database-uuid": "every replica of the database has the same: copy it from one",
		"resolutions/replica-uuid":  "nothing was made here, so that any new UUID serves",
	} {
		text := readFile(t, fsys, name)
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
		if found, want := problems(t, fsys), name+": the file is missing; "+do+"\n"; found != want {
			t.Errorf("%s: fsck says\n%s", name, found)
		}
		if err := afero.WriteFile(fsys, name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
