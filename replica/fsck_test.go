package replica_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// add returns what appends bytes to a file.
func add(bytes string) func(b []byte) []byte {
	return func(b []byte) []byte { return append(b, bytes...) }
}

func TestFsckNamesEveryDamage(t *testing.T) {
	replicatest.OnFormat1(t)
	whole := func(size int, seq byte) string { return "\x00\x00\x00" + string(seq) + strings.Repeat("x", size-4) }
	for _, tt := range []struct {
		name, file string
		damage     func(b []byte) []byte
		want       string
	}{
		{"an id of a row that is not there", "prophet/ids", func(b []byte) []byte { b[3*20+16] = 9; return b },
			"prophet/ids: entry 4 names row 150994948; it was given with row 4; \"prophet fsck --repair\" makes it again from the log"},
		{"an id of another record", "prophet/ids", func(b []byte) []byte { copy(b[20:], "0123456789abcdef"); return b },
			"prophet/ids: entry 2: row 2 does not touch record 30313233-3435-3637-3839-616263646566; \"prophet fsck --repair\" makes it again"},
		{"another check", "prophet/rows", func(b []byte) []byte { b[4] ^= 64; return b }, "prophet/rows: what is noted of row 1 does not have the check that it bears; \"prophet fsck --repair\" makes it again"},
		{"no check", "prophet/rows", func(b []byte) []byte { b[3*8+4] &= 15; return b }, "prophet/rows: what is noted of row 4 bears no check: an older version wrote it, or it was damaged (harmless)"},
		{"a row noted as bookkeeping", "prophet/rows", func(b []byte) []byte { b[4] = 1; return replica.Checked(b) }, "is an ordinary changeset, but noted as a nullification"},
		{"part of a row of notes", "prophet/rows", add("xyz"), "prophet/rows: 3 bytes at its end are no rows of it, and no writer of ours left them\n"},
		{"notes beyond", "prophet/rows", add("12345678"), "prophet/rows: 8 bytes beyond the last committed row, of a writer that was cut off (harmless)\n"},
		{"part of a local id", "prophet/ids", add("xyz"), "prophet/ids: 3 bytes at its end are no rows of it"},
		{"local ids beyond", "prophet/ids", add(whole(20, 9)), "prophet/ids: 20 bytes beyond the last committed row, of a writer that was cut off (harmless)\n"},
		{"part of a version", "INDEX", add("xyz"), "INDEX: 3 bytes at its end are no rows of it"},
		{"a version beyond", "INDEX", add(whole(24, 9)), "INDEX: 24 bytes at its end are of changesets that the log does not have and will be listed once their numbers are given again, unless an edit of the record cuts them off before\n"},
		{"a row twice after one beyond", "INDEX", add(whole(24, 9) + whole(24, 4)), "INDEX: 48 bytes at its end are no rows of it"},
		{"fewer changesets counted", "latest-sequence-no", func([]byte) []byte { return []byte("3") },
			"latest-sequence-no: it counts 3 changesets, fewer than the log holds: changesets.idx has 1 more\n"},
		{"far more changesets counted", "latest-sequence-no", func([]byte) []byte { return []byte("4294967295") },
			"changesets.idx: it is 176 bytes long; latest-sequence-no says 4294967295, which takes 188978560980 bytes\n"},
		{"resolutions of another format", "resolutions/replica-version", add("2"), "resolutions/replica-version: it holds \"12\", want \"1\" or \"2\"\n"},
		{"resolutions of no database", "resolutions/database-uuid", func([]byte) []byte { return []byte("none") }, "resolutions/database-uuid: \"none\" is not a UUID\n"},
	} {
		fsys, rec := noted(t)
		index := changeset.RecordPath(rec)
		named := func(s string) string { return strings.ReplaceAll(s, "INDEX", index) }
		change(t, fsys, named(tt.file), tt.damage)
		if found := problems(t, fsys); !strings.Contains(found, named(tt.want)) {
			t.Errorf("%s: fsck says\n%s", tt.name, found)
		}
	}
}

func TestFsckNamesMissingSmallFiles(t *testing.T) {
	replicatest.OnFormat1(t)
	for name, do := range map[string]string{
		"database-uuid":                  "; prophet/identity says that it held HELD",
		"replica-uuid":                   "; prophet/identity says that it held HELD",
		"latest-sequence-no":             "; it says how many changesets there are, and changesets.idx has 4 rows",
		"resolutions/database-uuid":      "; prophet/identity says that it held HELD",
		"resolutions/replica-uuid":       "; prophet/identity says that it held HELD",
		"resolutions/latest-sequence-no": "; it says how many changesets there are, and resolutions/changesets.idx has 0 rows",
		"resolutions/replica-version":    "; it holds 1",
	} {
		fsys, _ := noted(t)
		held := readFile(t, fsys, name)
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
		if found, want := problems(t, fsys), name+": the file is missing"+strings.ReplaceAll(do, "HELD", held)+"\n"; found != want {
			t.Errorf("%s: fsck says\n%s", name, found)
		}
		var damage *replica.DamageError
		if _, err := replica.Open(fsys, replica.Options{}); name != "resolutions/replica-version" && (!errors.As(err, &damage) || damage.Path != name) {
			t.Errorf("%s: Open says %v", name, err)
		}
	}
}

func TestFsckSaysInWordsWhatARecordShows(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec := noted(t)
	other := changeset.EncodeRecord(map[string]string{"status": "lost", "more": "than there was"})
	object := changeset.ObjectPath(changeset.RecordObjects, cas.Sum(other))
	if err := fsys.MkdirAll(path.Dir(object), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(fsys, object, other, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		version func(b []byte) []byte
		want    []string
	}{
		{func(b []byte) []byte {
			return changeset.AppendVersion(nil, changeset.Version{Seq: 4, Key: cas.Sum(other)})
		},
			[]string{"as of row 4 REC shows status \"lost\", replaying the log leads to \"new\"\n", "REC shows more \"than there was\", replaying the log leads to none\n"}},
		{func(b []byte) []byte { return changeset.AppendVersion(nil, changeset.Version{Seq: 4}) },
			[]string{"as of row 4 REC is shown as deleted, replaying the log leads to a record that lives\n"}},
	} {
		change(t, fsys, changeset.RecordPath(rec), tt.version)
		found := problems(t, fsys)
		for _, want := range tt.want {
			if want = strings.ReplaceAll(want, "REC", rec.String()); !strings.Contains(found, want) {
				t.Errorf("fsck does not say\n%s but\n%s", want, found)
			}
		}
	}
}

func TestOneUUIDInTwoTypesIsTwoRecords(t *testing.T) {
	fsys, rec := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	note := changeset.RecordID{Type: "Note", UUID: rec.UUID}
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: r.Database(), Seq: 1}, Created: "2026-02-02 02:02:02",
			Changes: []changeset.Change{{Record: note, Kind: changeset.Create, Parents: []changeset.ID{}}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestACopyWhoseRecordsAreAllDeletedIsSound(t *testing.T) {
	replicatest.OnFormat1(t)
	fsys, _ := noted(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	recs := allRecords(t, r)
	export := func() {
		for _, dir := range []string{"records", "prophet", "local_metadata"} {
			if err := fsys.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	replicatest.Edit(t, r, func(e *replica.Edit) error {
		for _, rec := range recs {
			if err := e.Delete(rec); err != nil {
				return err
			}
		}
		return nil
	})
	export()
	if found := problems(t, fsys); found != "" {
		t.Errorf("fsck says\n%s", found)
	}

	fsys, rec := noted(t) // and one whose records live, but are not there
	export()
	if found, want := problems(t, fsys), changeset.RecordPath(rec)+": the file is missing, though row 4 of the log touches the record\n"; !strings.Contains(found, want) {
		t.Errorf("fsck says\n%s", found)
	}
}

func TestFsckBelievesTheJournalOfAWriterThatWasCutOff(t *testing.T) {
	fsys, _ := noted(t)
	body := "prophet journal 1\nlength 176 \"changesets.idx\"\nlength 32 \"prophet/rows\"\npoint \"latest-sequence-no\" \"4\" \"5\"\n"
	journal := fmt.Sprintf("%ssha256 %x\n", body, sha256.Sum256([]byte(body)))
	if err := afero.WriteFile(fsys, "prophet/journal", []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	change(t, fsys, "changesets.idx", func(b []byte) []byte {
		b = append(b, b[3*44:]...) // a whole row, for a changeset that is there
		b[4*44+3] = 5
		return b
	})
	change(t, fsys, "prophet/rows", add("xyz"))
	want := "changesets.idx: 44 bytes beyond the last committed row, of a writer that was cut off or is at work: latest-sequence-no says 4 (harmless)\n" +
		"prophet/rows: 3 bytes beyond the last committed row, of a writer that was cut off (harmless)\n"
	if found := problems(t, fsys); found != want {
		t.Errorf("fsck says\n%s", found)
	}
}
