package parts

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
)

// paged is content in pages with their checksums.
func paged(content []byte) []byte {
	var b bytes.Buffer
	w := newPageWriter(&b)
	w.write(content)
	w.endPage()
	return b.Bytes()
}

// content takes the pages apart.
func content(table []byte) (b []byte) {
	for page := range slices.Chunk(table, pageSize) {
		b = append(b, page[:pageContent]...)
	}
	return b
}

func FuzzList(f *testing.F) {
	f.Add(List{{1, 10, Sum{1}, Sum{2}}, {11, 12, Sum{3}, Sum{4}}}.Encode())
	f.Add(listHead + sumWord + "00000000")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := ParseList(text); err == nil && l.Encode() != text {
			t.Errorf("%q became %q", text, l.Encode())
		}
	})
}

// FuzzTable has tables whose pages bear their checksums, and whose content is anything.
func FuzzTable(f *testing.F) {
	fsys, ref := build(f, 1, sample(40))
	pack, _ := afero.ReadFile(fsys, ref.PackFile())
	table, _ := afero.ReadFile(fsys, ref.TableFile())
	f.Add(content(table))
	short := content(table)
	binary.BigEndian.PutUint32(short[16+4:], 1<<31)
	f.Add(short)
	f.Fuzz(func(t *testing.T, b []byte) {
		fsys := afero.NewMemMapFs()
		afero.WriteFile(fsys, ref.PackFile(), pack, 0o666)
		afero.WriteFile(fsys, ref.TableFile(), paged(b), 0o666)
		p := Open(fsys, "", ref, &Cache{})
		told := func(err error) {
			if err != nil {
				checkDamage(t, err)
			}
		}
		for row := ref.First; row <= ref.Last; row++ {
			_, err := p.Changeset(row)
			told(err)
			_, err = p.Text(row, [20]byte{})
			told(err)
		}
		_, _, err := p.Find([20]byte{1})
		told(err)
		types, err := p.Types()
		told(err)
		for _, typ := range append(types, "bug") {
			n := 0
			for id, err := range p.Records(typ, uuid.UUID{}) {
				told(err)
				if err == nil {
					_, err = versions(p, changeset.RecordID{Type: typ, UUID: id})
					told(err)
				}
				if n++; n > 100 {
					break
				}
			}
		}
	})
}

// FuzzPack has packs of one frame whose checksum is right, and whose content is anything.
func FuzzPack(f *testing.F) {
	f.Add(uint32(1), []byte("\x00\x00\x00\x02{}\x00\x00\x00\x01\xab\xcd\xef\x01\x00\x00\x00\x02[]"))
	f.Add(uint32(2), []byte("\x00\x00\x00\x02{}\x00\x00\x00\x00\x00\x00\x00\x02{}\x00\x00\x00\x00"))
	f.Add(uint32(1), []byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, rows uint32, raw []byte) {
		var pack bytes.Buffer
		w := NewWriter(&pack, 1)
		w.raw, w.rows = raw, rows
		w.endFrame()
		n := uint32(0)
		for row, err := range ReadPack(bytes.NewReader(pack.Bytes())) {
			if err != nil {
				return
			}
			if n++; len(row.Changeset) > len(raw) {
				t.Errorf("a changeset of %d bytes out of %d", len(row.Changeset), len(raw))
			}
		}
		if len(raw) > 0 && n != rows {
			t.Errorf("%d rows of %d", n, rows)
		}
	})
}

// FuzzFrame has frames of any bytes.
func FuzzFrame(f *testing.F) {
	var pack bytes.Buffer
	w := NewWriter(&pack, 1)
	w.Add([]byte("{}"), nil)
	w.Close(io.Discard)
	f.Add(pack.Bytes()[packBegin:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if rows, raw, err := decodeFrame(b); err == nil && (rows == 0 || len(raw) > maxFrame) {
			t.Errorf("%d rows, %d bytes", rows, len(raw))
		}
	})
}
