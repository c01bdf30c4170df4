package durable

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"github.com/spf13/afero"
)

// seekData is the SEEK_DATA of Linux's lseek.
const seekData = 3

// PastHole returns where the hole in a file ends that begins at a byte, or before it: what is read from there up to that is zeros, and nothing on the disk. It
// returns at where there is no hole, or none can be asked for: on other systems than Linux, and in files that are not the system's. size is the file's, in bytes.
func PastHole(f afero.File, at, size int64) int64 {
	for {
		within, is := f.(*afero.BasePathFile)
		if !is {
			break
		}
		f = within.File
	}
	file, is := f.(*os.File)
	if !is || runtime.GOOS != "linux" {
		return at
	}
	data, err := file.Seek(at, seekData)
	switch {
	case err == nil:
		return max(at, data)
	case errors.Is(err, syscall.ENXIO): // no data follows
		return max(at, size)
	}
	return at
}
