package replica

import (
	"iter"
	"slices"

	"prophet/changeset"
)

// How many rows are read in one piece when the log is read backward: few are wanted, mostly. Each piece is twice as long as the one before.
const (
	backwardAtFirst = 32
	backwardAtMost  = 1024
)

// Backward yields the rows from one sequence number to another, both included, as far as the log goes, the last one first.
// It reads no more of the index than that. After an error it yields nothing more.
func (l *Log) Backward(from, to uint32) iter.Seq2[changeset.Row, error] {
	return func(yield func(changeset.Row, error) bool) {
		from, to := max(from, 1), min(to, l.latest)
		for piece := uint32(backwardAtFirst); from <= to; piece = min(2*piece, backwardAtMost) {
			first := from
			if to-from >= piece {
				first = to - piece + 1
			}
			rows, err := l.Collect(first, to)
			if err != nil {
				yield(changeset.Row{}, err)
				return
			}
			for _, row := range slices.Backward(rows) {
				if !yield(row, nil) {
					return
				}
			}
			to = first - 1
		}
	}
}
