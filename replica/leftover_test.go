package replica_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
	"prophet/resolution"
)

// filesIn returns the files of a file system, by name.
func filesIn(t *testing.T, fsys afero.Fs) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, text := range tree(t, fsys) {
		files[strings.TrimPrefix(name, "/")] = text
	}
	return files
}

func tree(t *testing.T, fsys afero.Fs) map[string]string {
	t.Helper()
	files := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := afero.ReadDir(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.TrimPrefix(dir+"/"+e.Name(), "./")
			if e.IsDir() {
				walk(name)
				continue
			}
			b, err := afero.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(b)
		}
	}
	walk(".")
	return files
}

// putBack writes those files of an earlier state over a replica that take passes. What was not there then stays.
func putBack(t *testing.T, fsys afero.Fs, earlier map[string]string, take func(name string) bool) {
	t.Helper()
	for name, text := range earlier {
		if !take(name) {
			continue
		}
		if err := afero.WriteFile(fsys, name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// agree makes sure that all that shows records shows the same ones, and returns how many live.
func agree(t *testing.T, fsys afero.Fs, when string) int {
	t.Helper()
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]map[string]string{}
	types := map[string]int{}
	for rec, err := range r.All("") {
		if err != nil {
			t.Fatal(err)
		}
		listed[rec.ID.UUID.String()] = rec.Props
		types[rec.ID.Type]++
		if one, err := r.Record(rec.ID); err != nil || !maps.Equal(one.Props, rec.Props) {
			t.Errorf("%s: %s is listed as %v, shown as %v, %v", when, rec.ID, rec.Props, one, err)
		}
	}
	counts, err := r.CountTypes(t.Context())
	for _, c := range counts {
		if types[c.Type] != c.Records || err != nil {
			t.Errorf("%s: %d records of %s, listed are %d, %v", when, c.Records, c.Type, types[c.Type], err)
		}
	}
	digests, err := r.Log().DigestTypes(t.Context())
	if err != nil || len(digests) != len(types) || len(counts) != len(types) {
		t.Errorf("%s: digests of %v, counts of %v, listed are %v, %v", when, digests, counts, types, err)
	}
	if living, _, err := r.CountRecords(t.Context()); err != nil || living != len(listed) {
		t.Errorf("%s: %d records live, listed are %d, %v", when, living, len(listed), err)
	}
	var text strings.Builder
	var dump struct {
		Records map[string]map[string]map[string]string
	}
	if err := r.Dump(&text, replica.DumpOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text.String()), &dump); err != nil {
		t.Fatal(err)
	}
	dumped := map[string]map[string]string{}
	for _, recs := range dump.Records {
		maps.Copy(dumped, recs)
	}
	if !maps.EqualFunc(dumped, listed, maps.Equal) {
		t.Errorf("%s: dumped are %v, listed %v", when, dumped, listed)
	}
	kept, err := r.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	without := afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(fsys), afero.NewMemMapFs())
	for _, name := range []string{"prophet/digests", "resolutions/prophet/digests"} {
		if err := afero.WriteFile(without, name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r, err = replica.Open(without, replica.Options{}); err != nil {
		t.Fatal(err)
	}
	if anew, err := r.Digest(t.Context()); err != nil || anew != kept {
		t.Errorf("%s: the digest of all records is %v, %v; the one that is kept %v", when, anew, err, kept)
	}
	return len(listed)
}

// TestWhatTheLogLostIsNowhere puts the files of an earlier state back over a replica in several ways, and gives the numbers of what was lost again.
func TestWhatTheLogLostIsNowhere(t *testing.T) {
	replicatest.WithLooseEdits(t)
	for name, take := range map[string]func(name string) bool{
		"all": func(string) bool { return true },
		"the log alone": func(name string) bool {
			return !strings.Contains(name, "records/") && !strings.Contains(name, "prophet/")
		},
		"all but the digest": func(name string) bool { return !strings.HasSuffix(name, "/digests") },
	} {
		r, fsys := newReplicaOn(t, afero.NewMemMapFs())
		grow(t, r, 3)
		votedTwice(t, r)
		recs := allRecords(t, r)
		earlier := filesIn(t, fsys)
		for _, rec := range recs {
			update(t, r, rec, "status", "lost")
		}
		grow(t, r, 3)
		setRule(t, r, "Ticket", "status", resolution.RuleMin)
		if _, err := r.Edit(t.Context(), func(e *replica.Edit) error { _, err := e.Create("Ghost", nil); return err }); err != nil {
			t.Fatal(err)
		}
		votedTwice(t, r)
		lost := r.Latest()
		putBack(t, fsys, earlier, take)
		if n := agree(t, fsys, name+", put back"); n != 4 {
			t.Errorf("%s: %d records live after it was put back", name, n)
		}

		said := ""
		r, err := replica.Open(fsys, replica.Options{Warn: func(s string) { said += s + "\n" }})
		if err != nil {
			t.Fatal(err)
		}
		for n := 5; r.Latest() <= lost; n++ { // an edit of another record at each number that was given before
			grow(t, r, 1)
			if listed := agree(t, fsys, name); listed != n {
				t.Errorf("%s: %d records are listed, want %d", name, listed, n)
			}
		}
		votedTwice(t, r) // which writes to the resolutions too
		if swept := strings.Contains(said, "versions of a record that are ahead of its log were cut off"); swept != (name == "the log alone") {
			t.Errorf("%s: said %q", name, said)
		}
		if rule, err := r.Rule("Ticket", "status"); err != nil || rule.Set || rule.Rule != resolution.RuleLatest {
			t.Errorf("%s: the rule is %v, %v", name, rule, err)
		}
		if found := problems(t, fsys); name == "the log alone" && found != "" {
			t.Errorf("%s: fsck says\n%s", name, found)
		}
	}
}

// votedTwice decides a conflict, so that there is a vote.
func votedTwice(t *testing.T, r *replica.Replica) {
	t.Helper()
	one := func(value string) map[string]string { return map[string]string{"m": value} }
	update(t, r, rivalsOf(t, r, "Note", one("1"), one("2"), one("3")), "m", "3")
}

func TestFsckNamesWhatIsLeftOfALostRecord(t *testing.T) {
	replicatest.WithLooseEdits(t)
	r, fsys := newReplicaOn(t, afero.NewMemMapFs())
	grow(t, r, 1)
	earlier := filesIn(t, fsys)
	before := allRecords(t, r)
	grow(t, r, 1)
	ghost := allRecords(t, r)
	ghost = slices.DeleteFunc(ghost, func(rec changeset.RecordID) bool { return slices.Contains(before, rec) })
	putBack(t, fsys, earlier, func(string) bool { return true })
	grow(t, r, 1)
	want := changeset.RecordPath(ghost[0]) + ": 24 bytes at its end are of changesets that the log does not have and are shown by programs of the original\n"
	if found := problems(t, fsys); found != want {
		t.Errorf("fsck says\n%swant\n%s", found, want)
	}
	said := ""
	r, err := replica.Open(fsys, replica.Options{Warn: func(s string) { said = s }})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range r.All("") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(said, `"prophet fsck" names them`) {
		t.Errorf("a list of all records says %q", said)
	}
}

// ahead adds a version that says that a record is deleted to its index, for a changeset that the log does not have.
func ahead(t *testing.T, fsys afero.Fs, rec changeset.RecordID, row uint32) {
	t.Helper()
	name := changeset.RecordPath(rec)
	b, err := afero.ReadFile(fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := fsys.MkdirAll(path.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(fsys, name, changeset.AppendVersion(b, changeset.Version{Seq: row}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lists reports whether a list of all records has the record.
func lists(t *testing.T, r *replica.Replica, rec changeset.RecordID) bool {
	t.Helper()
	for listed, err := range r.All("") {
		if err != nil {
			t.Fatal(err)
		}
		if listed.ID == rec {
			return true
		}
	}
	return false
}

func TestVersionsAheadOfTheLogBecomeWhatFsckSays(t *testing.T) {
	replicatest.WithLooseEdits(t)
	fsys, rec := noted(t)
	ahead(t, fsys, rec, 5)
	const listed = "will be listed once their numbers are given again, unless an edit of the record cuts them off before"
	if found := problems(t, fsys); !strings.Contains(found, listed) {
		t.Errorf("fsck says\n%s", found)
	}
	r := replicatest.Open(t, fsys, replica.Options{})
	if !lists(t, r, rec) {
		t.Error("the version is listed before its number is given again")
	}
	grow(t, r, 1)
	if _, err := r.Record(rec); err != nil || lists(t, r, rec) {
		t.Errorf("it is shown: %v; the list has it as it was", err)
	}

	fsys, rec = noted(t)
	ahead(t, fsys, rec, 5)
	r = replicatest.Open(t, fsys, replica.Options{})
	update(t, r, rec, "status", "open")
	sound(t, fsys)

	fsys, rec = noted(t)
	rec.UUID[0]++
	ahead(t, fsys, rec, 5)
	if found := problems(t, fsys); !strings.Contains(found, "will be shown by programs of the original once their numbers are given again") {
		t.Errorf("of an index that no changeset touches fsck says\n%s", found)
	}
	r = replicatest.Open(t, fsys, replica.Options{})
	grow(t, r, 1)
	if _, err := r.Record(rec); err == nil || lists(t, r, rec) {
		t.Errorf("a record that the log does not know is shown: %v", err)
	}
}
