package sync

import "testing"

// SmallBatches makes each transaction of a pull have so many rows and bytes at most, until the test ends.
func SmallBatches(tb testing.TB, rows, bytes int) {
	oldRows, oldBytes := batchRows, batchBytes
	tb.Cleanup(func() { batchRows, batchBytes = oldRows, oldBytes })
	batchRows, batchBytes = rows, bytes
}

// Nobody publishes beside these tests, so a mirror that is looked at again need not be waited for.
func init() { clear(pauses) }
