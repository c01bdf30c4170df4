package replica_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// strewn makes a replica of three tickets on a real disk, with files below records/ that do not belong there. Each is named with what fsck says of it.
func strewn(t *testing.T) (fsys afero.Fs, recs []changeset.RecordID, said map[string]string) {
	t.Helper()
	fsys = afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())
	r := replicatest.Init(t, fsys, replica.Options{})
	grow(t, r, 3)
	recs = allRecords(t, r)
	index, err := afero.ReadFile(fsys, changeset.RecordPath(recs[0]))
	if err != nil {
		t.Fatal(err)
	}
	const stray = "a stray file: it is not where the index of a record is (harmless)"
	const blocks = "a file where a directory must be: no record can be made below it"
	id := recs[0].UUID.String()
	said = map[string]string{
		"records/README.md": "a stray file: no record of a type of that name can be made before it is moved (harmless)", "records/no type": stray, "records/Ticket/xx": stray, "records/Ticket/a/xx": stray, "records/Ticket/a/1/note.txt": stray,
		"records/Ticket/b/" + id: stray, "records/Ticket/c/2/" + strings.ToUpper(id): stray,
		"records/Ticket/e/3/" + "00" + id[2:]: stray, "records/Note/d": blocks, "records/Note/f/4": blocks,
	}
	for name := range said {
		if err := fsys.MkdirAll(path.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := afero.WriteFile(fsys, name, index, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fsys, recs, said
}

func TestStrayFilesBesideRecordsAreNoRecords(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, recs, _ := strewn(t)
	r := replicatest.Open(t, fsys, replica.Options{})
	if got := allRecords(t, r); !slices.Equal(got, recs) {
		t.Errorf("got %v, want %v", got, recs)
	}
	if types, err := r.Log().Types(); err != nil || !slices.Equal(types, []string{"Note", "Ticket"}) {
		t.Errorf("the types are %v, %v", types, err)
	}
	n := 0
	for _, err := range r.All("") {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != len(recs) {
		t.Errorf("%d records are listed, want %d", n, len(recs))
	}
	if rec, err := r.Find("de123456"); !errors.Is(err, replica.ErrNoRecord) { // a file stands where its directory would be
		t.Errorf("de123456 finds %v, %v", rec, err)
	}
	for _, rec := range recs {
		for _, name := range []string{rec.UUID.String(), rec.UUID.String()[:8], strings.ToUpper(rec.UUID.String())} {
			if got, err := r.Find(name); err != nil || got != rec {
				t.Errorf("%s finds %v, %v", name, got, err)
			}
		}
	}
}

func TestFsckNamesStrayFilesBesideRecords(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, _, said := strewn(t)
	var want []string
	for name, text := range said {
		want = append(want, name+": "+text)
	}
	slices.Sort(want)
	got := strings.Split(strings.TrimSpace(problems(t, fsys)), "\n")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
