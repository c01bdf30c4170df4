//go:build race

package race

// Enabled says whether the race detector is in the program, which makes it several times slower.
const Enabled = true
