package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/race"
)

// What a fuzzer finds in a head comes out of it again.
func FuzzHead(f *testing.F) {
	var log made
	log.more(300, newRand(f))
	m := newMirror()
	m.extend(f, &log)
	f.Add(m.head.Encode())
	f.Add([]byte(`{"prophet":1,"crc32c":"00000000","v1":true,"files":{},"logs":[{},{},{}]}`))
	f.Add([]byte(`{"prophet":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = resealed(b)
		h, err := ParseHead(b)
		if err != nil {
			return
		}
		again, err := ParseHead(h.Encode())
		if err != nil || !bytes.Equal(again.Encode(), h.Encode()) {
			t.Fatalf("%v: %s\nfrom %s", err, h.Encode(), b)
		}
		for i := range h.Logs {
			_, _ = h.Rows(i)
			_ = h.Check(context.Background(), afero.NewMemMapFs(), i, func(*Frame) error { return nil }, func(Pack, error) {})
		}
	})
}

// resealed gives a head the checksum that it should have.
func resealed(b []byte) []byte {
	line := bytes.TrimSuffix(b, []byte("\n"))
	if len(line) < len(beforeSum)+len(noSum)+len(afterSum) || !bytes.HasPrefix(line, []byte(beforeSum)) {
		return b
	}
	line = bytes.Clone(line)
	const digits = "0123456789abcdef"
	sum := sumOf(line)
	for i := range len(noSum) {
		line[len(beforeSum)+i] = digits[sum>>(28-4*i)&15]
	}
	return line
}

func FuzzDirectory(f *testing.F) {
	d := directory{log: Votes, first: 7, sections: []section{{rows: 3, json: 400, content: 300, packed: 200}, {rows: 1, json: 4, content: 3, packed: 2}}}
	f.Add(d.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDirectory(b)
		if err == nil && !bytes.Equal(d.encode(), b) {
			t.Fatalf("%x from %x", d.encode(), b)
		}
	})
}

// Whatever the content of a frame, it has the rows and bytes that were asked for, or there is an error; and what it has goes into a frame again.
func FuzzFrame(f *testing.F) {
	for _, asTheyAre := range []bool{false, true} {
		var log made
		log.more(30, newRand(f))
		e := newEncoder(asTheyAre)
		for _, it := range log.entries {
			e.add(it)
		}
		f.Add(e.content(), uint16(len(log.entries)), uint32(e.json))
	}
	f.Fuzz(func(t *testing.T, content []byte, rows uint16, size uint32) {
		s := section{rows: uint32(rows), json: size % frameJSON, content: uint32(len(content))}
		if s.check() != nil {
			return
		}
		frame, err := decodeFrame(content, 1, int(s.rows), int(s.json))
		if err != nil {
			return
		}
		var entries []Entry
		for i, row := range frame.Rows {
			raw := frame.Raw(i)
			if c, err := changeset.Decode(raw); raw != nil && (err != nil || c.ID != row.ID) {
				return // whoever reads it is told
			}
			entries = append(entries, Entry{row, raw})
		}
		if _, _, err := seal(entries); err != nil {
			t.Fatal(err)
		}
	})
}

// A frame that holds more than it says, in one way or another, is refused before that much memory is taken.
func TestAFrameThatLiesIsRefused(t *testing.T) {
	var log made
	log.more(50, newRand(t))
	packed, good, err := seal(log.entries)
	check(t, err)
	bomb, err := compress(make([]byte, 64<<20))
	check(t, err)
	lies := map[string]func(s *section, b []byte) []byte{
		"no rows":              func(s *section, b []byte) []byte { s.rows = 0; return b },
		"a billion rows":       func(s *section, b []byte) []byte { s.rows = 1e9; return b },
		"a row more":           func(s *section, b []byte) []byte { s.rows++; return b },
		"a row less":           func(s *section, b []byte) []byte { s.rows--; return b },
		"a byte more":          func(s *section, b []byte) []byte { s.json++; return b },
		"a byte less":          func(s *section, b []byte) []byte { s.json--; return b },
		"4 GB of changesets":   func(s *section, b []byte) []byte { s.json = 1<<32 - 1; return b },
		"more content":         func(s *section, b []byte) []byte { s.content++; return b },
		"less content":         func(s *section, b []byte) []byte { s.content--; return b },
		"4 GB of content":      func(s *section, b []byte) []byte { s.content = 1<<32 - 1; return b },
		"other bytes":          func(s *section, b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":                  func(s *section, b []byte) []byte { return b[:len(b)-1] },
		"a bomb":               func(s *section, b []byte) []byte { return bomb },
		"a bomb that says so":  func(s *section, b []byte) []byte { s.content = 64 << 20; return bomb },
		"more than compresses": func(s *section, b []byte) []byte { return append(b, 0) },
	}
	for name, lie := range lies {
		s, b := good, bytes.Clone(packed)
		b = lie(&s, b)
		if name != "other bytes" && name != "cut" {
			s.packed, s.sum = uint32(len(b)), sumOfFrame(b)
		}
		if _, err := unseal(b, 1, s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := unseal(packed, 1, good); err != nil {
		t.Error(err)
	}
}

func TestAHeadThatLiesIsRefused(t *testing.T) {
	var log made
	m := newMirror()
	log.more(4000, newRand(t))
	m.extend(t, &log)
	log.more(5, newRand(t))
	m.extend(t, &log)
	if len(m.head.Logs[Log].Packs) == 0 || m.head.Logs[Log].Rows == 0 {
		t.Fatalf("%+v", m.head.Logs[Log])
	}
	l := func(h *Head) *LogHead { return &h.Logs[Log] }
	lies := map[string]func(h *Head){
		"a gap":                   func(h *Head) { l(h).Packs[0].First++ },
		"a pack that ends before": func(h *Head) { l(h).Packs[0].Last = 0 },
		"a billion rows":          func(h *Head) { l(h).Packs[0].Last = 1e9 },
		"no room for a frame":     func(h *Head) { l(h).Packs[0].Bytes = 10 },
		"a huge pack":             func(h *Head) { l(h).Packs[0].Bytes = 1 << 40 },
		"a path":                  func(h *Head) { l(h).Packs[0].Name = "../../" + l(h).Packs[0].Name[6:] },
		"capitals":                func(h *Head) { l(h).Packs[0].Name = strings.ToUpper(l(h).Packs[0].Name) },
		"a directory of half":     func(h *Head) { l(h).Packs[0].Directory++ },
		"a negative directory":    func(h *Head) { l(h).Packs[0].Directory = 1<<32 - 1 },
		"rows without bytes":      func(h *Head) { l(h).Newest = nil },
		"bytes without rows":      func(h *Head) { l(h).Rows = 0 },
		"4 GB in the head":        func(h *Head) { l(h).JSON = 1<<32 - 1 },
		"more packs than any":     func(h *Head) { l(h).Before = make([]Pack, 17) },
		"another number":          func(h *Head) { h.Files[changeset.LatestFile] = "3" },
		"no number":               func(h *Head) { h.Files[changeset.LatestFile] = "many" },
	}
	good := m.head.Encode()
	for name, lie := range lies {
		h, err := ParseHead(good)
		check(t, err)
		lie(h)
		if _, err := ParseHead(h.Encode()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for at := 0; at < len(good); at += race.Step {
		b := bytes.Clone(good)
		b[at] ^= 4
		if h, err := ParseHead(b); err == nil && !bytes.Equal(h.Encode(), good) {
			t.Errorf("byte %d flipped: no error", at)
		}
	}
}

// A pack whose directory is another one than its name says, or than the head, is refused.
func TestAPackThatLiesIsRefused(t *testing.T) {
	var log made
	m := newMirror()
	log.more(4000, newRand(t))
	m.extend(t, &log)
	ref := m.head.Logs[Log].Packs[0]
	good, err := afero.ReadFile(m.fs, PackFile(ref.Name))
	check(t, err)
	lies := map[string]func(d *directory, p *Pack){
		"another name":  func(_ *directory, p *Pack) { p.Name = strings.Repeat("0", 64) },
		"another log":   func(d *directory, _ *Pack) { d.log = Votes },
		"other rows":    func(d *directory, _ *Pack) { d.first = 2 },
		"fewer rows":    func(d *directory, _ *Pack) { d.sections[0].rows-- },
		"more bytes":    func(d *directory, _ *Pack) { d.sections[0].packed++ },
		"another frame": func(d *directory, _ *Pack) { d.sections[0].sum[7] ^= 1 },
	}
	for name, lie := range lies {
		d, err := parseDirectory(good[:ref.Directory])
		check(t, err)
		p := ref
		lie(d, &p)
		encoded := d.encode()
		if p.Name == ref.Name {
			p.Name = packName(encoded)
		}
		check(t, afero.WriteFile(m.fs, PackFile(p.Name), append(encoded, good[ref.Directory:]...), 0o666))
		_, err = (&pack{Pack: p, fs: m.fs}).frame(1, p.Last)
		if fault := (*PackError)(nil); !errors.As(err, &fault) || fault.Path != PackFile(p.Name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = parseDirectory(binary.BigEndian.AppendUint32(good[:len(magic)+8:len(magic)+8], 1<<31))
	if err == nil {
		t.Error("two billion frames: no error")
	}
}
