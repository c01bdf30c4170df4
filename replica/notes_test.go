package replica_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// noted makes a replica with four records, so with four notes and four local ids.
func noted(t *testing.T) (afero.Fs, changeset.RecordID) {
	t.Helper()
	fsys := directory(t)
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 4)
	recs := allRecords(t, r)
	for _, rec := range recs {
		if id, err := r.LocalID(rec); err != nil {
			t.Fatal(err)
		} else if id == 4 {
			return fsys, rec
		}
	}
	t.Fatal("no record has the local id 4")
	return nil, changeset.RecordID{}
}

// change rewrites a file.
func change(t *testing.T, fsys afero.Fs, name string, f func(b []byte) []byte) {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if err == nil {
		err = afero.WriteFile(fsys, name, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lastID rewrites the last local id that a row is noted with.
func lastID(row int, id uint32) func(b []byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint32(b[(row-1)*8:], id)
		return replica.Checked(b)
	}
}

// damagedNotes are damages of our own notes, each with what both reading and fsck say of it.
var damagedNotes = []struct {
	name, file string
	damage     func(b []byte) []byte
	want       string
}{
	{"more ids than there are", "prophet/rows", lastID(4, 0xffffffff), "prophet/ids is damaged: it holds 4 local ids, prophet/rows counts 4294967295"},
	{"ids that were cut off", "prophet/ids", func(b []byte) []byte { return b[:70] }, "prophet/ids is damaged: it holds 3 local ids, prophet/rows counts 4"},
	{"an id that goes back", "prophet/rows", lastID(3, 7), "prophet/rows is damaged: the last local id goes back from 7 to 4 at row 4"},
}

func TestDamagedNotesAreNoValueAndNoMemory(t *testing.T) {
	for _, tt := range damagedNotes {
		fsys, rec := noted(t)
		change(t, fsys, tt.file, tt.damage)
		r := replicatest.Open(t, fsys, replica.Options{})
		_, err := r.LocalID(rec)
		var damage *replica.DamageError
		if !errors.As(err, &damage) || !strings.HasPrefix(damage.Error(), tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if found := problems(t, fsys); !strings.Contains(found, strings.Replace(tt.want, " is damaged", "", 1)) {
			t.Errorf("%s: fsck says\n%s", tt.name, found)
		}
	}
}

func TestNotesAreMadeAnewAsTheMessageSays(t *testing.T) {
	for _, tt := range damagedNotes {
		fsys, rec := noted(t)
		change(t, fsys, tt.file, tt.damage)
		if found := problems(t, fsys); !strings.Contains(found, "\"prophet fsck --repair\" makes it again from the log") {
			t.Errorf("%s: no word of what to do:\n%s", tt.name, found)
		}
		if err := fsys.Remove("prophet/rows"); err != nil {
			t.Fatal(err)
		}
		r := replicatest.Open(t, fsys, replica.Options{})
		grow(t, r, 1)
		if id, err := r.LocalID(rec); err != nil || id != 4 {
			t.Errorf("%s: the local id is %d, %v", tt.name, id, err)
		}
		if found := problems(t, fsys); found != "" {
			t.Errorf("%s: fsck says\n%s", tt.name, found)
		}
	}
}

func TestDamagedNotesOnConflictsAreMadeAnew(t *testing.T) {
	fsys, _ := noted(t)
	if err := afero.WriteFile(fsys, "prophet/conflicts", []byte("junk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := problems(t, fsys); found != "prophet/conflicts: \"junk\" is not a line of it; \"prophet fsck --repair\" makes it again from the log\n" {
		t.Errorf("fsck says\n%s", found)
	}
	if err := fsys.Remove("prophet/rows"); err != nil {
		t.Fatal(err)
	}
	r := replicatest.Open(t, fsys, replica.Options{})
	grow(t, r, 1)
	if found := problems(t, fsys); found != "" {
		t.Errorf("after the next edit fsck says\n%s", found)
	}
}

// problems returns what fsck says, a line each.
func problems(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var b strings.Builder
	if err := replica.Check(t.Context(), afero.NewReadOnlyFs(fsys), replica.Options{Where: "/bugs", Sleep: replicatest.AtOnce}, func(p replica.Problem) {
		b.WriteString(p.Path + ": " + p.Text)
		if p.Harmless {
			b.WriteString(" (harmless)")
		}
		b.WriteString("\n")
	}, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLocalIDsThatWereCutAreMadeAgainWhenOneIsGiven(t *testing.T) {
	for _, cut := range []int{0, 20, 70} {
		fsys, rec := noted(t)
		change(t, fsys, "prophet/ids", func(b []byte) []byte { return b[:cut] })
		said := ""
		r, err := replica.Open(fsys, replica.Options{Warn: func(s string) { said = s }})
		if err != nil {
			t.Fatal(err)
		}
		grow(t, r, 2)
		if id, err := r.LocalID(rec); err != nil || id != 4 || !strings.Contains(said, "was made again") {
			t.Errorf("cut to %d bytes: the local id is %d, %v; said %q", cut, id, err, said)
		}
		if found := problems(t, fsys); found != "" {
			t.Errorf("cut to %d bytes: fsck says\n%s", cut, found)
		}
	}
}

// Zeros are what a disk leaves of a block that it lost. They read as notes of an older version, without checks: of rows that brought nothing.
func TestNotesOfZerosAreNoNotes(t *testing.T) {
	zeros := func(from, to int) func(b []byte) []byte {
		return func(b []byte) []byte { clear(b[from:to]); return b }
	}
	for _, tt := range []struct {
		name, file string
		damage     func(b []byte) []byte
	}{
		{"all of them", "prophet/rows", zeros(0, 32)},
		{"the last two", "prophet/rows", zeros(16, 32)},
		{"all but the beginning of one", "resolutions/prophet/rows", zeros(2, 8)},
	} {
		fsys, _, rec := rivals(t)
		r := replicatest.Open(t, fsys, replica.Options{})
		replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Take(rec, "1") })
		whole := readFile(t, fsys, tt.file)
		change(t, fsys, tt.file, tt.damage)
		if _, err := r.LocalIDs(); tt.file == "prophet/rows" && !strings.Contains(fmt.Sprint(err), "is nothing but zeros") {
			t.Errorf("%s: the local ids are read: %v", tt.name, err)
		}
		if found := problems(t, fsys); !strings.HasPrefix(found, tt.file+": ") || strings.Contains(found, "(harmless)") {
			t.Errorf("%s: fsck says\n%s", tt.name, found)
		}
		mend(t, fsys)
		if now := readFile(t, fsys, tt.file); now != whole {
			t.Errorf("%s: after a repair it holds %x, not %x", tt.name, now, whole)
		}
	}
}

// With the first identity, which says that they have them, the notes of an older version get their checks.
func TestNotesOfAnOlderVersionGetTheirChecks(t *testing.T) {
	for what, then := range map[string]func(fsys afero.Fs){
		"an edit":  func(fsys afero.Fs) { grow(t, replicatest.Open(t, fsys, replica.Options{}), 1) },
		"a repair": func(fsys afero.Fs) { mend(t, fsys) },
	} {
		fsys, rec := noted(t)
		whole := readFile(t, fsys, "prophet/rows")
		change(t, fsys, "prophet/rows", func(b []byte) []byte {
			for i := 4; i < len(b); i += 8 {
				b[i] &= 0x0f
			}
			return b
		})
		if err := fsys.Remove("prophet/identity"); err != nil {
			t.Fatal(err)
		}
		if id, err := replicatest.Open(t, fsys, replica.Options{}).LocalID(rec); err != nil || id != 4 {
			t.Errorf("the local id is %d, %v", id, err)
		}
		then(fsys)
		if now := readFile(t, fsys, "prophet/rows"); !strings.HasPrefix(now, whole) {
			t.Errorf("after %s the notes are %x, want %x", what, now, whole)
		}
		if found := problems(t, fsys); found != "" {
			t.Errorf("after %s fsck says\n%s", what, found)
		}
	}
}

// In a replica of an older version zeros are believed; but every record of which the log knows has a local id.
func TestARecordWithoutALocalIDIsNamed(t *testing.T) {
	fsys, rec := noted(t)
	change(t, fsys, "prophet/rows", func(b []byte) []byte { return make([]byte, len(b)) })
	if err := fsys.Remove("prophet/identity"); err != nil {
		t.Fatal(err)
	}
	if found := problems(t, fsys); !strings.Contains(found, "prophet/ids: "+rec.String()+" has no local id, though row 4 of the log touches it; \"prophet fsck --repair\" makes it again") {
		t.Errorf("fsck says\n%s", found)
	}
}

// mend repairs a replica without anybody to ask.
func mend(t *testing.T, fsys afero.Fs) {
	t.Helper()
	if err := replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{}); err != nil {
		t.Fatal(err)
	}
}
