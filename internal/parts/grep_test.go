package parts

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"
)

// grepped returns the changesets that are found, sorted.
func grepped(list []*Part, want string) (got []string, err error) {
	var mu sync.Mutex
	err = Grep(list, []byte(want), func(changeset []byte) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, string(changeset))
		return nil
	})
	slices.Sort(got)
	return got, err
}

// TestGrepFindsChangesets has several parts, small frames and one that is larger than a run of them, and texts, which are not looked for.
func TestGrepFindsChangesets(t *testing.T) {
	rows := sample(9000)
	rows[4500].object = fmt.Appendf(nil, `{"large":%q}`, bytes.Repeat([]byte("0123456789"), grepBytes/10))
	var list []*Part
	for i, rows := range [][]row{rows[:3000], rows[3000:]} {
		fsys, ref := build(t, uint32(1+3000*i), rows)
		list = append(list, Open(fsys, "", ref, new(Cache)))
	}
	for _, want := range []string{`:7,`, `:4499,`, `:8999,`, `large`, `"padding"`, `"status"`, `nowhere`} {
		var all []string
		for _, r := range rows {
			if bytes.Contains(r.object, []byte(want)) {
				all = append(all, string(r.object))
			}
		}
		slices.Sort(all)
		if got, err := grepped(list, want); err != nil || !slices.Equal(got, all) {
			t.Errorf("%d changesets have %s, %d are found, %v", len(all), want, len(got), err)
		}
	}
}

// The frames of a part are divided into runs, each once and in their order, whatever their sizes.
func TestRunsHaveEachFrame(t *testing.T) {
	for _, sizes := range [][]int64{{}, {1}, {grepBytes}, {1, grepBytes, 1}, {grepBytes / 2, grepBytes / 2, 1}, {3 * grepBytes, 1, 1}, {1, 1, 1}} {
		var frames, got []frame
		at := int64(24)
		for _, n := range sizes {
			frames = append(frames, frame{begin: at, end: at + n})
			at += n
		}
		for _, r := range appendRuns(nil, nil, frames) {
			if n := len(r.frames); n == 0 || n > 1 && r.frames[n-2].end-r.begin() >= grepBytes {
				t.Errorf("sizes %d: a run of %d frames", sizes, n)
			}
			got = append(got, r.frames...)
		}
		if !slices.Equal(got, frames) {
			t.Errorf("sizes %d: the runs have %v", sizes, got)
		}
	}
}

func TestGrepFailsWhereAPartIsDamagedOrWhatIsFoundCannotBeUsed(t *testing.T) {
	for _, of := range []func(Ref) string{Ref.PackFile, Ref.TableFile} {
		fsys, ref := build(t, 1, sample(3000))
		b, err := afero.ReadFile(fsys, of(ref))
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/100]++
		if err := afero.WriteFile(fsys, of(ref), b, 0o666); err != nil {
			t.Fatal(err)
		}
		var damage *DamageError
		if _, err := grepped([]*Part{Open(fsys, "", ref, new(Cache))}, "nowhere"); !errors.As(err, &damage) || damage.Path != of(ref) {
			t.Errorf("%s is damaged: %v", of(ref), err)
		}
	}
	fsys, ref := build(t, 1, sample(3000))
	full := errors.New("enough")
	if err := Grep([]*Part{Open(fsys, "", ref, new(Cache))}, []byte("padding"), func([]byte) error { return full }); err != full {
		t.Errorf("got %v, want %v", err, full)
	}
}

// TestGrepBeginsNothingAfterAnError: each goroutine stops at the first error of any, and not only who met it.
func TestGrepBeginsNothingAfterAnError(t *testing.T) {
	var list []*Part
	for i := range 100 { // each a run
		fsys, ref := build(t, uint32(1+10*i), sample(10))
		list = append(list, Open(fsys, "", ref, new(Cache)))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		full := errors.New("enough")
		err := Grep(list, []byte("padding"), func([]byte) error {
			if calls.Add(1) == 1 {
				return full
			}
			time.Sleep(time.Second) // until all others sleep too, or have ended
			return nil
		})
		if err != full || calls.Load() > 4*10 {
			t.Errorf("%v, after %d of 1000 calls", err, calls.Load())
		}
	})
}
