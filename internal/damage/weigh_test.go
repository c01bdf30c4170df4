package damage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/replica"
)

// TestAMirrorIsBelievedAgainstAFewFiles: the index is lost, and one or two files that follow from the log are damaged too. A mirror of the replica with which all else agrees says what the rows were.
func TestAMirrorIsBelievedAgainstAFewFiles(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	quiet, opened := changeset.RecordPath(whole.Records.Quiet), changeset.RecordPath(whole.Records.Open)
	swap := func(a, b string) func(fsys afero.Fs) {
		return func(fsys afero.Fs) {
			write(t, fsys, a, []byte(want[b]))
			write(t, fsys, b, []byte(want[a]))
		}
	}
	number := func(fsys afero.Fs, name string) {
		b := []byte(want[name])
		b[3] ^= 7
		write(t, fsys, name, b)
	}
	vote := ""
	for name := range want {
		if strings.HasPrefix(name, "resolutions/records/") {
			vote = name
		}
	}
	for name, tt := range map[string]struct {
		index string
		hurt  func(fsys afero.Fs)
	}{
		"two records' indexes swapped":  {changeset.IndexFile, swap(quiet, opened)},
		"one is another's":              {changeset.IndexFile, func(fsys afero.Fs) { write(t, fsys, quiet, []byte(want[opened])) }},
		"a row of one has other digits": {changeset.IndexFile, func(fsys afero.Fs) { number(fsys, quiet) }},
		"a row of one of the votes'":    {"resolutions/" + changeset.IndexFile, func(fsys afero.Fs) { number(fsys, vote) }},
		"without digests": {changeset.IndexFile, func(fsys afero.Fs) {
			number(fsys, quiet)
			remove(t, fsys, replica.DigestsFile)
		}},
	} {
		s := whole.Copy()
		remove(t, s.Replica, tt.index)
		tt.hurt(s.Replica)
		mended, err := repair(s, true)
		if other := slices.DeleteFunc(otherFiles(want, contents(t, s.Replica)), excused); err != nil || len(other) > 0 {
			t.Errorf("%s: %v, differ %v: %v", name, err, other, mended)
		}
	}
}

// TestAMirrorThatLiesAboutOneRecordIsNotBelieved: a copy of the replica had another last edit. All records' indexes but one agree with it; the digest does not, or, where that is lost, the changesets that are here.
func TestAMirrorThatLiesAboutOneRecordIsNotBelieved(t *testing.T) {
	s := damage.New(t)
	twin := s.Copy()
	for at, value := range map[*damage.Scene]string{s: "true", twin: "a lie"} {
		if err := update(open(t, at.Replica, damage.AnnAt), s.Records.Quiet, "status", value); err != nil {
			t.Fatal(err)
		}
	}
	ann := open(t, s.Replica, damage.AnnAt)
	object := changeset.ObjectPath(changeset.ChangesetObjects, rowOf(t, ann, ann.Latest()).Key)
	for _, gone := range [][]string{{}, {replica.DigestsFile}, {object}, {object, replica.DigestsFile}} {
		disk := s.Replica.Survivor(crashfs.Kill, 0)
		remove(t, disk, append(gone, changeset.IndexFile)...)
		var warned []string
		opts := damage.AnnOptions(9)
		opts.Warn = func(text string) { warned = append(warned, text) }
		err := replica.Repair(ctx, disk, opts, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica {
			return []*replica.Replica{open(t, twin.Replica, "/twin")}
		}})
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Join(warned, "\n")
		if asked := slices.Contains(gone, object); strings.Contains(said, "/twin contradicts what is here") != asked || strings.Contains(said, "is believed") {
			t.Errorf("without %v: warned %s", gone, said)
		}
		if index := contents(t, disk)[changeset.IndexFile]; index == contents(t, twin.Replica)[changeset.IndexFile] {
			t.Errorf("without %v: the lie stands in the log", gone)
		}
	}
}
