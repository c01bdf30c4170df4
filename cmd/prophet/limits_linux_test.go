package main

import (
	"os/signal"
	"syscall"

	"prophet/internal/race"
)

// limitProcess lets the process have no more memory, and write no larger file. The race detector takes memory of its own, without end.
func limitProcess(memory, file uint64) {
	signal.Ignore(syscall.SIGXFSZ) // so that a write fails, and the process goes on
	set := func(what int, most uint64) {
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			panic(err)
		}
	}
	set(syscall.RLIMIT_FSIZE, file)
	if !race.Enabled {
		set(syscall.RLIMIT_DATA, memory)
	}
}
