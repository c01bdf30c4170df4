package replica_test

import (
	"crypto/sha1"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// listFS counts what is asked of the files of the list.
type listFS struct {
	afero.Fs
	asked []string
}

func (l *listFS) Open(name string) (afero.File, error) {
	if strings.Contains(name, "representation") {
		l.asked = append(l.asked, "open "+name)
	}
	return l.Fs.Open(name)
}

func (l *listFS) Stat(name string) (fi os.FileInfo, err error) {
	if strings.Contains(name, "representation") {
		l.asked = append(l.asked, "stat "+name)
	}
	return l.Fs.Stat(name)
}

func TestAnEditWithoutAListAsksForItTwice(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys := &listFS{Fs: directory(t)}
	holding(t, fsys, first(changeset.Create, "status=>new"))
	fsys.asked = nil
	r := replicatest.Open(t, fsys, replica.Options{})
	replicatest.Edit(t, r, func(e *replica.Edit) error { return e.Update(thing, map[string]string{"status": "open"}) })
	once := "open " + replica.LatestRepresentationFile
	if !slices.Equal(fsys.asked, []string{once, once, "open " + replica.RepresentationsFile}) {
		t.Errorf("asked for %v", fsys.asked)
	}
}

func TestDamagesOfTheListAreNamed(t *testing.T) {
	x1, y1 := idOf(xavier, 1), idOf(yvonne, 1)
	better := made(y1, 2, changeset.Update, "status=new>open", x1)
	write := func(name string, change func(b []byte) []byte) func(t *testing.T, fsys afero.Fs) {
		return func(t *testing.T, fsys afero.Fs) {
			b, err := afero.ReadFile(fsys, name)
			if err == nil {
				err = afero.WriteFile(fsys, name, change(b), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	rows := func(change func(b []byte) []byte) func(t *testing.T, fsys afero.Fs) {
		return write(replica.RepresentationsFile, change)
	}
	number := func(text string) func(t *testing.T, fsys afero.Fs) {
		return write(replica.LatestRepresentationFile, func([]byte) []byte { return []byte(text) })
	}
	object := func(fsys afero.Fs) string {
		b, _ := afero.ReadFile(fsys, replica.RepresentationsFile)
		row, _ := changeset.ParseRow(b[:changeset.RowSize])
		return changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
	}
	replaced := func(c *changeset.Changeset) func(t *testing.T, fsys afero.Fs) { // the list's only row names this one
		return func(t *testing.T, fsys afero.Fs) {
			key := sha1.Sum(c.Encode())
			name := changeset.ObjectPath(changeset.ChangesetObjects, key)
			if err := fsys.MkdirAll(path.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := afero.WriteFile(fsys, name, c.Encode(), 0o600); err != nil {
				t.Fatal(err)
			}
			rows(func([]byte) []byte { return changeset.AppendRow(nil, changeset.Row{Seq: 1, ID: c.ID, Key: key}) })(t, fsys)
		}
	}
	for _, test := range []struct {
		name     string
		damage   func(t *testing.T, fsys afero.Fs)
		want     string
		harmless bool
	}{
		{"the number is none", number("many"), "is not a number", false},
		{"the number counts too much", number("2"), "it ends before row 2 does", false},
		{"no rows", func(t *testing.T, fsys afero.Fs) { _ = fsys.Remove(replica.RepresentationsFile) }, "the file is missing", false},
		{"a wrong number in a row", rows(func(b []byte) []byte { b[3] = 7; return b }), "it bears the number 7", false},
		{"a row of another changeset", rows(func(b []byte) []byte { b[23] = 7; return b }), "row 1 of prophet/representations names it", false},
		{"no object", func(t *testing.T, fsys afero.Fs) { _ = fsys.Remove(object(fsys)) }, "the file is missing", false},
		{"a damaged object", func(t *testing.T, fsys afero.Fs) {
			write(object(fsys), func(b []byte) []byte { b[9]++; return b })(t, fsys)
		}, "do not have the SHA-1", false},
		{"parents that are not there", replaced(made(y1, 2, changeset.Update, "status=new>open", idOf(xavier, 8))), "names " + idOf(xavier, 8).String() + " as a parent", false},
		{"another edit", replaced(made(y1, 2, changeset.Update, "status=new>closed", x1)), "another edit under the ID", true},
		{"an unknown changeset", replaced(made(idOf(yvonne, 3), 2, changeset.Update, "status=new>open", x1)), "not in the log: it is passed over", true},
		{"the number counts too little", number("0"), "it counts 0 rows, and prophet/representations has 1; \"prophet fsck --repair\" counts them", false},
		{"more rows", rows(func(b []byte) []byte { b = append(b, b...); b[44+3] = 2; return b }), "it counts 1 rows, and prophet/representations has 2", false},
		{"rows of a writer that was cut off", rows(func(b []byte) []byte { return append(b, b...) }), "beyond the last committed row", true},
		{"junk", rows(func(b []byte) []byte { return append(b, "junk"...) }), "no rows of it", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := directory(t)
			r := holding(t, fsys, first(changeset.Create, "status=>new"), made(y1, 2, changeset.Update, "status=new>open"))
			if err := r.Update(t.Context(), func(tx *replica.Tx) error { _, err := tx.Represent(better); return err }); err != nil {
				t.Fatal(err)
			}
			replicatest.Faultless(t, fsys, "before")
			test.damage(t, fsys)
			var found []replica.Problem
			if err := replica.Check(t.Context(), fsys, replica.Options{}, func(p replica.Problem) { found = append(found, p) }, nil); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(found, func(p replica.Problem) bool {
				return strings.Contains(p.Text, test.want) && p.Harmless == test.harmless
			}) {
				t.Errorf("found %+v, want %q, harmless %v", found, test.want, test.harmless)
			}
		})
	}
}
