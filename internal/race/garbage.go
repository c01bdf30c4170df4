package race

import (
	"flag"
	"runtime/debug"
)

// LetGarbageLie makes the collector of garbage run a tenth as often, for the TestMain of a package whose tests make much that is small and soon gone: to
// look for it took up to a third of their time. It does nothing for benchmarks, nor under the race detector, with which the garbage came to gigabytes.
func LetGarbageLie() {
	flag.Parse()
	if !Enabled && flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(1000)
	}
}
