package replica

import (
	"crypto/sha1"
	"encoding/hex"

	"prophet/changeset"
)

// TailRows is how many rows a tail has at most.
const TailRows = 64

// Tail identifies the last rows of a log, [TailRows] or all if there are fewer; "" if there are none. A log that was restored from a backup and went
// on may have the last row that was read of it in its place, after others than before: so a mark remembers the tail.
func Tail(rows []changeset.Row) string {
	if len(rows) == 0 {
		return ""
	}
	var b []byte
	for _, row := range rows[max(0, len(rows)-TailRows):] {
		b = changeset.AppendRow(b, row)
	}
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// TailBegins returns the first row of the tail of a log of so many rows.
func TailBegins(rows uint32) uint32 { return max(rows, TailRows) - TailRows + 1 }

// tailAt is the tail of the log as it was when it had so many rows.
func (l *Log) tailAt(seq uint32) (string, error) {
	rows, err := l.Collect(TailBegins(seq), seq)
	return Tail(rows), err
}

// lastRows returns the rows of the tail of the log as the transaction leaves it.
func (t *txLog) lastRows() ([]changeset.Row, error) {
	if t.rewritten == nil {
		rows, err := t.Collect(TailBegins(t.seq), t.latest)
		return append(rows, t.added...), err
	}
	first := TailBegins(t.seq)
	return changeset.ParseRows(t.rewritten[int(first-1)*changeset.RowSize:], first)
}
