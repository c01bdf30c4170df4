package changeset

import (
	"bytes"
	"strings"
	"testing"
)

// What ParseRows reads is written again with the same bytes, and nothing else is: rows of that number, one after another.
func FuzzParseRows(f *testing.F) {
	row := AppendRow(nil, Row{Seq: 1, ID: ID{Origin: [16]byte{1}, Seq: 7}, Key: [20]byte{9}})
	f.Add(row, uint32(1))
	f.Add(AppendRow(bytes.Clone(row), Row{Seq: 2, ID: ID{Origin: [16]byte{1}, Seq: 1<<32 - 1}}), uint32(1))
	f.Add(AppendRow(nil, Row{Seq: 1<<32 - 1, ID: ID{Seq: 1}}), uint32(1<<32-1))
	f.Add(row[:43], uint32(1))
	f.Add(make([]byte, 88), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, first uint32) {
		rows, err := ParseRows(b, first)
		if err != nil {
			return
		}
		var again []byte
		for i, r := range rows {
			if r.Seq != first+uint32(i) || r.ID.Seq == 0 {
				t.Errorf("row %d is %+v", i, r)
			}
			again = AppendRow(again, r)
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add(AppendVersion(nil, Version{Seq: 1, Key: [20]byte{9}}))
	f.Add(AppendVersion(nil, Version{Seq: 1}))
	f.Add(make([]byte, VersionSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseVersion(b)
		if err == nil && (!bytes.Equal(AppendVersion(nil, v), b) || v == Version{}) {
			t.Errorf("%x became %+v", b, v)
		}
	})
}

// A type that passes is one name of a file on any system, and stays below the directory of the records.
func FuzzCheckType(f *testing.F) {
	for _, s := range []string{"Ticket", "..", "a/b", "con.x", "_x", "a.", "\x00", "ß", "CON", `a\b`, ".a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckType(s) != nil {
			return
		}
		if s == "" || len(s) > MaxType || strings.ContainsAny(s, "/\\:*?\"<>|\x00 ") || s[0] == '.' || s[len(s)-1] == '.' {
			t.Errorf("%q is a type", s)
		}
	})
}
