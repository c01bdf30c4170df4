package replicatest

import (
	"runtime"
	"sync"

	"github.com/spf13/afero"
)

// PeakWhile is the most memory, in bytes, that is live while f runs, beyond what was before: it is looked at whenever so many more files of the file system that
// f gets were opened.
func PeakWhile(fsys afero.Fs, every int, f func(afero.Fs)) (peak uint64) {
	var stats runtime.MemStats
	for range 3 { // what a pool of an earlier test keeps goes with the second, what a finalizer holds with the third
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	before := stats.HeapAlloc
	f(&watched{Fs: fsys, every: every, look: func() {
		runtime.GC()
		runtime.ReadMemStats(&stats)
		peak = max(peak, stats.HeapAlloc-min(before, stats.HeapAlloc))
	}})
	return peak
}

// watched is a file system that is looked at now and then.
type watched struct {
	afero.Fs
	every int
	look  func()
	mu    sync.Mutex
	n     int
}

// Open opens a file, and looks at every so many of them.
func (w *watched) Open(name string) (afero.File, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n++; w.n%w.every == 0 {
		w.look()
	}
	return w.Fs.Open(name)
}
