package main

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// How often garbage is collected, unless GOGC says how often: when the heap has grown by so many percent. The first time the runtime takes it to have had
// 4 MB of 100 percent, so that 800 are 32 MB.
const (
	atFirst = 800 // most commands end before; to collect it once is up to a quarter of their time
	usually = 100
	often   = 40 // to take in 1,000,000 changesets takes a quarter less memory then, and hardly more time
)

// garbage says whether it is collected often, whatever the first collection comes to.
var garbage struct {
	sync.Mutex
	often bool
}

// patient has the first collection of garbage wait until there is much.
func (e *env) patient() {
	if e.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(atFirst)
	// The first collection finds that. What is smaller than 16 bytes might lie in one piece with what lives on.
	runtime.AddCleanup(new([64]byte), func(int) { afterFirst() }, 0)
}

// afterFirst has garbage collected as usually, unless something asked for more before, or does so at the same time.
func afterFirst() {
	garbage.Lock()
	defer garbage.Unlock()
	if !garbage.often {
		debug.SetGCPercent(usually)
	}
}

// lean has garbage collected often.
func (e *env) lean() {
	if e.Getenv("GOGC") != "" {
		return
	}
	garbage.Lock()
	defer garbage.Unlock()
	garbage.often = true
	debug.SetGCPercent(often)
}
