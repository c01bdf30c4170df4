// Package crashfs is a file system in memory that fails on purpose, for tests of whatever writes.
//
// It keeps two states: what running programs see, and what is on the disk. Sync of a file puts its
// bytes on the disk, Sync of a directory the names in it; nothing else does. A test runs against it
// with a plan, then looks at what a crash would have left:
//
//	for k := 1; ; k++ {
//		disk := start.Survivor(crashfs.Kill, 0) // a copy
//		disk.CrashAt(k)
//		work(disk)
//		if !disk.Failed() {
//			break // k is past the end
//		}
//		check(disk.Survivor(crashfs.PowerCut, seed))
//	}
//
// A plan is a crash, from the k-th operation that changes something on, after which every call
// fails with [ErrCrashed]; or one error at the k-th operation of any kind; or an error that stays, as of a disk that is full or turned read-only. A write that
// fails has written half of its bytes; every other call that fails did nothing. From [FS.Record] on the operations are recorded.
//
// Unlike afero's MemMapFs it insists on what real file systems insist on: a file is created in a
// directory that exists, only an empty directory is removed, a handle is for reading or for writing.
package crashfs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

// ErrCrashed is what every call returns after the crash.
var ErrCrashed = errors.New("crashed")

// Mode is a way to crash.
type Mode int

const (
	// PowerCut keeps what was flushed: bytes of files and names in directories. Of what was
	// not, parts may survive, as the seed has it; with seed 0 nothing does.
	PowerCut Mode = iota
	// Kill keeps every completed call, as when a process dies. What was not flushed can still
	// be lost in a later power cut.
	Kill
)

func (m Mode) String() string { return [...]string{"power cut", "kill"}[m] }

// Op is one operation: its kind, the name it was on, for a rename the new name, and for an open whether it is for writing.
type Op struct {
	Kind, Name, To string
	ForWriting     bool
}

// String returns "rename old new", "write name" and so on.
func (o Op) String() string {
	if o.To != "" {
		return fmt.Sprintf("%s %s %s", o.Kind, o.Name, o.To)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Name)
}

// Changes reports whether the operation changes something on the disk or for other programs:
// create, mkdir, write, truncate, sync, syncdir, rename, remove and chmod do; open, read, readdir and stat do not.
func (o Op) Changes() bool {
	switch o.Kind {
	case "open", "read", "readdir", "stat":
		return false
	}
	return true
}

// Writes reports whether a disk that turned read-only refuses the operation: what changes something, and an open for writing.
func (o Op) Writes() bool { return o.Changes() || o.ForWriting }

// Grows reports whether a disk that is full refuses the operation: create, mkdir and write. It still renames, cuts, removes and flushes.
func (o Op) Grows() bool { return o.Kind == "create" || o.Kind == "mkdir" || o.Kind == "write" }

// FS is one program's view of a disk; it implements afero.Fs and is safe for several goroutines.
type FS struct {
	mu        sync.Mutex
	root      *node
	ops       []Op // that were recorded
	recording bool
	done      int // how many operations there were
	changes   int // how many of them change something
	crashAt   int // 0: never
	failAt    int // 0: never
	strikes   func(Op) bool
	strikeAt  int // with strikes: how many operations it leaves alone, and one
	fault     error
	failed    bool // the plan was carried out
}

// New returns an empty disk.
func New() *FS { return &FS{root: newDir()} }

// CrashAt makes the k-th operation from now that changes something fail, k from 1, and all that come after it.
func (f *FS) CrashAt(k int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashAt = f.changes + k
}

// FailAt makes the k-th operation from now, of any kind, fail with err, k from 1; those after it succeed.
func (f *FS) FailAt(k int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.fault = f.done+k, err
}

// FailFrom makes the k-th operation from now for which strikes holds fail with err, k from 1, and all after it for which it holds. strikes is one of
// [Op.Changes], [Op.Writes] and [Op.Grows], say.
func (f *FS) FailFrom(k int, err error, strikes func(Op) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikeAt, f.fault, f.strikes = k, err, strikes
}

// Failed reports whether the crash or the error of the plan has happened.
func (f *FS) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Record forgets what was recorded and records from now on. Until then nothing is: it costs more than most operations.
func (f *FS) Record() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops, f.recording = nil, true
}

// Ops returns what was done since [FS.Record], the operation that failed included. Without that it panics, for a test that nothing was done would prove nothing.
func (f *FS) Ops() []Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.recording {
		panic("crashfs: Ops without Record")
	}
	return append([]Op(nil), f.ops...)
}

// Changes returns how many operations so far changed something, see [Op.Changes].
func (f *FS) Changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// Survivor returns a copy of the disk as the next program finds it after a crash now, without a plan. f stays as it is.
func (f *FS) Survivor(mode Mode, seed int64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	if mode == Kill {
		return &FS{root: f.root.clone(map[*node]*node{})}
	}
	var dice *rand.Rand
	if seed != 0 {
		dice = rand.New(rand.NewPCG(uint64(seed), 0))
	}
	return &FS{root: f.root.cut(dice, map[*node]*node{})}
}

// Print returns a hash of all names and bytes that programs see. Disks with one print are one to whatever runs on them, but for times and for what a later
// power cut leaves of them; what PowerCut left has nothing more to lose. A sweep over all crashes need not try a disk twice: half of the operations flush,
// or end in what another one left too.
func (f *FS) Print() [sha256.Size]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := sha256.New()
	f.root.print(h)
	return [sha256.Size]byte(h.Sum(nil))
}

// begin records an operation and returns the error that the plan has for it. f.mu must be held.
func (f *FS) begin(op Op) error {
	if f.crashed() {
		return ErrCrashed
	}
	if f.recording {
		f.ops = append(f.ops, op)
	}
	f.done++
	if op.Changes() {
		f.changes++
	}
	if f.crashed() {
		f.failed = true
		return ErrCrashed
	}
	if f.done == f.failAt || f.struck(op) {
		f.failed = true
		return f.fault
	}
	return nil
}

// struck reports whether the error that stays is there, and is one of the operation.
func (f *FS) struck(op Op) bool {
	if f.strikes == nil || !f.strikes(op) {
		return false
	}
	f.strikeAt--
	return f.strikeAt <= 0
}

func (f *FS) crashed() bool { return f.crashAt > 0 && f.changes >= f.crashAt }
