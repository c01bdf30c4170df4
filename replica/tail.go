package replica

import (
	"crypto/sha1"
	"encoding/hex"

	"prophet/changeset"
)

// TailRows is how many rows a tail has at most.
const TailRows = 64

// Tail identifies the last rows of a log, [TailRows] or all if there are fewer; "" if there are none. A log that was restored from a backup and went on may have
// the last row that was read of it in its place, after others than before: so a mark remembers the tail.
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
	rows, err := l.collect(TailBegins(seq), seq)
	return Tail(rows), err
}

func (l *Log) collect(from, to uint32) (rows []changeset.Row, err error) {
	for row, err := range l.Rows(from, to) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// lastRows returns the rows of the tail of the log as the transaction leaves it.
func (t *txLog) lastRows() ([]changeset.Row, error) {
	if t.rewritten == nil {
		rows, err := t.collect(TailBegins(t.seq), t.latest)
		return append(rows, t.added...), err
	}
	var rows []changeset.Row
	for b := t.rewritten[int(TailBegins(t.seq)-1)*changeset.RowSize:]; len(b) > 0; b = b[changeset.RowSize:] {
		row, err := changeset.ParseRow(b[:changeset.RowSize])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
