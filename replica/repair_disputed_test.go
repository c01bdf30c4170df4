package replica_test

import (
	"encoding/binary"
	"testing"

	"github.com/spf13/afero"

	"prophet/cas"
	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// Where the indexes of the records speak against the index because they are damaged themselves, what others have is looked for all the same.
func TestWhatOnlyOthersHaveIsFoundWhereTheRecordsIndexesAreDamaged(t *testing.T) {
	replicatest.OnFormat1(t)
	fsys := crashfs.New()
	r := replicatest.Init(t, fsys, counted(0))
	const rows, lost = 7, 3
	grow(t, r, rows)
	want := dumped(t, fsys)
	other := replicatest.Clone(t, r, replica.Options{})
	edit := func(name string, change func(b []byte)) {
		b, err := afero.ReadFile(fsys, name)
		if err == nil {
			change(b)
			err = afero.WriteFile(fsys, name, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for seq := range uint32(rows) {
		row, err := r.Log().Row(seq + 1)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Log().Changeset(row)
		if err != nil {
			t.Fatal(err)
		}
		edit(changeset.RecordPath(c.Changes[0].Record), func(b []byte) { binary.BigEndian.PutUint32(b, (seq+1)%rows+1) })
		if row.Seq == lost {
			if err := fsys.Remove(cas.New(fsys, "cas/"+changeset.ChangesetObjects).Path(row.Key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit(changeset.IndexFile, func(b []byte) {
		b[(lost-1)*changeset.RowSize+20] ^= 0x55
		b[lost*changeset.RowSize-1] ^= 1
	})
	did := repairedFrom(t, fsys, other.FS())
	if got := dumped(t, fsys); got != want {
		t.Errorf("the repair says\n%s", did)
	}
	sound(t, fsys)
}
