package parts

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/afero"
)

// full takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// A table ends where the disk is full, at whichever page that is.
func TestATableThatCannotBeWrittenEnds(t *testing.T) {
	fsys, ref := build(t, 1, sample(3000))
	info, err := fsys.Stat(ref.TableFile())
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	for room := 0; room < int(info.Size()); room += pageSize {
		var pack bytes.Buffer
		w := NewWriter(&pack, 1)
		for _, r := range sample(3000) {
			if err := w.Add(r.object, r.touches); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Close(&full{room}); !errors.Is(err, errFull) {
			t.Fatalf("with room for %d bytes of %d: %v", room, info.Size(), err)
		}
		pages++
	}
	if pages < 10 {
		t.Errorf("a table of %d pages", pages)
	}
}

// The header is on the first page, which is read with the length.
func TestToOpenALargeTableTakesItsFirstPage(t *testing.T) {
	fsys, ref := build(t, 1, sample(20_000))
	if info, err := fsys.Stat(ref.TableFile()); err != nil || info.Size() <= smallTable {
		t.Fatalf("the table is %v, %v", info, err)
	}
	c := &counting{Fs: fsys}
	if _, err := openTable(c, ref.TableFile(), ref, new(Cache)); err != nil || c.opens != 1 || c.bytes != pageSize {
		t.Errorf("it takes %d opens and %d bytes, %v", c.opens, c.bytes, err)
	}
}

// All entries are read in order, in few reads, and none of them fill the cache.
func TestWhoReadsAllEntriesReadsManyAtOnce(t *testing.T) {
	const n = 3 * runPages * pageContent / recordEntry
	var out bytes.Buffer
	w := newPageWriter(&out)
	w.write(make([]byte, pageContent+7)) // what stands before them
	for i := range n {
		w.write(appendRecord(nil, record(i), 0))
	}
	w.endPage()
	c := &counting{Fs: afero.NewMemMapFs()}
	write := func() {
		if err := afero.WriteFile(c.Fs, "table", out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	open := func() *table {
		return &table{pages: pages{fs: c, name: "table", cache: new(Cache)}, recordAt: array{pageContent + 7, n, recordEntry}, header: header{records: n}, absent: new(absent)}
	}
	whole, i := open(), 0
	if err := whole.each(whole.recordAt, func(entry []byte) {
		if want := record(i); !bytes.HasPrefix(entry, want[:]) {
			t.Fatalf("entry %d is %x, want %s", i, entry, want)
		}
		i++
	}); err != nil || i != n {
		t.Fatalf("%d entries of %d, %v", i, n, err)
	}
	if c.reads != 4 || whole.cache.bytes > 0 {
		t.Errorf("%d reads, the cache has %d bytes", c.reads, whole.cache.bytes)
	}
	asked := func(a *table) bool { // whether it knows then which records it lacks
		for range 64 + a.records/1024 {
			a.lacks(record(n))
		}
		return a.absent.bits.Load() != nil
	}
	if !asked(open()) {
		t.Error("however often it is asked, a table does not look which records it lacks")
	}

	out.Bytes()[(runPages+3)*pageSize] ^= 1
	write()
	damaged := open()
	if err := damaged.each(damaged.recordAt, func([]byte) {}); !errors.As(err, new(*DamageError)) {
		t.Errorf("a page is damaged: %v", err)
	}
	if asked(damaged) {
		t.Error("a table that cannot be read tells which records it lacks")
	}
}
