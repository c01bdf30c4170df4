package main

import (
	"os"
	"strings"
	"syscall"
)

// peakMemory is how many bytes of a process that has ended, or of a child of it, were resident at most.
func peakMemory(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}

// load is how many processes wanted to run during the last one, five and fifteen minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) >= 3 {
		return strings.Join(fields[:3], " ")
	}
	return "unknown"
}

// flush has the system write what others have left to it, so that whoever comes next does not pay for them.
func flush() { syscall.Sync() }

// allocated is how many bytes of the disk a file takes.
func allocated(info os.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}
