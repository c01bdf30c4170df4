package shm

import (
	"os"
	"syscall"
)

const (
	memory  = "/dev/shm"
	noexec  = 8 // flag of statfs
	roomFor = 1 << 30
)

// Use makes /dev/shm the place for temporary files, if none is set, it has a gigabyte left, and programs may run there. It is for a TestMain.
func Use() error {
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &fs) != nil || fs.Flags&noexec != 0 || fs.Bavail*uint64(fs.Bsize) < roomFor {
		return nil
	}
	return os.Setenv("TMPDIR", memory)
}
