package hostile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/minio/sha256-simd"

	"prophet/changeset"
	"prophet/internal/wire"
	"prophet/replica"
)

// attacksByPacks are those by packs and their head, in a mirror that has nothing else.
func attacksByPacks() []Attack {
	packed := func(lie func(m *Mirror)) func(m *Mirror) {
		return func(m *Mirror) {
			m.replaced(m.Packed)
			lie(m)
		}
	}
	head := func(lie func(h *wire.Head)) func(m *Mirror) { return packed(func(m *Mirror) { m.head(lie) }) }
	junk := func(text string) func(m *Mirror) { return packed(func(m *Mirror) { m.text(wire.HeadFile, text) }) }
	frame := func(f forgedFrame) func(m *Mirror) { return packed(func(m *Mirror) { m.pack(f) }) }
	first := func(lie func(p *wire.Pack)) func(m *Mirror) {
		return head(func(h *wire.Head) { lie(&h.Logs[wire.Log].Packs[0]) })
	}
	alone := func(lie func(m *Mirror)) func(m *Mirror) { // no pack that was superseded can take its place
		return packed(func(m *Mirror) {
			m.head(func(h *wire.Head) { h.Logs[wire.Log].Before = nil })
			lie(m)
		})
	}
	bytesOf := func(lie func(b []byte) []byte) func(m *Mirror) {
		return alone(func(m *Mirror) { m.write(m.packFile(), lie(bytes.Clone(m.file(m.packFile())))) })
	}
	flip := func(at func(b []byte) int) func(m *Mirror) {
		return bytesOf(func(b []byte) []byte { b[at(b)] ^= 1; return b })
	}
	zeros := compressed(make([]byte, 64<<20))
	return []Attack{
		both("a head that is junk", "prophet/head is damaged", junk("\x1b]0;x\a{")),
		both("a head that is empty", "prophet/head is damaged", junk("")),
		both("a head that is nested deep", "prophet/head is damaged: .*exceeded max depth", junk(`{"prophet":1,"x":`+strings.Repeat("[", 500_000))),
		both("a head of tomorrow", "it is of version 9", junk(`{"prophet":9}`)),
		both("a head with another checksum", "its checksum is", packed(func(m *Mirror) {
			m.write(wire.HeadFile, bytes.Replace(m.file(wire.HeadFile), []byte(`"v1":false`), []byte(`"v1":true `), 1))
		})),
		both("an endless head", "larger than the 16777216 bytes", packed(func(m *Mirror) { m.answer(wire.HeadFile, repeat(make([]byte, 1<<16))) })).heavy(),
		both("a gzip bomb in place of a head", "larger than the 16777216 bytes", packed(func(m *Mirror) {
			m.answer(wire.HeadFile, bomb(make([]byte, 1<<20), 1<<10))
		})).heavy(),
		both("a pack named by a path", "is no name of a pack", first(func(p *wire.Pack) { p.Name = "../../../etc/passwd" })),
		both("a pack of 2⁴⁰ bytes", "has 1099511627776 bytes", first(func(p *wire.Pack) { p.Bytes = 1 << 40 })),
		both("a pack of -1 bytes", "has -1 bytes", first(func(p *wire.Pack) { p.Bytes = -1 })),
		both("a directory of 4 GB", "a directory of 4294967295 bytes", first(func(p *wire.Pack) { p.Directory = 1<<32 - 1 })),
		both("a billion rows in packs", "claims that its log has \\d+ rows that were not read", head(func(h *wire.Head) { claim(h, 1_000_000_000) })),
		both("a million rows in a pack of a few", "and the head says otherwise", head(func(h *wire.Head) { claim(h, 1_000_000) })),
		both("a billion rows in a frame of the head", "a frame of 1000000000 rows", head(func(h *wire.Head) {
			h.Logs[wire.Log] = wire.LogHead{Newest: []byte("x"), Rows: 1e9, JSON: 1, Bytes: 1}
			h.Files[changeset.LatestFile] = "1000000000"
		})),
		both("a number that is not that of the rows", "says 3, and it has", head(func(h *wire.Head) { h.Files[changeset.LatestFile] = "3" })),
		both("last rows that are a bomb", "prophet/head is damaged: decompress its last rows", head(func(h *wire.Head) { h.Logs[wire.Log].Tail = zeros })),
		both("last rows of another log", "went back|holds changeset|another state|file does not exist|is missing", head(func(h *wire.Head) {
			l := &h.Logs[wire.Log]
			var rows []byte
			for seq := range l.Latest() {
				rows = changeset.AppendRow(rows, changeset.Row{Seq: seq + 1, ID: lie(seq + 1).ID, Key: [20]byte{1, byte(seq)}})
			}
			l.Tail = compressed(rows)
		})),
		both("a pack that is not there", "\\.pack is missing: fetch .*: file does not exist", alone(func(m *Mirror) { delete(m.files, m.at(m.packFile())) })),
		both("a pack that is empty", "\\.pack is damaged: it ends after 0 bytes", bytesOf(func([]byte) []byte { return []byte{} })),
		both("a pack that is cut", "\\.pack is damaged: it ends after", bytesOf(func(b []byte) []byte { return b[:len(b)-1] })),
		both("a pack with another directory", "the SHA-256 of its directory is not its name", flip(func([]byte) int { return 40 })),
		both("a pack with another frame", "its SHA-256 is another one", flip(func(b []byte) int { return len(b) - 3 })),
		both("a pack without end, without Range", "larger than the", packed(func(m *Mirror) { m.answer(m.packFile(), repeat(make([]byte, 1<<20))) })).heavy(),
		both("a part of a pack that is another one", "the server sent bytes", packed(func(m *Mirror) {
			m.answer(m.packFile(), func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Range", "bytes 5-9/9223372036854775807")
				w.WriteHeader(http.StatusPartialContent)
				w.Write([]byte("12345"))
			})
		})),
		both("a frame that is a bomb", "decompress it", frame(forgedFrame{rows: 8, json: 4 << 20, content: 4 << 20, sent: zeros})),
		both("a frame that says it is a bomb", "a frame of 67108864 bytes", frame(forgedFrame{rows: 8, json: 4 << 20, content: 64 << 20, sent: zeros})),
		both("a frame of 4 GB of changesets", "a frame with 4294967295 bytes", frame(forgedFrame{rows: 8, json: 1<<32 - 1, content: 1, sent: []byte("x")})),
		both("a frame of a billion rows", "a frame of 1000000000 rows|claims that its log has", frame(forgedFrame{rows: 1e9, json: 100, content: 1, sent: []byte("x")})),
		both("a frame that is no zstd", "decompress it", frame(forgedFrame{rows: 8, json: 100, content: 100, sent: bytes.Repeat([]byte("x"), 50)})),
		both("a frame of nothing", "a column ends early", frame(plainFrame(8, 100, nil))),
		both("a frame of a billion columns", "is too much", frame(plainFrame(8, 100, varints(8, 1_000_000_000)))),
		both("a frame with columns of 4 GB", "is too much", frame(plainFrame(8, 100, varints(8, 0, 1<<32)))),
		both("a frame of rows of no kind", "unknown kind", frame(columnsFrame(8, 100, [][]byte{bytes.Repeat([]byte{255}, 8)}, nil))),
		both("a frame of verbatim rows that are no JSON", "want an object", frame(columnsFrame(2, 100, [][]byte{{1, 1}, 11: append(varints(50), bytes.Repeat([]byte("x"), 60)...)}, nil))),
		both("a changeset with the number 2³²", "the number \\d+ of a changeset", frame(columnsFrame(1, 500, changesetColumns(1<<33), nil))),
		both("a changeset whose old values grow", "more than the 4194304 bytes", frame(growing())),
		both("rows that are lost and not listed", "went back|file does not exist", packed(func(m *Mirror) {
			var rows []byte
			for seq := range uint32(8) {
				row := changeset.AppendRow(nil, changeset.Row{Seq: seq + 1, ID: lie(seq + 1).ID, Key: [20]byte{1, byte(seq)}})
				rows = append(rows, row[4:]...)
			}
			m.pack(columnsFrame(8, 0, [][]byte{bytes.Repeat([]byte{2}, 8), 11: rows}, nil))
		})),
		{Name: "a head that shows yesterday's state", Old: true, Lie: func(m *Mirror) { m.replaced(m.PackedYesterday) },
			Harmless: "a clone gets that state", Alone: true, Pull: "shows an earlier state than it did before"},
		{Name: "a head that is junk beside a tree", Lie: func(m *Mirror) { m.text(wire.HeadFile, "junk") }, Harmless: "it is told, and the tree is read"},
		{Name: "a head beside a tree, whose packs are not there", Lie: func(m *Mirror) {
			m.write(wire.HeadFile, m.Packed[m.at(wire.HeadFile)])
			m.head(func(h *wire.Head) { h.Tree = true })
		}, Harmless: "it is told, and the tree is read"},
	}
}

// head changes the head of the mirror.
func (m *Mirror) head(lie func(h *wire.Head)) {
	h, err := wire.ParseHead(m.file(wire.HeadFile))
	if err != nil {
		panic(err) // it was honest until now
	}
	lie(h)
	m.write(wire.HeadFile, h.Encode())
}

// packFile is the pack of the log.
func (m *Mirror) packFile() (file string) {
	m.head(func(h *wire.Head) { file = wire.PackFile(h.Logs[wire.Log].Packs[0].Name) })
	return file
}

// claim says that the log has so many rows. The mark goes, so that nothing contradicts it.
func claim(h *wire.Head, rows uint32) {
	l := &h.Logs[wire.Log]
	l.Packs[len(l.Packs)-1].Last = rows
	l.Tail = nil
	h.Files[changeset.LatestFile] = strconv.FormatUint(uint64(rows), 10)
	h.Files[replica.MirrorMark] = ""
}

// forgedFrame is a frame with what its directory says of it.
type forgedFrame struct {
	rows, json, content uint32
	sent                []byte
}

// plainFrame is a frame of a content.
func plainFrame(rows, json uint32, content []byte) forgedFrame {
	return forgedFrame{rows, json, uint32(len(content)), compressed(content)}
}

// columnsFrame is a frame of columns, of which those that come last may be missing.
func columnsFrame(rows, json uint32, columns, values [][]byte) forgedFrame {
	const all = 12
	columns = append(slices.Clone(columns), make([][]byte, all-len(columns))...)
	content := varints(uint64(rows), uint64(len(values)))
	for _, c := range slices.Concat(columns, values) {
		content = binary.AppendUvarint(content, uint64(len(c)))
	}
	return plainFrame(rows, json, append(content, bytes.Join(slices.Concat(columns, values), nil)...))
}

// changesetColumns are those of a changeset without changes, whose number is so far above the first one.
func changesetColumns(above int64) [][]byte {
	return [][]byte{{0}, binary.AppendVarint([]byte{0}, above), mallory[:], {1, 0}, {0}, {0}, 10: {0}}
}

// growing is a changeset that writes a long text to a property again and again, so that each old value follows.
func growing() forgedFrame {
	const changes = 100
	text := strings.Repeat("x", 1<<19)
	columns := [][]byte{bytes.Repeat([]byte{0}, changes), nil, slices.Concat(mallory[:], mallory[:]), nil, nil, nil, bytes.Repeat([]byte{2}, changes), nil, nil, bytes.Repeat([]byte{1}, changes), []byte("\x00\x06Ticket\x01x")}
	for i := range changes {
		columns[1] = append(columns[1], 0, 0)
		columns[3] = append(columns[3], 1, 0)
		columns[4] = append(columns[4], 0)
		columns[5] = append(columns[5], 1)
		if i == 0 {
			columns[5] = append(columns[5], 0, 1)
			columns[8] = append(columns[8], 0, 1, 2)
			continue
		}
		columns[5] = append(columns[5], 1)
		columns[8] = append(columns[8], 0)
	}
	var values []byte
	for range changes {
		values = append(append(values, text[:len(text)/changes*6]...), 0)
	}
	return columnsFrame(changes, 4<<20, columns, [][]byte{values})
}

// pack makes the log be one pack with that frame. The mark goes, so that nothing contradicts it.
func (m *Mirror) pack(f forgedFrame) {
	b := append([]byte("prophet wire 1\n\n"), make([]byte, 4)...)
	for _, n := range []uint32{1, 1, f.rows, f.json, f.content, uint32(len(f.sent))} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	sum := sha256.Sum256(f.sent)
	b = append(b, sum[:]...)
	named := sha256.Sum256(b)
	p := wire.Pack{First: 1, Last: f.rows, Bytes: int64(len(b) + len(f.sent)), Directory: uint32(len(b)), Name: hex.EncodeToString(named[:])}
	m.write(wire.PackFile(p.Name), append(b, f.sent...))
	m.head(func(h *wire.Head) {
		h.Logs[wire.Log] = wire.LogHead{Packs: []wire.Pack{p}}
		claim(h, f.rows)
	})
}

func varints(numbers ...uint64) (b []byte) {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func compressed(b []byte) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return z.EncodeAll(b, nil)
}
