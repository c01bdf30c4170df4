package durable

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// holder returns who has the lock of a file, as far as /proc tells: "process 4711 (prophet)", or that and ", which is stopped,".
func holder(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return somebody
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return somebody
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return somebody
	}
	pid := lockedBy(string(locks), stat.Dev, stat.Ino)
	if pid == "" {
		return somebody
	}
	about, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "process " + pid
	}
	return "process " + pid + describe(string(about))
}

// lockedBy finds the process that has the lock of a file in the text of /proc/locks, "" if none has it:
//
//	1: FLOCK  ADVISORY  WRITE 4711 fe:00:13992322 0 EOF
func lockedBy(locks string, dev, inode uint64) (pid string) {
	major, minor := dev>>8&0xfff|dev>>32&^0xfff, dev&0xff|dev>>12&^0xff
	file := fmt.Sprintf("%02x:%02x:%d", major, minor, inode)
	for line := range strings.Lines(locks) {
		fields := strings.Fields(line)
		if len(fields) > 5 && fields[1] == "FLOCK" && fields[3] == "WRITE" && fields[5] == file {
			return fields[4]
		}
	}
	return ""
}

// describe returns what a process is called, from the text of /proc/<pid>/stat: "4711 (prophet) S 1 …".
func describe(about string) string {
	begin, end := strings.IndexByte(about, '('), strings.LastIndexByte(about, ')')
	if begin < 0 || end < begin {
		return ""
	}
	name := " " + about[begin:end+1]
	if state := strings.TrimSpace(about[end+1:]); strings.HasPrefix(state, "T") {
		return name + stopped
	}
	return name
}
