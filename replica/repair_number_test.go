package replica_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/fixture"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// repaired repairs a replica with nobody to ask, and returns what was done, a line each.
func repaired(t *testing.T, fsys afero.Fs) (did string) {
	t.Helper()
	err := replica.Repair(t.Context(), fsys, replica.Options{}, replica.RepairOptions{Report: func(m replica.Mended) { did += string(m.Outcome) + " " + m.Path + ": " + m.Text + "\n" }})
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// In a replica that only the original wrote to nothing counts rows but the number, the index, and what stands in them.
func TestANumberOfTheOriginalsIsFoundByWhatIsThere(t *testing.T) {
	for _, tt := range []struct{ file, says, want string }{
		{"latest-sequence-no", "2", "11"},
		{"latest-sequence-no", "1111", "11"},
		{"latest-sequence-no", "4294967295", "11"},
		{"latest-sequence-no", "junk", "11"},
		{"latest-sequence-no", "10", "10"}, // a program that died may have left it
		{"resolutions/latest-sequence-no", "33", "3"},
		{"resolutions/latest-sequence-no", "1", "3"},
	} {
		root := afero.NewMemMapFs()
		fixture.Unpack(t, root, "", "three-laptops")
		fsys := afero.NewBasePathFs(root, "alice")
		index := filepath.Join(filepath.Dir(tt.file), changeset.IndexFile)
		was, err := afero.ReadFile(fsys, index)
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, tt.file, func([]byte) []byte { return []byte(tt.says) })
		did := repaired(t, fsys)
		number, _ := afero.ReadFile(fsys, tt.file)
		rows, _ := afero.ReadFile(fsys, index)
		if strings.TrimSpace(string(number)) != tt.want || string(rows) != string(was) || (tt.says == tt.want) != strings.Contains(did, "left "+tt.file) {
			t.Errorf("%s said %s, says %s, with %d bytes of rows, were %d: %s", tt.file, tt.says, number, len(rows), len(was), did)
		}
	}
}

func TestAListThatIsAHoleHasNoRows(t *testing.T) {
	dir := t.TempDir()
	fsys := afero.NewBasePathFs(afero.NewOsFs(), dir)
	grow(t, replicatest.Init(t, fsys, replica.Options{}), 2)
	for name, text := range map[string]string{replica.RepresentationsFile: "", replica.LatestRepresentationFile: "4294967295"} {
		if err := afero.WriteFile(fsys, name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, replica.RepresentationsFile), 4<<20); err != nil {
		t.Fatal(err)
	}
	did := repaired(t, fsys)
	list, err := afero.ReadFile(fsys, replica.RepresentationsFile)
	if number, _ := afero.ReadFile(fsys, replica.LatestRepresentationFile); string(number) != "0" || len(list) > 0 || err != nil {
		t.Errorf("the list says %s, and has %d bytes, %v: %s", number, len(list), err, did)
	}
	if again := repaired(t, fsys); again != "" {
		t.Errorf("a second repair did %s", again)
	}
}

// Two that tell of more rows than a repair can make do not tell nothing.
func TestANumberThatIsTooGreatIsLeftAndSaidToBe(t *testing.T) {
	replicatest.OnFormat1(t)
	const many = 50_000_000
	fsys := afero.NewMemMapFs()
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 3)
	change(t, fsys, changeset.LatestFile, func([]byte) []byte { return []byte("50000000") })
	change(t, fsys, changeset.RecordPath(allRecords(t, r)[0]), func(b []byte) []byte {
		v, err := changeset.ParseVersion(b[len(b)-changeset.VersionSize:])
		if err != nil {
			t.Fatal(err)
		}
		v.Seq = many
		return changeset.AppendVersion(b[:len(b)-changeset.VersionSize], v)
	})
	for _, name := range []string{"prophet/rows", replica.DigestsFile} {
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	want := "left " + changeset.LatestFile + ": something tells of row 50000000, more than a repair can make again; else the log has 3 rows\n"
	if did := repaired(t, fsys); !strings.Contains(did, want) || strings.Contains(did, "nothing tells") {
		t.Errorf("the repair says\n%s", did)
	}
}
