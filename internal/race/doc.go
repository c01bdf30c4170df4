// Package race tells tests whether the race detector runs with them, and how many of many like cases to play. The detector looks for races, which a part of
// many like cases shows as well as all of them: long tests play fewer then, and say so. The longest play a part by default too, and all with -all.
package race

import "flag"

// All is whether to play all of many like cases: go test ./sync ./replica ./internal/accidents ./internal/damage -all -timeout 6h
var All = flag.Bool("all", false, "play all of many like cases: each operation at which something fails or is cut off, each file, each bit")

// Part is how many of n like cases a test plays: all of them, an eighth under the race detector.
func Part(n int) int { return max(1, n/Step) }

// Every is how far it is from one of many like cases that a test plays to the next: n, with -all 1, and under the race detector eight times as far. The flags
// must have been parsed.
func Every(n int) int {
	if *All {
		n = 1
	}
	return n * Step
}
