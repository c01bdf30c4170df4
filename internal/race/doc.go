// Package race tells tests whether the race detector runs with them. It looks for races, which a part of many like cases shows as well
// as all of them: long tests play fewer then, and say so.
package race

// Part is how many of n like cases a test plays: all of them, a fifth under the race detector.
func Part(n int) int { return max(1, n/Step) }
