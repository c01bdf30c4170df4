package replica

import (
	"bytes"

	"prophet/changeset"
)

// find returns where in the tail of the index the rows from one number, exclusive, to another, inclusive, stand, the last in it but for part of a row.
// The commit's stand before them. The place within a row where its maker's number stands reads like the beginning of a row, if
// the maker is this replica: so of several places the one counts at which most of the first changesets can be read.
func (h *halted) find(tail []byte, from, to uint32) (at int, ok bool) {
	if to <= from {
		return len(tail), to == from
	}
	size, most := int64(to-from)*changeset.RowSize, -1
	for torn := range min(changeset.RowSize, len(tail)+1) {
		end := len(tail) - torn
		if int64(end) < size {
			break
		}
		begin := end - int(size)
		rows, err := changeset.ParseRows(tail[begin:end], from+1)
		if err != nil || !h.theirs(tail[:end], begin) {
			continue
		}
		if n := h.readable(rows); n > most {
			at, ok, most = begin, true, n
		}
	}
	return at, ok
}

// theirs reports whether the rows from a byte of the tail on can be the other program's: none is the commit's, or they are bookkeeping alone that has the
// same bytes, because both pulled in one second, and before them is nothing but rows of the commit. One row alone would say nothing.
func (h *halted) theirs(tail []byte, begin int) bool {
	rows := tail[begin:]
	if !h.hasOwn(rows) {
		return begin >= h.ownRows(tail)
	}
	if len(rows) == changeset.RowSize || !bytes.HasPrefix(h.ours, tail[:begin]) {
		return false
	}
	for ; len(rows) > 0; rows = rows[changeset.RowSize:] {
		if h.isOwnRow(rows[:changeset.RowSize]) && !h.isBookkeeping(rows) {
			return false
		}
	}
	return true
}

// isBookkeeping reports whether the first of these rows names bookkeeping.
func (h *halted) isBookkeeping(rows []byte) bool {
	row, err := changeset.ParseRow(rows[:changeset.RowSize])
	if err != nil {
		return false
	}
	c, err := h.Changeset(row)
	return h.sound(err) && c.Bookkeeping()
}

// ownRows returns how many bytes at the beginning of the tail are whole rows of the commit.
func (h *halted) ownRows(tail []byte) (size int) {
	for n := changeset.RowSize; n <= len(h.ours) && bytes.HasPrefix(tail, h.ours[:n]); n += changeset.RowSize {
		size = n
	}
	return size
}

// readable returns how many of the first rows name a changeset that can be read.
func (h *halted) readable(rows []changeset.Row) int {
	for i, row := range rows {
		if _, err := h.Changeset(row); !h.sound(err) {
			return i
		}
	}
	return len(rows)
}

// hasOwn reports whether one of the rows is the commit's.
func (h *halted) hasOwn(rows []byte) bool {
	for ; len(rows) >= changeset.RowSize; rows = rows[changeset.RowSize:] {
		if h.isOwnRow(rows[:changeset.RowSize]) {
			return true
		}
	}
	return false
}

func (h *halted) isOwnRow(row []byte) bool {
	for own := h.ours; len(own) >= changeset.RowSize; own = own[changeset.RowSize:] {
		if bytes.Equal(row, own[:changeset.RowSize]) {
			return true
		}
	}
	return false
}
