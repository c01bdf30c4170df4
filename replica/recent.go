package replica

import (
	"sync"

	"github.com/spf13/afero"
)

// Whoever looks at many records, one after the other, reads a row or two of the same tables for each: of the index of the log, of the notes on its rows, of the
// local ids. Each would be a file that is opened for a few bytes. So after the first fewReads of a table, which may be all there are, what stands around a row is
// read with it and kept.
const (
	fewReads   = 32
	windowSize = 4 << 10 // bytes
	windowRest = 64      // bytes that are read beyond it, so that a row which begins in a window is in it as a whole
	maxWindows = 512     // then all are dropped
)

// recent is what was read last of the tables of a replica that is shown as it was at one moment: the rows that count then do not change. Nil keeps nothing.
type recent struct {
	mu      sync.Mutex
	reads   map[string]int // by file
	windows map[window][]byte
}

// window is a part of a file, which ends where that does.
type window struct {
	name string // of the file within the replica
	at   int64
}

// read returns n bytes of a table, which nobody may change. It is nil if they are many, are not kept and not worth it yet, or cannot be read: whoever then
// reads them as usual finds out why.
func (r *recent) read(fsys afero.Fs, prefix, name string, at, n int64) []byte {
	if r == nil || n > windowRest {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	from := at % windowSize
	w := window{prefix + name, at - from}
	if !r.often(w.name) {
		return nil
	}
	b := r.windows[w]
	if from+n > int64(len(b)) {
		if b = readWindow(fsys, name, w.at); from+n > int64(len(b)) {
			return nil
		}
		if r.windows == nil || len(r.windows) == maxWindows {
			r.windows = map[window][]byte{}
		}
		r.windows[w] = b
	}
	return b[from : from+n : from+n]
}

// often counts the reads of a table, and reports whether they are many.
func (r *recent) often(name string) bool {
	if r.reads == nil {
		r.reads = map[string]int{}
	}
	r.reads[name]++
	return r.reads[name] > fewReads
}

// readWindow reads what a file has of a window.
func readWindow(fsys afero.Fs, name string, at int64) []byte {
	f, err := fsys.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, windowSize+windowRest)
	n, _ := f.ReadAt(b, at) // what is short of it shows when it is asked for
	return b[:max(0, n)]
}
