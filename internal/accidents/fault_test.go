package accidents

import (
	"errors"
	"strings"
	"syscall"

	"prophet/internal/crashfs"
)

// fault is a way in which the k-th operation of a file system fails.
type fault struct {
	columns []string // of the table
	plan    func(disk *crashfs.FS, k int)
	meets   func(op crashfs.Op) bool // the operations among which the k-th is counted
	stays   bool                     // it is an error that stays
}

// What a crash leaves is looked at in two ways, each a column of its own.
var faults = []fault{
	{[]string{"power cut", "kill"}, (*crashfs.FS).CrashAt, crashfs.Op.Changes, false},
	{[]string{"ENOSPC once"}, once(syscall.ENOSPC), anyOp, false},
	{[]string{"EIO once"}, once(syscall.EIO), anyOp, false},
	{[]string{"EACCES once"}, once(syscall.EACCES), anyOp, false},
	{[]string{"ENOSPC stays"}, from(syscall.ENOSPC, crashfs.Op.Grows), crashfs.Op.Grows, true},
	{[]string{"EIO stays"}, from(syscall.EIO, crashfs.Op.Changes), crashfs.Op.Changes, true},
	{[]string{"EACCES stays"}, from(syscall.EACCES, crashfs.Op.Writes), crashfs.Op.Writes, true},
}

func anyOp(crashfs.Op) bool { return true }

func once(err error) func(disk *crashfs.FS, k int) {
	return func(disk *crashfs.FS, k int) { disk.FailAt(k, err) }
}

func from(err error, strikes func(crashfs.Op) bool) func(disk *crashfs.FS, k int) {
	return func(disk *crashfs.FS, k int) { disk.FailFrom(k, err, strikes) }
}

// crash reports whether the program ends with the fault.
func (f fault) crash() bool { return len(f.columns) == 2 }

// left returns, for each column, what the next program may find after the fault at the k-th operation. What was reported done must survive a power cut besides.
func (f fault) left(disk *crashfs.FS, k int, err error) [][]*crashfs.FS {
	killed := []*crashfs.FS{disk.Survivor(crashfs.Kill, 0)}
	cut := []*crashfs.FS{disk.Survivor(crashfs.PowerCut, 0)}
	switch {
	case err == nil && !f.crash():
		return [][]*crashfs.FS{append(killed, cut...)}
	case !f.crash():
		return [][]*crashfs.FS{killed}
	}
	for seed := range *seeds + int64(k%2) - 1 { // by default for every other operation
		cut = append(cut, disk.Survivor(crashfs.PowerCut, int64(k)+seed*1_000_000))
	}
	return [][]*crashfs.FS{cut, killed}
}

// isOf reports whether an error says what the disk did. In the memory in which a pull is rehearsed, the words alone are kept.
func isOf(err error) bool {
	for _, reason := range []error{syscall.ENOSPC, syscall.EIO, syscall.EACCES, crashfs.ErrCrashed} {
		if errors.Is(err, reason) || strings.Contains(err.Error(), reason.Error()) {
			return true
		}
	}
	return false
}
