package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/resolution"
)

// What is ours on the disk comes from us, from somebody else's directory, or from a web server. What parses is written again and means the same.

var fuzzed = uuid.MustParse("10b1e589-83c2-4e27-917c-42dae1b8cf11")

func FuzzParsePeer(f *testing.F) {
	row := changeset.Row{Seq: 3, ID: changeset.ID{Origin: fuzzed, Seq: 2}, Key: [20]byte{7}}
	p := Peer{UUID: fuzzed, Place: Place{URL: "http://bugs.example.com/", Copy: true}, Also: []Place{{URL: "/srv/bugs"}}, Adopt: true}
	p.SetRead(row)
	p.SetOwn(row)
	p.SetRepresented(row)
	f.Add(p.encode())
	f.Add([]byte(`{"uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11","read":4294967295,"row":"00"}`))
	f.Add([]byte(`{"uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11","moved":[{"from":"10b1e589-83c2-4e27-917c-42dae1b8cf11","seq":1,"to":"10b1e589-83c2-4e27-917c-42dae1b8cf11"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePeer(b, fuzzed)
		if err != nil {
			return
		}
		p.bare = false
		again, err := parsePeer(p.encode(), fuzzed)
		if err != nil || !sameJSON(again, p) {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
		for _, last := range []func() (changeset.Row, bool){p.LastRow, p.LastOwn, p.LastRepresentation} {
			if row, ok := last(); ok && (row.Seq == 0 || row.ID.Seq == 0) {
				t.Errorf("%+v ends with %+v", p, row)
			}
		}
	})
}

// sameJSON compares what is kept of two values.
func sameJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func FuzzParseMark(f *testing.F) {
	f.Add(Mark{Changesets: changeset.Row{Seq: 3, ID: changeset.ID{Origin: fuzzed, Seq: 2}}}.String())
	f.Add(Mark{}.String())
	f.Add(`{"changesets":"00"}`)
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := ParseMark(s)
		if !ok {
			return
		}
		if again, ok := ParseMark(m.String()); !ok || again != m {
			t.Errorf("%+v became %+v", m, again)
		}
	})
}

func FuzzParseConflictLine(f *testing.F) {
	rec := changeset.RecordID{Type: "Ticket", UUID: fuzzed}
	for _, u := range []undecided{{open: []string{"", "a b", "-"}, agreed: []string{"="}}, {}, {any: true}} {
		line := strings.TrimSuffix(string(appendConflictLine(nil, conflictLine{row: 7, rec: rec, undecided: u})), "\n")
		f.Add(line)
		f.Add(line[9:])
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseConflictLine(s)
		if err != nil || strings.Contains(s, "\n") { // one line is parsed
			return
		}
		if changeset.CheckType(c.rec.Type) != nil || c.row == 0 {
			t.Errorf("%q is %+v", s, c)
		}
		again, err := parseConflictLine(strings.TrimSuffix(string(appendConflictLine(nil, c)), "\n"))
		if c.bare = false; err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v became %+v, %v", c, again, err)
		}
	})
}

func FuzzParseFormer(f *testing.F) {
	f.Add(fuzzed.String() + " 7")
	f.Add(fuzzed.String())
	f.Add(fuzzed.String() + " 4294967295")
	f.Fuzz(func(t *testing.T, line string) {
		u, rows, err := parseFormer(line)
		if err != nil {
			return
		}
		v, again, err := parseFormer(strings.TrimSuffix(string(appendFormer(nil, u, rows)), "\n"))
		if err != nil || v != u || again != rows {
			t.Errorf("%q became %s %d, %v", line, v, again, err)
		}
	})
}

func FuzzParseDigest(f *testing.F) {
	whole := appendDigest(nil, digestEntry{row: 7, sums: sums{state: Digest{1}, settings: Digest{2}}})
	f.Add(whole)
	f.Add(append(bytes.Clone(whole[:71]), 9))
	f.Add(make([]byte, digestSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != digestSize {
			return
		}
		if e, ok := parseDigest(b); ok && (e.row == 0 || !bytes.Equal(appendDigest(nil, e), b)) {
			t.Errorf("%x is %+v", b, e)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	id := identity{}
	for _, name := range identityFiles[:uuidFiles] {
		id[name] = fuzzed.String()
	}
	f.Add(id.encode())
	id[formerFile] = checksum([]byte("x"))
	f.Add(id.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := parseIdentity(b); err == nil && !bytes.Equal(id.encode(), b) {
			t.Errorf("%q is %v", b, id)
		}
	})
}

func FuzzParseOldIDs(f *testing.F) {
	f.Add([]byte(`{"10b1e589-83c2-4e27-917c-42dae1b8cf11":3,"20b1e589-83c2-4e27-917c-42dae1b8cf11":"4","_meta":{"maximum_luid":9}}`))
	f.Add([]byte(`{"10b1e589-83c2-4e27-917c-42dae1b8cf11":3,"10B1E589-83C2-4E27-917C-42DAE1B8CF11":4}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		old, err := parseOldIDs(b)
		if err != nil {
			return
		}
		doc := map[string]any{"_meta": map[string]any{"maximum_luid": old.max}}
		for u, id := range old.byRecord {
			if id == 0 || id > old.max || old.byID[id] != u {
				t.Errorf("%s has the local id %d, which is that of %s; the greatest is %d", u, id, old.byID[id], old.max)
			}
			doc[u.String()] = id
		}
		if len(old.byID) != len(old.byRecord) {
			t.Errorf("%d ids of %d records", len(old.byID), len(old.byRecord))
		}
		text, _ := json.Marshal(doc)
		if again, err := parseOldIDs(text); err != nil || !reflect.DeepEqual(again, old) {
			t.Errorf("%s became %+v, %v", text, again, err)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "7", "4294967295", "4294967296", "-1", "+1", "007", " 1", "1e3", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseNumber("f", s); err == nil && strconv.FormatUint(uint64(n), 10) != s {
			t.Errorf("%q is %d", s, n)
		}
	})
}

func FuzzParseContent(f *testing.F) {
	for _, s := range []string{`["max"]`, `["latest"]`, `[ "sum" ]`, `["max","min"]`, `"max"`, `["\u006dax"]`, `[["max"]]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rule, err := parseContent(s)
		if err != nil {
			return
		}
		if again, err := parseContent(contentOf(rule)); err != nil || again != rule || !slices.Contains(resolution.AllRules, rule) {
			t.Errorf("%q is %q, %v", s, rule, err)
		}
	})
}

func TestAFileWithAHugeHoleIsNotReadAsAWhole(t *testing.T) {
	fsys := afero.NewBasePathFs(afero.NewOsFs(), t.TempDir())
	f, err := fsys.Create("conflicts")
	if err == nil {
		err = errors.Join(f.Truncate(maxWhole+1), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if b, err := readWhole(fsys, "conflicts"); b != nil || !isDamage(err) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
