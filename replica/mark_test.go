package replica_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/replica"
)

func TestMarkIsReadAsItIsWritten(t *testing.T) {
	row := changeset.Row{Seq: 7, ID: changeset.ID{Origin: uuid.New(), Seq: 3}, Key: cas.Key{1, 2}}
	for _, m := range []replica.Mark{{}, {Changesets: row}, {Representations: row}, {Changesets: row, Resolutions: row}} {
		if got, ok := replica.ParseMark(m.String()); !ok || got != m {
			t.Errorf("%s is read as %v, %v", m, got, ok)
		}
	}
	several := replica.Mark{Changesets: row}
	for i := range several.States {
		several.States[i] = replica.Published{UUID: uuid.New(), Votes: uuid.New(), Rows: [3]uint32{1<<32 - 1, 0, uint32(i)}, Sums: [3]string{"0123456789abcdef", "", "fedcba9876543210"}}
	}
	text := several.String()
	if got, ok := replica.ParseMark(text); !ok || got != several || len(text) > 4096 {
		t.Errorf("%s, %d bytes, is read as %v, %v", text, len(text), got, ok)
	}
	for i := range text {
		if got, ok := replica.ParseMark(text[:i] + string(text[i]^1) + text[i+1:]); ok && got != several && got.States[0] != (replica.Published{}) {
			t.Errorf("with byte %d changed it is read", i)
		}
	}
	for _, text := range []string{"", "7", "[]", `{"changesets":7}`, `{"changesets":"00"}`, `{"resolutions":"zz"}`} {
		if m, ok := replica.ParseMark(text); ok || m != (replica.Mark{}) {
			t.Errorf("%q is read as %v", text, m)
		}
	}
}

func TestFsckComparesTheMarkOfAMirror(t *testing.T) {
	fsys, _ := noted(t)
	r, err := replica.Open(fsys, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := r.Log().Row(4)
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.Log().Row(3)
	if err != nil {
		t.Fatal(err)
	}
	other, beyond := last, last
	other.Key[0]++
	beyond.Seq = 5
	const not = " that is not there, so readers may miss changesets; empty the file, and the next publication writes it\n"
	for _, tt := range []struct {
		mark replica.Mark
		want string
	}{
		{replica.Mark{Changesets: last}, ""},
		{replica.Mark{Changesets: before}, "prophet/mirror: it names row 3 of the log as the last one, there are 4: a publication was cut off or is at work (harmless)\n"},
		{replica.Mark{Changesets: other}, "prophet/mirror: it names a row 4 of the log" + not},
		{replica.Mark{Changesets: beyond}, "prophet/mirror: it names a row 5 of the log" + not},
		{replica.Mark{Changesets: last, Resolutions: last}, "prophet/mirror: it names a row 4 of the log of the resolutions" + not},
		{replica.Mark{Changesets: last, Representations: last}, "prophet/mirror: it names a row 4 of the list of representations" + not},
	} {
		if err := afero.WriteFile(fsys, replica.MirrorMark, []byte(tt.mark.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := problems(t, fsys); found != tt.want {
			t.Errorf("fsck says\n%swant\n%s", found, tt.want)
		}
	}
}
