package resolution

// Steps counts, in a test binary that was built for it, how often a function or the body of a loop of this package was entered. See
// TestCostsAreThoseOfTheHistory.
var Steps int
