package damage_test

import (
	"testing"

	"prophet/changeset"
	"prophet/internal/damage"
	"prophet/replica"
)

// TestANumberWithMoreDigitsAddsNoRows: what is here says how many rows there are, and a number that says more takes neither memory nor invents some.
func TestANumberWithMoreDigitsAddsNoRows(t *testing.T) {
	whole := damage.New(t)
	want := contents(t, whole.Replica)
	for _, name := range []string{changeset.LatestFile, "resolutions/" + changeset.LatestFile, replica.LatestRepresentationFile} {
		for _, text := range []string{want[name] + want[name], "4294967295"} {
			for _, gone := range []string{"", "prophet/rows", "prophet/digests"} {
				s := whole.Copy()
				write(t, s.Replica, name, []byte(text))
				_ = s.Replica.Remove(gone)
				mended, err := repair(s, gone == "")
				differ := otherFiles(want, contents(t, s.Replica))
				for _, file := range differ {
					if err != nil || !excused(file) {
						t.Errorf("%s says %s, without %q: differ %v, %v: %v", name, text, gone, differ, err, mended)
						break
					}
				}
			}
		}
	}
}

// TestRowsOfTheListThatAreLostAreCounted: where the list of representations lost its end, its number brings the rows back whose objects are here.
func TestRowsOfTheListThatAreLostAreCounted(t *testing.T) {
	s := damage.New(t)
	want := contents(t, s.Replica)
	cut(t, s.Replica, replica.RepresentationsFile, changeset.RowSize)
	mended, err := repair(s, false)
	if now := contents(t, s.Replica); err != nil || now[replica.RepresentationsFile] != want[replica.RepresentationsFile] || now[replica.LatestRepresentationFile] != want[replica.LatestRepresentationFile] {
		t.Errorf("it is another list: %v, %v", mended, err)
	}
}
