package replica

import "testing"

// SmallParcels lets a check put down what it keeps after so many bytes.
func SmallParcels(t *testing.T, bytes int) {
	budget, part := parcelBudget, parcelPart
	parcelBudget, parcelPart = bytes, int64(bytes)
	t.Cleanup(func() { parcelBudget, parcelPart = budget, part })
}

// Checked gives notes on rows the checks that go with what they say.
func Checked(rows []byte) []byte {
	for i := 0; i+notedSize <= len(rows); i += notedSize {
		rows[i+4] &= 1<<flagBits - 1
		n, _ := parseNoted(0, rows[i:])
		appendNoted(rows[i:i], uint32(i/notedSize+1), n)
	}
	return rows
}

// FewTogether has no more than so many records, and so many bytes, read together.
func FewTogether(t *testing.T, records, bytes int) {
	mostRecords, mostBytes := togetherMost, togetherBytes
	togetherMost, togetherBytes = records, int64(bytes)
	t.Cleanup(func() { togetherMost, togetherBytes = mostRecords, mostBytes })
}
