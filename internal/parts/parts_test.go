package parts

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/race"
)

// row is a row of a part to be made.
type row struct {
	object  []byte
	touches []Touch
}

// sample makes rows that touch records of two types in turn: every record has several touches, every third row has a text.
func sample(rows int) (list []row) {
	for i := range rows {
		typ := "bug"
		if i%2 == 1 {
			typ = "Ticket"
		}
		text := fmt.Appendf(nil, `{"status":"open","n":"%d"}`, i)
		t := Touch{Record: changeset.RecordID{Type: typ, UUID: record(i % max(1, rows/3))}, Key: sha1.Sum(text)}
		if i%3 == 0 {
			t.Text = text
		}
		if i%7 == 6 {
			t = Touch{Record: t.Record}
		}
		list = append(list, row{fmt.Appendf(nil, `{"changeset":%d,"padding":%q}`, i, strings.Repeat("x", i%200)), []Touch{t}})
	}
	return list
}

// record is a UUID that looks like a random one.
func record(i int) uuid.UUID { return uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)) }

// build writes a part into memory.
func build(t testing.TB, first uint32, rows []row) (afero.Fs, Ref) {
	t.Helper()
	var pack, table bytes.Buffer
	w := NewWriter(&pack, first)
	for _, r := range rows {
		if err := w.Add(r.object, r.touches); err != nil {
			t.Fatal(err)
		}
	}
	ref, err := w.Close(&table)
	if err != nil {
		t.Fatal(err)
	}
	fsys := afero.NewMemMapFs()
	for name, b := range map[string]*bytes.Buffer{ref.PackFile(): &pack, ref.TableFile(): &table} {
		if err := afero.WriteFile(fsys, name, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return fsys, ref
}

// versions reads what a part did to a record.
func versions(p *Part, rec changeset.RecordID) (list []string, err error) {
	touches, err := p.Touches(rec)
	for i := 0; err == nil && i < touches.Len(); i++ {
		var v changeset.Version
		var text bool
		if v, text, err = touches.At(i); err == nil {
			list = append(list, fmt.Sprintf("%d %x %t", v.Seq, v.Key, text))
		}
	}
	return list, err
}

func TestWhatIsWrittenIsFound(t *testing.T) {
	for _, n := range []int{1, 2, 30, 3000} {
		rows := sample(n)
		fsys, ref := build(t, 11, rows)
		if ref.First != 11 || ref.Last != uint32(10+n) {
			t.Fatalf("rows %d to %d", ref.First, ref.Last)
		}
		p, want := Open(fsys, "", ref, &Cache{}), map[changeset.RecordID][]string{}
		for i, r := range rows {
			seq := uint32(11 + i)
			touch := r.touches[0]
			checkRow(t, p, seq, r.object, touch)
			want[touch.Record] = append(want[touch.Record], fmt.Sprintf("%d %x %t", seq, touch.Key, touch.Text != nil))
		}
		for rec, list := range want {
			if got, err := versions(p, rec); err != nil || !slices.Equal(got, list) {
				t.Fatalf("%s has %q, %v, want %q", rec, got, err, list)
			}
		}
		checkNames(t, p, want)
	}
}

// checkRow reads a row of a part, in each way in which it is found.
func checkRow(t *testing.T, p *Part, seq uint32, object []byte, touch Touch) {
	t.Helper()
	if got, err := p.Changeset(seq); err != nil || !bytes.Equal(got, object) {
		t.Fatalf("row %d: %q, %v", seq, got, err)
	}
	if got, ok, err := p.Find(sha1.Sum(object)); got != seq || !ok || err != nil {
		t.Fatalf("row %d is found as %d, %t, %v", seq, got, ok, err)
	}
	if got, err := p.Text(seq, touch.Key); err != nil || !bytes.Equal(got, touch.Text) {
		t.Fatalf("text of row %d: %q, %v", seq, got, err)
	}
}

// checkNames compares the types and the records that a part names.
func checkNames(t *testing.T, p *Part, want map[changeset.RecordID][]string) {
	t.Helper()
	types, err := p.Types()
	if err != nil || !slices.IsSorted(types) {
		t.Errorf("types %q, %v", types, err)
	}
	found := 0
	for _, typ := range types {
		last := uuid.UUID{}
		for id, err := range p.Records(typ, uuid.UUID{}) {
			if err != nil || bytes.Compare(last[:], id[:]) > 0 || want[changeset.RecordID{Type: typ, UUID: id}] == nil {
				t.Errorf("%s %s after %s, %v", typ, id, last, err)
			}
			found++
			for from, err := range p.Records(typ, id) {
				if from != id || err != nil {
					t.Errorf("from %s on comes %s, %v", id, from, err)
				}
				break
			}
			last = id
		}
	}
	if found != len(want) {
		t.Errorf("%d records of %d", found, len(want))
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	fsys, ref := build(t, 1, sample(30))
	p := Open(fsys, "", ref, &Cache{})
	if _, ok, err := p.Find([20]byte{1}); ok || err != nil {
		t.Errorf("a key that no changeset has: %t, %v", ok, err)
	}
	for _, rec := range []changeset.RecordID{{Type: "bug"}, {Type: "bug", UUID: uuid.Max}, {Type: "aaa", UUID: record(1)}, {Type: "zzz", UUID: record(1)}} {
		if got, err := versions(p, rec); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", rec, got, err)
		}
	}
	for _, seq := range []uint32{0, 31} {
		if _, err := p.Changeset(seq); err == nil {
			t.Errorf("row %d is there", seq)
		}
	}
}

func TestRowsThatDoNotCountAreNotThere(t *testing.T) {
	rows := sample(30)
	fsys, ref := build(t, 5, rows)
	ref.Last = 14 // ten of them
	p := Open(fsys, "", ref, &Cache{})
	want := map[changeset.RecordID][]string{}
	for i, r := range rows[:10] {
		rec := r.touches[0].Record
		want[rec] = append(want[rec], fmt.Sprintf("%d %x %t", 5+i, r.touches[0].Key, r.touches[0].Text != nil))
	}
	for rec := range want {
		if got, err := versions(p, rec); err != nil || !slices.Equal(got, want[rec]) {
			t.Errorf("%s has %q, %v, want %q", rec, got, err, want[rec])
		}
	}
	checkNames(t, p, want)
	if _, ok, err := p.Find(sha1.Sum(rows[10].object)); ok || err != nil {
		t.Errorf("a changeset behind the last row is found: %t, %v", ok, err)
	}
}

func TestTextsOfARowAreBounded(t *testing.T) {
	r := row{object: []byte("{}")}
	for i := range 5 {
		text := bytes.Repeat([]byte{byte('a' + i)}, maxTexts/4)
		r.touches = append(r.touches, Touch{Record: changeset.RecordID{Type: "bug", UUID: record(i)}, Key: sha1.Sum(text), Text: text})
	}
	fsys, ref := build(t, 1, []row{r})
	p := Open(fsys, "", ref, &Cache{})
	for i, touch := range r.touches {
		list, err := versions(p, touch.Record)
		if kept := i < 4; err != nil || len(list) != 1 || strings.HasSuffix(list[0], "true") != kept {
			t.Errorf("record %d: %q, %v", i, list, err)
		}
	}
}

func TestAPartNeedsARow(t *testing.T) {
	if _, err := NewWriter(io.Discard, 1).Close(io.Discard); err == nil {
		t.Error("a part without rows was made")
	}
}

func TestReadPackYieldsTheRows(t *testing.T) {
	rows := sample(3000)
	fsys, ref := build(t, 1, rows)
	pack, _ := afero.ReadFile(fsys, ref.PackFile())
	i := 0
	for got, err := range ReadPack(bytes.NewReader(pack)) {
		if err != nil || !bytes.Equal(got.Changeset, rows[i].object) || (len(got.Texts) > 0) != (rows[i].touches[0].Text != nil) {
			t.Fatalf("row %d: %q, %d texts, %v", i, got.Changeset, len(got.Texts), err)
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d rows of %d", i, len(rows))
	}
}

// TestNoDamageIsTakenForTruth flips a bit of each byte, and cuts each file at every eighth: what is read is what was written, or an error.
func TestNoDamageIsTakenForTruth(t *testing.T) {
	rows := sample(5)
	fsys, ref := build(t, 1, rows)
	for _, name := range []string{ref.PackFile(), ref.TableFile()} {
		whole, _ := afero.ReadFile(fsys, name)
		for at := 0; at < len(whole); at += race.Step {
			flipped := bytes.Clone(whole)
			flipped[at] ^= 1 << (at / race.Step % 8)
			for i, b := range [][]byte{flipped, whole[:at]} {
				if i > 0 && at%8 > 0 {
					continue
				}
				afero.WriteFile(fsys, name, b, 0o666)
				readAll(t, fsys, ref, rows)
				if sum := map[string]Sum{ref.PackFile(): ref.Pack, ref.TableFile(): ref.Table}[name]; CheckFile(context.Background(), fsys, "", name, sum) == nil {
					t.Fatalf("%s with byte %d changed has the right sum", name, at)
				}
			}
		}
		afero.WriteFile(fsys, name, whole, 0o666)
		if err := CheckFile(context.Background(), fsys, "", name, map[string]Sum{ref.PackFile(): ref.Pack, ref.TableFile(): ref.Table}[name]); err != nil {
			t.Error(err)
		}
	}
}

// readAll reads all of a part, in each way that there is: what comes must be what was written.
func readAll(t *testing.T, fsys afero.Fs, ref Ref, rows []row) {
	t.Helper()
	p, want := Open(fsys, "", ref, &Cache{}), wanted(ref.First, rows)
	is := func(what string, err error, right bool) {
		t.Helper()
		if err != nil {
			checkDamage(t, err)
		} else if !right {
			t.Fatalf("%s is not what was written", what)
		}
	}
	for i, r := range rows {
		seq := ref.First + uint32(i)
		got, err := p.Changeset(seq)
		is("a changeset", err, bytes.Equal(got, r.object))
		at, ok, err := p.Find(sha1.Sum(r.object))
		is("the place of a changeset", err, ok && at == seq)
		text, err := p.Text(seq, r.touches[0].Key)
		is("a text", err, bytes.Equal(text, r.touches[0].Text))
		list, err := versions(p, r.touches[0].Record)
		is("what is known of a record", err, slices.Equal(list, want[r.touches[0].Record]))
	}
	found, err := names(p)
	is("the list of records", err, slices.Equal(found, slices.SortedFunc(maps.Keys(want), changeset.RecordID.Compare)))
}

// wanted are the versions of each record, as versions gives them.
func wanted(first uint32, rows []row) map[changeset.RecordID][]string {
	want := map[changeset.RecordID][]string{}
	for i, r := range rows {
		touch := r.touches[0]
		want[touch.Record] = append(want[touch.Record], fmt.Sprintf("%d %x %t", first+uint32(i), touch.Key, touch.Text != nil))
	}
	return want
}

// names are all records of a part.
func names(p *Part) (list []changeset.RecordID, err error) {
	types, err := p.Types()
	for _, typ := range types {
		for id, err := range p.Records(typ, uuid.UUID{}) {
			if err != nil {
				return nil, err
			}
			list = append(list, changeset.RecordID{Type: typ, UUID: id})
		}
	}
	slices.SortFunc(list, changeset.RecordID.Compare)
	return list, err
}

// checkDamage fails the test unless the error is that of a damaged file of a part.
func checkDamage(t *testing.T, err error) {
	t.Helper()
	if d := new(DamageError); !errors.As(err, &d) || !strings.HasSuffix(d.Path, PackExt) && !strings.HasSuffix(d.Path, TableExt) {
		t.Fatalf("an error that does not say where: %v", err)
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	fsys, ref := build(t, 1, sample(5))
	for _, name := range []string{ref.PackFile(), ref.TableFile()} {
		b, _ := afero.ReadFile(fsys, name)
		fsys.Remove(name)
		if _, err := Open(fsys, "", ref, &Cache{}).Changeset(1); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		afero.WriteFile(fsys, name, b, 0o666)
	}
}

// counting counts what is read of files.
type counting struct {
	afero.Fs
	opens int
	reads int
	bytes int
}

type countingFile struct {
	afero.File
	c *counting
}

func (c *counting) Open(name string) (afero.File, error) {
	c.opens++
	f, err := c.Fs.Open(name)
	return countingFile{f, c}, err
}

func (f countingFile) ReadAt(b []byte, at int64) (int, error) {
	f.c.reads++
	f.c.bytes += len(b)
	return f.File.ReadAt(b, at)
}

func TestALookupReadsLittleOfALargePart(t *testing.T) {
	fsys, ref := build(t, 1, sample(20_000))
	info, _ := fsys.Stat(ref.TableFile())
	c := &counting{Fs: fsys}
	for i := range 20 {
		*c = counting{Fs: fsys}
		p := Open(c, "", ref, &Cache{}) // a process of its own
		if list, err := versions(p, changeset.RecordID{Type: "bug", UUID: record(i * 300)}); len(list) == 0 || err != nil {
			t.Fatalf("record %d: %q, %v", i, list, err)
		}
		if c.reads > 15 || c.bytes > 15*pageSize {
			t.Errorf("the versions of a record take %d reads, %d bytes of %d", c.reads, c.bytes, info.Size())
		}
		if _, err := p.Changeset(uint32(i*900 + 1)); err != nil || c.reads > 20 {
			t.Errorf("a changeset more: %d reads, %v", c.reads, err)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var c Cache
	for i := range uint32(100) {
		c.put(cacheKey{number: i}, make([]byte, 1<<20))
	}
	if kept := len(c.pieces); kept != cacheSize>>20 || c.get(cacheKey{number: 99}) == nil { // one goes for one that comes, not all
		t.Errorf("%d pieces are kept", kept)
	}
}

func TestListRoundTrip(t *testing.T) {
	l := List{{1, 10, Sum{1}, Sum{2}}, {11, 11, Sum{3}, Sum{4}}, {20, 1<<32 - 1, Sum{5}, Sum{6}}}
	text := l.Encode()
	if got, err := ParseList(text); err != nil || !slices.Equal(got, l) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ParseList(List{}.Encode()); len(got) > 0 || err != nil {
		t.Errorf("an empty list: %v, %v", got, err)
	}
	for i := range text {
		flipped := []byte(text)
		flipped[i] ^= 1
		if got, err := ParseList(string(flipped)); err == nil {
			t.Errorf("with byte %d changed: %v", i, got)
		}
		if got, err := ParseList(text[:i]); err == nil {
			t.Errorf("cut after %d bytes: %v", i, got)
		}
	}
	for _, bad := range []List{{{0, 1, Sum{}, Sum{}}}, {{2, 1, Sum{}, Sum{}}}, {{1, 5, Sum{}, Sum{}}, {5, 6, Sum{}, Sum{}}}} {
		if got, err := ParseList(bad.Encode()); err == nil {
			t.Errorf("%v was parsed", got)
		}
	}
}

func TestAListHasRoomForSoManyParts(t *testing.T) {
	var l List
	for i := range uint32(MaxParts) {
		l = append(l, Ref{First: 1<<32 - 2*MaxParts + i, Last: 1<<32 - 2*MaxParts + i})
	}
	if got, err := ParseList(l.Encode()); err != nil || len(got) != MaxParts {
		t.Errorf("%d parts, %v", len(got), err)
	}
	for text, want := range map[string]string{strings.Repeat("x", MaxList+1): "it is longer than 65536 bytes", "parts": `it does not begin with "prophet parts 1`} {
		if _, err := ParseList(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestAFrameOfAnotherLengthIsTold(t *testing.T) {
	var pack bytes.Buffer
	w := NewWriter(&pack, 1)
	w.Add([]byte("{}"), nil)
	w.Close(io.Discard)
	for by, want := range map[uint32]string{1: "10 bytes come out of it, its head says 11", ^uint32(0): "not a frame of a pack: "} {
		b := bytes.Clone(pack.Bytes()[packBegin:])
		binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])+by)
		binary.BigEndian.PutUint32(b[12:], frameSum(b))
		if _, _, err := decodeFrame(b); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "%!") {
			t.Errorf("%d more: %v", int32(by), err)
		}
	}
}

func TestListCoversAndIsCut(t *testing.T) {
	l := List{{First: 1, Last: 10}, {First: 15, Last: 20}}
	for row, want := range map[uint32]string{1: "0 true", 10: "0 true", 11: "1 false", 15: "1 true", 20: "1 true", 21: "2 false"} {
		i, ok := l.Covering(row)
		if got := fmt.Sprint(i, ok); got != want {
			t.Errorf("row %d: %s, want %s", row, got, want)
		}
	}
	for last, want := range map[uint32]List{0: nil, 4: {{First: 1, Last: 4}}, 12: l[:1], 16: {l[0], {First: 15, Last: 16}}, 30: l} {
		if got := l.Cut(last); !slices.Equal(got, want) {
			t.Errorf("cut after %d: %v", last, got)
		}
	}
}
