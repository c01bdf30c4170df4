package accidents

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/race"
	"prophet/replica"
)

var (
	seeds = flag.Int64("seeds", 1, "ways in which unflushed data survives a power cut, for each operation, beside none of it")
	all   = race.All // each error at every operation; without it, at about 20 of them, evenly spread
)

// operation is a piece of everyday work that accidents happen to.
type operation struct {
	name  string
	start *crashfs.FS                             // what is there before, all of it flushed
	do    func(w *work) error                     // does it, as a program of its own
	state func(fs afero.Fs) (string, error)       // all that is shown afterwards
	whole bool                                    // it is one transaction: after an error nothing was done
	again func(fs afero.Fs) error                 // what is done if it was not done to its end; nil: do
	safe  bool                                    // and also if it was
	end   func(fs afero.Fs) (string, error)       // what that must come to; nil: state
	peek  func(fs afero.Fs) error                 // what is done first, and changes nothing; nil: nothing is
	work  func(fs afero.Fs) error                 // what is done after that
	sound func(fs afero.Fs, worked bool) []string // what is wrong with the files

	ops    []crashfs.Op      // of an undisturbed run
	ended  string            // what it comes to, as end has it
	states []string          // that may be found: before, after each transaction, after all
	told   []int             // the state that is there when so many batches were reported
	found  map[print]finding // of the disks that were left
}

type print = [sha256.Size]byte

// work is one run of an operation.
type work struct {
	fs   afero.Fs
	told func() // a batch was reported done
	seed string // of the UUIDs that are given
}

// moment is what a power cut would leave while an operation is at work; told says that it has just reported a batch.
type moment struct {
	disk *crashfs.FS
	told bool
}

// finding is what there is to say of a disk that an accident left.
type finding struct {
	state  int // its place in the states
	faults []string
}

// undisturbed runs the operation without a fault, to learn what it does and which states it goes through: a transaction begins where its lock is taken.
func (o *operation) undisturbed(t *testing.T) {
	t.Helper()
	disk := o.start.Survivor(crashfs.Kill, 0)
	moments := []moment{{disk: o.start}}
	at := func(told bool) { moments = append(moments, moment{disk.Survivor(crashfs.PowerCut, 0), told}) }
	if err := o.do(&work{fs: &lockWatch{disk, func() { at(false) }}, told: func() { at(true) }}); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	at(false)
	last := 0
	for _, m := range moments {
		if last = o.note(t, m.disk); m.told {
			o.told = append(o.told, last)
		}
	}
	if last == 0 || last != len(o.states)-1 || o.whole && last != 1 {
		t.Fatalf("%s: it goes through %d states and ends in %d", o.name, len(o.states), last)
	}
	var err error
	if o.ended, err = o.end(disk); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	disk = o.start.Survivor(crashfs.Kill, 0)
	disk.Record()
	if err := o.do(&work{fs: disk, told: func() {}}); err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	o.ops, o.found = disk.Ops(), map[print]finding{}
}

// note adds the state of a disk to those that may be found, unless it is one of them, and returns its place.
func (o *operation) note(t *testing.T, disk *crashfs.FS) int {
	t.Helper()
	state, err := o.state(disk)
	if err != nil {
		t.Fatalf("%s: %v", o.name, err)
	}
	if at := slices.Index(o.states, state); at >= 0 {
		return at
	}
	o.states = append(o.states, state)
	return len(o.states) - 1
}

// lockWatch is a disk on which each taking of a lock is noticed.
type lockWatch struct {
	afero.Fs
	taken func()
}

func (l *lockWatch) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if strings.HasSuffix(name, "prophet/lock") {
		l.taken()
	}
	return l.Fs.OpenFile(name, flag, perm)
}

// sweep lets the fault strike at each operation in turn, and returns for each of its columns how often it did.
func (o *operation) sweep(t *testing.T, f fault) (accidents []int) {
	t.Helper()
	accidents = make([]int, len(f.columns))
	for k := 1; !t.Failed(); k += o.step(f) {
		disk := o.start.Survivor(crashfs.Kill, 0)
		f.plan(disk, k)
		reported := 0
		err := o.do(&work{fs: disk, told: func() { reported++ }})
		if !disk.Failed() {
			break
		}
		for column, disks := range f.left(disk, k, err) {
			when := fmt.Sprintf("%s, %s at operation %d, %s", o.name, f.columns[column], k, o.opAt(f, k))
			if err != nil && !isOf(err) {
				t.Errorf("%s: the error says nothing of it: %v", when, err)
			}
			for _, left := range disks {
				accidents[column]++
				o.check(t, when, f, left, reported, err)
			}
		}
	}
	return accidents
}

// step is after how many operations the fault strikes next. A crash strikes at every fifth one, and at each with -all.
func (o *operation) step(f fault) int {
	switch {
	case *all:
		return race.Every(1)
	case f.crash():
		return race.Every(5)
	}
	n := 0
	for _, op := range o.ops {
		if f.meets(op) {
			n++
		}
	}
	return n/race.Part(10) + 1
}

// opAt returns the operation at which a fault strikes, as it was in the undisturbed run.
func (o *operation) opAt(f fault, k int) string {
	for _, op := range o.ops {
		if f.meets(op) {
			k--
		}
		if k == 0 {
			return op.String()
		}
	}
	return "one that was not there before"
}

// check judges what an accident left.
func (o *operation) check(t *testing.T, when string, f fault, left *crashfs.FS, reported int, err error) {
	t.Helper()
	found := o.find(left)
	for _, fault := range found.faults {
		t.Errorf("%s (%v): %s", when, err, fault)
	}
	least, most := 0, len(o.states)-1
	switch {
	case err == nil:
		least = most
	case errors.Is(err, replica.ErrUncertain) && f.stays:
	case o.whole && !f.crash():
		most = 0
	}
	if reported > 0 {
		least = max(least, o.told[reported-1])
	}
	if found.state >= 0 && (found.state < least || found.state > most) {
		t.Errorf("%s: %d batches and the error %v were reported, and it is in state %d, not in %d to %d", when, reported, err, found.state, least, most)
	}
}

// find finds out what there is to say of a disk, if it is not one like an earlier one.
func (o *operation) find(left *crashfs.FS) finding {
	key := left.Print()
	f, seen := o.found[key]
	if !seen {
		f = o.study(left)
		o.found[key] = f
	}
	return f
}

func (o *operation) study(left *crashfs.FS) (f finding) {
	say := func(format string, args ...any) { f.faults = append(f.faults, fmt.Sprintf(format, args...)) }
	state, err := o.state(left)
	if f.state = slices.Index(o.states, state); f.state < 0 || err != nil {
		say("it is in no state that it may be in (%v):\n%s\nbut for these:\n%s", err, state, strings.Join(o.states, "\n"))
		return f
	}
	for _, fault := range o.sound(left, false) {
		say("fsck: %s", fault)
	}
	if err := o.look(left); err != nil {
		say("%v", err)
	}
	if err := o.goOn(left, f.state == len(o.states)-1 && !o.safe); err != nil {
		say("%v", err)
		return f
	}
	for _, fault := range o.sound(left, true) {
		say("fsck after what is done next: %s", fault)
	}
	return f
}

// look does what changes nothing of what is shown; it may take back what was not finished.
func (o *operation) look(left *crashfs.FS) error {
	if o.peek == nil {
		return nil
	}
	was, err := o.state(left)
	if err != nil {
		return err
	}
	if err := o.peek(left); err != nil {
		return fmt.Errorf("a dry run: %w", err)
	}
	if now, err := o.state(left); err != nil || now != was {
		return fmt.Errorf("a dry run made (%v)\n%s\nof\n%s", err, now, was)
	}
	return nil
}

// goOn finishes what was not done to its end, and works.
func (o *operation) goOn(left *crashfs.FS, done bool) error {
	if !done {
		if err := o.again(left); err != nil {
			return fmt.Errorf("it cannot be done again: %w", err)
		}
		if ended, err := o.end(left); err != nil || ended != o.ended {
			return fmt.Errorf("done again, it comes to (%v)\n%s\ninstead of\n%s", err, ended, o.ended)
		}
	}
	if err := o.work(left); err != nil {
		return fmt.Errorf("the work after it: %w", err)
	}
	return nil
}
