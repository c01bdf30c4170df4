package replica

import "testing"

// SmallParcels lets a check put down what it keeps after few bytes.
func SmallParcels(t *testing.T) {
	budget, part := parcelBudget, parcelPart
	parcelBudget, parcelPart = 64<<10, 64<<10
	t.Cleanup(func() { parcelBudget, parcelPart = budget, part })
}
