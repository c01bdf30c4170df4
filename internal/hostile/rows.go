package hostile

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"prophet/changeset"
)

// attacksByRow are those by the index of a log, and by the number that counts its rows.
func attacksByRow() []Attack {
	change := func(f func(rows []changeset.Row) []changeset.Row) func(m *Mirror) {
		return func(m *Mirror) { m.setRows(main, f(m.rows(main))) }
	}
	number := func(name, text, fault string) Attack {
		return both("a number of rows that is "+name, fault, func(m *Mirror) { m.text(changeset.LatestFile, text) }).ofAll()
	}
	return []Attack{
		number("negative", "-1", "is not a number"),
		number("beyond 2³²", "4294967296", "is not a number"),
		number("a word", "many", "is not a number"),
		number("empty", "", "it is empty"),
		number("5,000 digits", strings.Repeat("1", 5000), "it is longer than 4096 bytes"),
		both("4,294,967,295 rows claimed, few there", "it ends before row|a pull takes up 2097152", func(m *Mirror) { m.count(main, 1<<32-1) }),
		both("4,294,967,295 rows claimed, few there, of the resolutions", "a pull takes up 2097152", func(m *Mirror) { m.count(votes, 1<<32-1) }),
		both("4,294,967,295 rows claimed, and made up as they are asked for", "file does not exist|a pull takes up 2097152", func(m *Mirror) {
			m.count(main, 1<<32-1)
			m.answer(changeset.IndexFile, madeUpRows(m.rows(main)))
		}),
		{Name: "2,000,000 rows that are made up as they are asked for", Lie: func(m *Mirror) {
			rows := m.rows(main)
			m.addBytes(main, lie(1).ID, lie(1).Encode())
			m.count(main, 2_000_000)
			m.answer(changeset.IndexFile, madeUpRows(rows))
			last := madeUpRow(2_000_000 - 1)
			m.write(changeset.ObjectPath(changeset.ChangesetObjects, last.Key), lie(1).Encode())
		}, Clone: "is damaged|file does not exist", Pull: "file does not exist", Long: true},
		both("2,000,000 rows claimed, in one endless answer", "larger than the 134217728 bytes", func(m *Mirror) {
			b := slices.Repeat(m.file(changeset.IndexFile), 1<<10)
			m.count(main, 2_000_000)
			m.answer(changeset.IndexFile, repeat(b))
		}).heavy(),
		both("2,000,000 rows of the resolutions, in one endless answer", "larger than the 134217728 bytes", func(m *Mirror) {
			m.count(votes, 2_000_000)
			m.answer(votes+changeset.IndexFile, repeat(make([]byte, 1<<16)))
		}).long(),
		both("a row number that repeats", "it bears the number", change(func(rows []changeset.Row) []changeset.Row {
			rows[len(rows)-1].Seq--
			return rows
		})),
		both("row numbers that go back", "it bears the number", change(func(rows []changeset.Row) []changeset.Row {
			rows[len(rows)-2], rows[len(rows)-1] = rows[len(rows)-1], rows[len(rows)-2]
			return rows
		})),
		both("a row number 0", "sequence number 0", change(func(rows []changeset.Row) []changeset.Row {
			rows[len(rows)-1].Seq = 0
			return rows
		})),
		both("the number 0 of an origin", "sequence number 0", change(func(rows []changeset.Row) []changeset.Row {
			rows[len(rows)-1].ID.Seq = 0
			return rows
		})),
		both("half a row at the end", "it ends before row", func(m *Mirror) {
			b := m.file(changeset.IndexFile)
			m.write(changeset.IndexFile, b[:len(b)-22])
			m.text("prophet/mirror", "")
		}),
		both("rows of zeros", "sequence number 0", func(m *Mirror) {
			n := len(m.rows(main))
			m.write(changeset.IndexFile, append(m.file(changeset.IndexFile), make([]byte, 44)...))
			m.count(main, uint32(n+1))
		}),
		both("an index that is a web page", "a web page instead of the file|is damaged: row 100", func(m *Mirror) {
			m.count(main, 100)
			m.write(changeset.IndexFile, []byte("<!DOCTYPE html>\n<html>"+strings.Repeat(" ", 5000)))
		}),
		harmless("one changeset in two rows", "it is one changeset: known is what has its ID", func(m *Mirror) {
			m.add(main, lie(1))
			m.add(main, lie(1))
		}),
		harmless("numbers of an origin with gaps, and backwards", "normal: an origin's bookkeeping stays with it, and a restored one goes back", func(m *Mirror) {
			m.add(main, lie(9), lie(70_000), lie(3))
		}),
		{Name: "one row for two edits with one name", Lie: func(m *Mirror) {
			other := lie(1)
			other.Changes[0].Props["summary"] = changeset.PropChange{New: changeset.Text("something else")}
			m.add(main, lie(1), other)
		}, Clone: "is one edit here and another one there", Pull: "is one edit here and another one there"},
	}
}

// madeUpRow is the row with that number, from 0, of an index that nobody has.
func madeUpRow(i int64) (r changeset.Row) {
	r.Seq, r.ID = uint32(i+1), changeset.ID{Origin: mallory, Seq: uint32(i + 1)}
	binary.BigEndian.PutUint64(r.Key[:], uint64(i)*0x9e3779b97f4a7c15)
	return r
}

// madeUpRows answers for an index that has some rows, and then goes on as long as anybody asks, in parts alone. No object that it names is there.
func madeUpRows(rows []changeset.Row) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var first, last int64
		if _, err := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &first, &last); err != nil {
			http.Error(w, "no range", http.StatusForbidden)
			return
		}
		var b []byte
		for i := first / changeset.RowSize; i <= last/changeset.RowSize; i++ {
			r := madeUpRow(i)
			if int(i) < len(rows) {
				r = rows[i]
			}
			b = changeset.AppendRow(b, r)
		}
		b = b[first%changeset.RowSize:][:last-first+1]
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, int64(1<<32-1)*changeset.RowSize))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(b)
	}
}
