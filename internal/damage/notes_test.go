package damage_test

import (
	"slices"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/damage"
	"prophet/replica"
)

// TestNotesAreMadeAsFarAsTheyWent: where the notes on rows and the digests both lost their ends, what is left of either, and the local ids, say how far our programs wrote.
func TestNotesAreMadeAsFarAsTheyWent(t *testing.T) {
	const rows, row, entry = "prophet/rows", 8, 72
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for name, hurt := range map[string]func(fsys afero.Fs){
		"a row, and a byte of an entry":   func(fsys afero.Fs) { cut(t, fsys, rows, row); cut(t, fsys, replica.DigestsFile, 1) },
		"all rows, and half of the other": func(fsys afero.Fs) { remove(t, fsys, rows); cut(t, fsys, replica.DigestsFile, 8*entry) },
		"half the rows, and all of the other": func(fsys afero.Fs) {
			cut(t, fsys, rows, len(want[rows])/2)
			remove(t, fsys, replica.DigestsFile)
		},
	} {
		s := whole.Copy()
		hurt(s.Replica)
		if _, err := repair(s, false); err != nil {
			t.Fatal(err)
		}
		once := contents(t, s.Replica)
		for _, file := range []string{"prophet/ids", "prophet/conflicts"} {
			if once[file] != want[file] {
				t.Errorf("%s: %s is another one", name, file)
			}
		}
		if _, err := repair(s, false); err != nil {
			t.Fatal(err)
		}
		if other := otherFiles(once, contents(t, s.Replica)); len(other) > 0 {
			t.Errorf("%s: a second repair changes %v", name, other)
		}
	}
}

// TestNotesOfAnotherReplicaDoNotHideTheIndex: the index is lost, and notes of Carol's lie in place of ours. That a changeset made the very versions which the indexes of records have tells more.
func TestNotesOfAnotherReplicaDoNotHideTheIndex(t *testing.T) {
	whole := damage.New(t)
	want, theirs := contents(t, whole.Replica), contents(t, whole.Peer)
	for _, prefix := range []string{"", "resolutions/"} {
		for _, name := range []string{"prophet/rows", "prophet/ids", replica.DigestsFile, changeset.LatestFile} {
			if theirs[prefix+name] == "" {
				continue // votes have no local ids
			}
			for _, others := range []bool{true, false} {
				s := whole.Copy()
				write(t, s.Replica, prefix+changeset.IndexFile, nil)
				write(t, s.Replica, prefix+name, []byte(theirs[prefix+name]))
				_ = s.Mirror.RemoveAll(s.Database.String()) // Carol alone is asked
				mended, err := repair(s, others)
				differ := slices.DeleteFunc(otherFiles(want, contents(t, s.Replica)), excused)
				if list := problems(t, s.Replica); err != nil || len(differ)+len(list) > 0 {
					t.Errorf("%s is Carol's, others: %t: %v, differ %v, check %v: %v", prefix+name, others, err, differ, list, mended)
				}
			}
		}
	}
}

// TestALogThatSeemsEmptyIsNot: an index without rows, and a number that says so too, are those of a new replica; what else is here tells that both are lost.
func TestALogThatSeemsEmptyIsNot(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for _, prefix := range []string{"", "resolutions/"} {
		for _, notes := range []bool{true, false} {
			s := whole.Copy()
			write(t, s.Replica, prefix+changeset.IndexFile, nil)
			write(t, s.Replica, prefix+changeset.LatestFile, []byte("0"))
			if !notes {
				remove(t, s.Replica, prefix+"prophet/rows")
				remove(t, s.Replica, prefix+replica.DigestsFile)
			}
			mended, err := repair(s, true)
			for _, name := range []string{changeset.IndexFile, changeset.LatestFile} {
				if got := contents(t, s.Replica)[prefix+name]; err != nil || got != want[prefix+name] {
					t.Errorf("with notes: %t: %s is another one: %v, %v", notes, prefix+name, err, mended)
				}
			}
			if list := problems(t, s.Replica); len(list) > 0 {
				t.Errorf("%s with notes: %t: %v", prefix, notes, list)
			}
		}
	}
}

// TestNotesOfVotesAloneAreMendedToo: prophet/ is lost, and what is left of our notes, which are those on votes, is damaged.
func TestNotesOfVotesAloneAreMendedToo(t *testing.T) {
	s := damage.New(t)
	name := changeset.ResolutionsDir + "/" + replica.DigestsFile
	write(t, s.Replica, name, make([]byte, len(contents(t, s.Replica)[name])))
	if err := s.Replica.RemoveAll("prophet"); err != nil {
		t.Fatal(err)
	}
	if mended, err := repair(s, true); err != nil || len(problems(t, s.Replica)) > 0 {
		t.Errorf("%v, %v, it has still %q", mended, err, problems(t, s.Replica))
	}
}
