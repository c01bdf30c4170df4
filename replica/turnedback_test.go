package replica_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// readings are ways to read a replica with a record that has the local id 1.
var readings = map[string]func(r *replica.Replica) error{
	"list":      func(r *replica.Replica) error { return listAll(r, "") },
	"find":      func(r *replica.Replica) error { _, err := r.Find("1"); return err },
	"conflicts": func(r *replica.Replica) error { _, err := r.Conflicts(); return err },
	"local ids": func(r *replica.Replica) error { _, err := r.LocalIDs(); return err },
}

func setBack(to string) func([]byte) []byte { return func([]byte) []byte { return []byte(to) } }

func TestANumberThatWasSetBackIsNotRead(t *testing.T) {
	for file, number := range map[string]string{"latest-sequence-no": "4", "resolutions/latest-sequence-no": "1"} {
		fsys, _ := noted(t)
		r := replicatest.Open(t, fsys, replica.Options{})
		votedTwice(t, r)
		votedTwice(t, r)
		before, err := afero.ReadFile(fsys, file)
		if err != nil {
			t.Fatal(err)
		}
		change(t, fsys, file, setBack(number))
		want := fmt.Sprintf("%s is damaged: it counts %s changesets, but %schangesets.idx holds ", file, number, strings.TrimSuffix(file, "latest-sequence-no"))
		const todo = "; \"prophet fsck --repair\" keeps them; to drop them cut "
		told := func(err error) bool {
			var damage *replica.DamageError
			return errors.As(err, &damage) && strings.HasPrefix(damage.Error(), want) && strings.Contains(damage.Error(), todo)
		}
		for name, read := range readings {
			if err := read(replicatest.Open(t, fsys, replica.Options{Uncounted: true})); !told(err) {
				t.Errorf("%s, %s: %v", file, name, err)
			}
		}
		if _, err := replica.Open(fsys, replica.Options{}); !told(err) || !errors.Is(err, replica.ErrUncounted) {
			t.Errorf("%s: to open it gave %v", file, err)
		}
		if _, err := replica.Open(fsys, replica.Options{Mirror: true}); err != nil {
			t.Errorf("%s: to open it as a mirror on the web gave %v", file, err)
		}
		if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Ticket", nil); return err }); !told(err) {
			t.Errorf("%s: an edit gave %v", file, err)
		}
		index := strings.TrimSuffix(file, "latest-sequence-no") + changeset.IndexFile
		if found := problems(t, fsys); !strings.Contains(found, file+": it counts "+number+" changesets, fewer than the log holds: "+index+" has ") {
			t.Errorf("%s: fsck says\n%s", file, found)
		}
		change(t, fsys, file, setBack("4294967295"))
		if found := problems(t, fsys); !strings.Contains(found, " bytes long; "+file+" says 4294967295, which takes 188978560980 bytes\n") {
			t.Errorf("%s: fsck says\n%s", file, found)
		}
		change(t, fsys, file, setBack(string(before)))
		sound(t, fsys)
	}
}

func TestALogThatWasSetBackWholeIsReadWithAWarning(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, _ := noted(t)
	change(t, fsys, "latest-sequence-no", setBack("3"))
	change(t, fsys, "changesets.idx", func(b []byte) []byte { return b[:3*44] })
	said := ""
	r, err := replica.Open(fsys, replica.Options{Where: "bugs", Warn: func(s string) { said += s }})
	if err != nil {
		t.Fatal(err)
	}
	if said == "" {
		t.Error("who gives it away, and reads no record, is not told")
	}
	for name, read := range readings {
		if err := read(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.HasPrefix(said, "bugs/changesets.idx has 3 rows, fewer than prophet/rows notes") || strings.Count(said, "older state") != 1 {
		t.Errorf("said %q", said)
	}
	grow(t, r, 1)
	sound(t, fsys)
}

// The rows of a writer come before its number, and those of the original without a journal or notes.
func TestRowsOfAWriterAtWorkAreNoDamage(t *testing.T) {
	body := "prophet journal 1\nlength 176 \"changesets.idx\"\nlength 32 \"prophet/rows\"\npoint \"latest-sequence-no\" \"4\" \"5\"\n"
	row := func(b []byte) []byte { // a whole one, for a changeset that is there
		b = append(b, b[3*44:]...)
		b[4*44+3] = 5
		return b
	}
	for what, write := range map[string]func(fsys afero.Fs){
		"of ours, before its commit": func(fsys afero.Fs) {
			journal := fmt.Sprintf("%ssha256 %x\n", body, sha256.Sum256([]byte(body)))
			if err := afero.WriteFile(fsys, "prophet/journal", []byte(journal), 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, fsys, "changesets.idx", row)
			change(t, fsys, "prophet/rows", add("12345678"))
		},
		"of ours, after it": func(fsys afero.Fs) { grow(t, replicatest.Open(t, fsys, replica.Options{}), 3) },
		"of the original":   func(fsys afero.Fs) { change(t, fsys, "changesets.idx", row) },
	} {
		fsys, _ := noted(t)
		var opened []*replica.Replica
		warn := func(s string) { t.Errorf("%s: it warns: %s", what, s) }
		for range readings {
			r, err := replica.Open(fsys, replica.Options{Warn: warn})
			if err != nil {
				t.Fatal(err)
			}
			opened = append(opened, r)
		}
		write(fsys)
		for name, read := range readings {
			for _, r := range []*replica.Replica{opened[0], replicatest.Open(t, fsys, replica.Options{Warn: warn})} {
				if err := read(r); err != nil {
					t.Errorf("%s: %s gave %v", what, name, err)
				}
			}
			opened = opened[1:]
		}
	}
}
