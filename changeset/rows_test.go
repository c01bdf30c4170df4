package changeset

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestRow(t *testing.T) {
	row := Row{Seq: 0x01020304, ID: ID{mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 0xfffffffe}, Key: [20]byte{0x77, 0xcf, 19: 0xaa}}
	const want = "01020304" + "10b1e58983c24e27917c42dae1b8cf11" + "fffffffe" + "77cf0000000000000000000000000000000000aa"
	got := AppendRow([]byte("x"), row)
	if hex.EncodeToString(got) != "78"+want {
		t.Errorf("got %x, want 78%s", got, want)
	}
	if back, err := ParseRow(got[1:]); err != nil || back != row {
		t.Errorf("it came back as %+v, %v", back, err)
	}
}

func TestVersion(t *testing.T) {
	v := Version{Seq: 7, Key: [20]byte{0xdb, 0x3c, 19: 0xaa}}
	got := AppendVersion([]byte("x"), v)
	if want := "7800000007db3c0000000000000000000000000000000000aa"; hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
	if back, err := ParseVersion(got[1:]); err != nil || back != v || back.Deleted() {
		t.Errorf("it came back as %+v, %v", back, err)
	}
	deleted := AppendVersion(nil, Version{Seq: 7})
	if back, err := ParseVersion(deleted); err != nil || !back.Deleted() {
		t.Errorf("a deletion came back as %+v, %v", back, err)
	}
	if back, err := ParseVersion(make([]byte, VersionSize)); err == nil {
		t.Errorf("zeros came back as %+v", back)
	}
}

func TestRowsOfAnotherSizeAreRefused(t *testing.T) {
	ones := bytes.Repeat([]byte{1}, 100)
	for _, n := range []int{0, 1, 43, 45, 88} {
		if r, err := ParseRow(ones[:n]); err == nil {
			t.Errorf("a row of %d bytes was read as %+v", n, r)
		}
	}
	for _, n := range []int{0, 1, 23, 25, 48} {
		if v, err := ParseVersion(ones[:n]); err == nil {
			t.Errorf("a version of %d bytes was read as %+v", n, v)
		}
	}
}

func TestRowsWithoutSequenceNumbersAreRefused(t *testing.T) {
	id := ID{mustUUID(t, "10b1e589-83c2-4e27-917c-42dae1b8cf11"), 1}
	for _, r := range []Row{{Seq: 0, ID: id}, {Seq: 1, ID: ID{id.Origin, 0}}} {
		if _, err := ParseRow(AppendRow(nil, r)); err == nil {
			t.Errorf("%+v was read", r)
		}
	}
}

func TestRowsAreReadInTheirPlaces(t *testing.T) {
	var b []byte
	for seq := uint32(7); seq < 10; seq++ {
		b = AppendRow(b, Row{Seq: seq, ID: ID{Seq: 1}})
	}
	rows, err := ParseRows(b, 7)
	if err != nil || len(rows) != 3 || rows[2].Seq != 9 {
		t.Errorf("rows 7 to 9 are read as %v, %v", rows, err)
	}
	for _, tt := range []struct {
		name  string
		b     []byte
		first uint32
		want  string
	}{
		{"one in another's place", b, 6, "row 6: it bears the number 7"},
		{"part of one", b[:2*RowSize+5], 7, "row 9: row of an index of changesets: 5 bytes, want 44"},
	} {
		if _, err := ParseRows(tt.b, tt.first); err == nil || err.Error() != tt.want {
			t.Errorf("%s: the error is %v, want %s", tt.name, err, tt.want)
		}
	}
}
