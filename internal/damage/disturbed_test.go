package damage_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/damage"
	"prophet/internal/race"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// lacks are what a repair has to ask others for.
func lacks(t *testing.T, s *damage.Scene) map[string]func(fsys afero.Fs) {
	t.Helper()
	ann := open(t, s.Replica, damage.AnnAt)
	list, err := ann.Representations()
	if err != nil {
		t.Fatal(err)
	}
	row, err := list.Row(1)
	if err != nil {
		t.Fatal(err)
	}
	listed := changeset.ObjectPath(changeset.ChangesetObjects, row.Key)
	last := rowOf(t, ann, lastOf(t, ann, s.Records.Quiet))
	quiet := changeset.ObjectPath(changeset.ChangesetObjects, last.Key)
	return map[string]func(fsys afero.Fs){
		"a listed object":                func(fsys afero.Fs) { remove(t, fsys, listed) },
		"a changeset":                    func(fsys afero.Fs) { remove(t, fsys, quiet) },
		"a changeset, and its row":       func(fsys afero.Fs) { remove(t, fsys, quiet); zero(t, fsys, changeset.IndexFile, last.Seq) },
		"a changeset, and half its name": func(fsys afero.Fs) { remove(t, fsys, quiet); zeroHalf(t, fsys, changeset.IndexFile, last.Seq) },
		"the list and a record's index": func(fsys afero.Fs) {
			remove(t, fsys, replica.RepresentationsFile, changeset.RecordPath(s.Records.Quiet))
		},
		"the UUID of the database, and ours": func(fsys afero.Fs) { remove(t, fsys, changeset.DatabaseUUIDFile, replica.IdentityFile) },
	}
}

// lacking yields copies of a scene that each lack something which a repair has to ask others for, and what.
func lacking(t *testing.T, whole *damage.Scene) iter.Seq2[string, *damage.Scene] {
	return func(yield func(string, *damage.Scene) bool) {
		for name, hurt := range lacks(t, whole) {
			damaged := whole.Copy()
			if hurt(damaged.Replica); !yield(name, damaged) {
				return
			}
		}
	}
}

// repaired returns what is in the replica of a scene after an undisturbed repair, which leaves the scene as it is.
func repaired(t *testing.T, damaged *damage.Scene, name string) map[string]string {
	t.Helper()
	done := damaged.Copy()
	if _, err := repair(done, true); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return contents(t, done.Replica)
}

// zero overwrites a row of an index.
func zero(t *testing.T, fsys afero.Fs, name string, seq uint32) {
	t.Helper()
	overwrite(t, fsys, name, int(seq-1)*changeset.RowSize, changeset.RowSize)
}

// zeroHalf overwrites the last bytes of the name in a row of an index.
func zeroHalf(t *testing.T, fsys afero.Fs, name string, seq uint32) {
	t.Helper()
	overwrite(t, fsys, name, int(seq)*changeset.RowSize-8, 8)
}

func overwrite(t *testing.T, fsys afero.Fs, name string, at, n int) {
	t.Helper()
	b, err := afero.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[at:][:n])
	write(t, fsys, name, b)
}

// looks counts how often is looked at what others have, and interrupts a repair at the n-th time.
type looks struct {
	n         atomic.Int64 // that are to come: objects are fetched several at a time
	interrupt func()
}

// lookedAt is a file system of somebody who is asked.
type lookedAt struct {
	afero.Fs
	looks *looks
}

func (f *lookedAt) Open(name string) (afero.File, error) {
	if f.looks.n.Add(-1) == 0 {
		f.looks.interrupt()
	}
	return f.Fs.Open(name)
}

// TestARepairThatIsInterruptedGivesNothingUp: a repair is interrupted while it opens those whom it asks, or at any look into what they have. It says so, tells of no loss, and an undisturbed one
// comes to what it would have come to.
func TestARepairThatIsInterruptedGivesNothingUp(t *testing.T) {
	for name, damaged := range lacking(t, damage.New(t)) {
		want, met := repaired(t, damaged, name), true
		for n := 0; met; n += race.Step {
			work := damaged.Copy()
			stop, cancel := context.WithCancel(ctx)
			met = false
			interrupt := func() { met = true; cancel() }
			count := &looks{interrupt: interrupt}
			count.n.Store(int64(n))
			var lost []replica.Mended
			err := replica.Repair(stop, work.Replica, damage.AnnOptions(9), replica.RepairOptions{
				Sources: func(context.Context) []*replica.Replica {
					if n == 0 {
						interrupt()
						return nil
					}
					return []*replica.Replica{open(t, &lookedAt{work.MirrorTree(), count}, "/scene/mirror"), open(t, &lookedAt{work.Peer, count}, damage.CarolAt)}
				},
				Report: func(m replica.Mended) {
					if m.Outcome == replica.IsLost || m.Outcome == replica.IsLeft {
						lost = append(lost, m)
					}
				},
			})
			cancel()
			if met && (!errors.Is(err, context.Canceled) || len(lost) > 0) {
				t.Errorf("%s, interrupted at look %d: %v, told %v", name, n, err, lost)
			}
			again(t, work, want, fmt.Sprintf("%s, interrupted at look %d", name, n))
		}
	}
}

// again repairs a scene undisturbed, which comes to what it would have come to before.
func again(t *testing.T, s *damage.Scene, want map[string]string, before string) {
	t.Helper()
	mended, err := repair(s, true)
	if other := slices.DeleteFunc(otherFiles(want, contents(t, s.Replica)), excusedAfterCut); err != nil || len(other) > 0 {
		t.Errorf("%s, then repaired: %v, differ %v: %v", before, err, other, mended)
	}
}

// TestARepairOnADiskThatFailsGivesNothingUp: a file cannot be read, or any operation of a repair fails once, or the disk is full from some on. That is no loss: an undisturbed repair comes to what
// it would have come to.
func TestARepairOnADiskThatFailsGivesNothingUp(t *testing.T) {
	first := 0 // a twelfth of the files for each lack, another one for the next
	for name, damaged := range lacking(t, damage.New(t)) {
		want := repaired(t, damaged, name)
		fails := func(how string, plan func(disk *crashfs.FS)) bool {
			work := damaged.Copy()
			plan(work.Replica)
			_, _ = repair(work, true)
			failed := work.Replica.Failed()
			work.Replica = work.Replica.Survivor(crashfs.Kill, 0)
			again(t, work, want, name+", "+how)
			return failed
		}
		files, err := damage.Files(damaged.Replica)
		if err != nil {
			t.Fatal(err)
		}
		for i := first % race.Every(12); i < len(files); i += race.Every(12) {
			unread := func(op crashfs.Op) bool { return op.Kind == "read" && op.Name == files[i] }
			fails("without reading "+files[i], func(disk *crashfs.FS) { disk.FailFrom(1, syscall.EIO, unread) })
		}
		for k := 1; fails(fmt.Sprint("an error at operation ", k), func(disk *crashfs.FS) { disk.FailAt(k, syscall.EIO) }); {
			k += race.Step * (1 + 4*step())
		}
		for k := 1; fails(fmt.Sprint("full from operation ", k), func(disk *crashfs.FS) { disk.FailFrom(k, syscall.ENOSPC, crashfs.Op.Grows) }); {
			k += race.Every(11)
		}
		first++
	}
}

// TestALogThatCannotBeReadIsPassedOverWithAWord: who is asked for a changeset has no object of its name, and a log in which it might stand as another one, that cannot be read.
func TestALogThatCannotBeReadIsPassedOverWithAWord(t *testing.T) {
	s := damage.New(t)
	ann := open(t, s.Replica, damage.AnnAt)
	quiet := changeset.ObjectPath(changeset.ChangesetObjects, rowOf(t, ann, lastOf(t, ann, s.Records.Quiet)).Key)
	remove(t, s.Replica, quiet)
	remove(t, s.Peer, quiet)
	var warned []string
	opts := damage.AnnOptions(9)
	opts.Warn = func(text string) { warned = append(warned, text) }
	err := replica.Repair(ctx, s.Replica, opts, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica {
		carol := open(t, s.Peer, damage.CarolAt)
		s.Peer.FailFrom(1, syscall.EIO, func(op crashfs.Op) bool { return op.Name == changeset.IndexFile })
		return []*replica.Replica{carol}
	}})
	if word := "passed over in " + damage.CarolAt; err != nil || !slices.ContainsFunc(warned, func(text string) bool { return strings.HasPrefix(text, word) }) {
		t.Errorf("%v, warned of %q", err, warned)
	}
}

// TestARepairAsksAndTellsInOrder: changesets that nobody has are looked for by the versions of their records, which another one has: asked for, and told, in the same order each time.
func TestARepairAsksAndTellsInOrder(t *testing.T) {
	whole := damage.New(t)
	ann := open(t, whole.Replica, damage.AnnAt)
	for seq := range uint32(12) {
		object := changeset.ObjectPath(changeset.ChangesetObjects, rowOf(t, ann, seq+1).Key)
		remove(t, whole.Replica, object)
		if err := whole.Peer.RemoveAll(object); err != nil {
			t.Fatal(err)
		}
	}
	if err := whole.Replica.RemoveAll("cas/records"); err != nil {
		t.Fatal(err)
	}
	told := func() (list []replica.Mended) {
		s := whole.Copy()
		err := replica.Repair(ctx, s.Replica, damage.AnnOptions(9), replica.RepairOptions{
			Sources: func(context.Context) []*replica.Replica { return []*replica.Replica{open(t, s.Peer, damage.CarolAt)} },
			Report:  func(m replica.Mended) { list = append(list, m) },
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	first := told()
	for range 5 {
		if next := told(); !slices.Equal(next, first) {
			t.Fatalf("one repair did\n%v\nand another one\n%v", first, next)
		}
	}
}

// dying is a file system of somebody who answers so many times, and then no more.
type dying struct {
	afero.Fs
	answers atomic.Int64 // below 0: how often it was asked in vain
}

func (f *dying) Open(name string) (afero.File, error) {
	if f.answers.Add(-1) < 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ECONNRESET}
	}
	return f.Fs.Open(name)
}

// TestWhoFallsSilentIsAskedNoMore: all objects are missing, and who is asked first answers no more from some time on. It is given up, with a word, and the next one is asked for the rest.
func TestWhoFallsSilentIsAskedNoMore(t *testing.T) {
	const most = 3 * 16 // so many objects are asked for at once
	disk := crashfs.New()
	ann := replicatest.Init(t, disk, damage.AnnOptions(20))
	for i := range 120 {
		if _, err := ann.Edit(ctx, func(e *replica.Edit) error {
			_, err := e.Create("Ticket", map[string]string{"number": fmt.Sprint(i)})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := contents(t, disk)
	for _, gone := range [][]string{{"cas"}, {"cas", changeset.IndexFile}} {
		for _, answers := range []int64{0, 40, 90} {
			hurt := disk.Survivor(crashfs.Kill, 0)
			for _, name := range gone {
				if err := hurt.RemoveAll(name); err != nil {
					t.Fatal(err)
				}
			}
			silent := &dying{Fs: disk.Survivor(crashfs.Kill, 0)}
			var warned []string
			opts := damage.AnnOptions(9)
			opts.Warn = func(text string) { warned = append(warned, text) }
			err := replica.Repair(ctx, hurt, opts, replica.RepairOptions{Sources: func(context.Context) []*replica.Replica {
				silent.answers.Store(1 << 40)
				first := open(t, silent, "/dying")
				silent.answers.Store(answers)
				return []*replica.Replica{first, open(t, disk, "/good")}
			}})
			if other := otherFiles(want, contents(t, hurt)); err != nil || len(other) > 0 {
				t.Errorf("without %v, %d answers: %v, differ %v", gone, answers, err, other)
			}
			vain := -silent.answers.Load()
			if vain > most || !slices.Contains(warned, "/dying is asked no more: reading there failed 16 times in a row") {
				t.Errorf("without %v, %d answers: it was asked %d times in vain, want %d at most; warned of %q", gone, answers, vain, most, warned)
			}
		}
	}
}
