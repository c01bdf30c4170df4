//go:build !race

package race

// Enabled says whether the race detector is in the program, which makes it several times slower.
const Enabled = false

// Step is how far it is from one of many like cases that a test plays to the next: 1 plays each of them. Under the race detector every eighth is played.
const Step = 1
