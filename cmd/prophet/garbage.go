package main

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// How often garbage is collected, unless GOGC says how often: when the heap has grown by so many percent, at first of 4 MB.
const (
	atFirst = 800 // most commands end before; to collect it once is up to a quarter of their time
	usually = 100
	often   = 40 // to take in 1,000,000 changesets takes a quarter less memory then, and hardly more time
)

// afterFirst is how often garbage is collected after the first time.
var afterFirst atomic.Int32

// patient has the first collection of garbage wait until there is much.
func (e *env) patient() {
	if e.Getenv("GOGC") != "" {
		return
	}
	afterFirst.Store(usually)
	debug.SetGCPercent(atFirst)
	runtime.AddCleanup(new([64]byte), func(percent *atomic.Int32) { debug.SetGCPercent(int(percent.Load())) }, &afterFirst) // the first collection finds that
}

// lean has garbage collected often.
func (e *env) lean() {
	if e.Getenv("GOGC") == "" {
		afterFirst.Store(often)
		debug.SetGCPercent(often)
	}
}
